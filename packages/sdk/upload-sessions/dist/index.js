// Names say enough where they are imported among others: no `Config`, no `Options`.
export { cancelSession, completeFile, createSession, finalizeSession, getAnalytics, getFileContent, getSession, listParts, listSessions, registerFile, registerFilesBatch, uploadPart, } from './generated/sdk.gen.js';
export { client } from './generated/client.gen.js';
export { createClient, createConfig as createClientConfig } from './generated/client/index.js';
export * from './uploader/index.js';
