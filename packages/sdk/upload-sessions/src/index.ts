export * from './generated/index.js';
export { client } from './generated/client.gen.js';
export { createClient, createConfig } from './generated/client/index.js';
export type { Client, Config } from './generated/client/index.js';
export * from './uploader/index.js';
