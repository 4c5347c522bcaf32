import type { Client, Options as Options2, TDataShape } from './client/index.js';
import type { CancelSessionData, CancelSessionErrors, CancelSessionResponses, CompleteFileData, CompleteFileErrors, CompleteFileResponses, CreateSessionData, CreateSessionErrors, CreateSessionResponses, FinalizeSessionData, FinalizeSessionErrors, FinalizeSessionResponses, GetAnalyticsData, GetAnalyticsErrors, GetAnalyticsResponses, GetFileContentData, GetFileContentErrors, GetFileContentResponses, GetSessionData, GetSessionErrors, GetSessionResponses, ListPartsData, ListPartsErrors, ListPartsResponses, ListSessionsData, ListSessionsErrors, ListSessionsResponses, RegisterFileData, RegisterFileErrors, RegisterFileResponses, RegisterFilesBatchData, RegisterFilesBatchErrors, RegisterFilesBatchResponses, UploadPartData, UploadPartErrors, UploadPartResponses } from './types.gen.js';
export type Options<TData extends TDataShape = TDataShape, ThrowOnError extends boolean = boolean, TResponse = unknown> = Options2<TData, ThrowOnError, TResponse> & {
    /**
     * You can provide a client instance returned by `createClient()` instead of
     * individual options. This might be also useful if you want to implement a
     * custom client.
     */
    client?: Client;
    /**
     * You can pass arbitrary values through the `meta` object. This can be
     * used to access values that aren't defined as part of the SDK function.
     */
    meta?: Record<string, unknown>;
};
/**
 * My sessions, newest first
 *
 * Newest first.
 */
export declare const listSessions: <ThrowOnError extends boolean = false>(options?: Options<ListSessionsData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<ListSessionsResponses, ListSessionsErrors, ThrowOnError, "fields">;
/**
 * Create a session for files of every category
 *
 * Checks the files against the limits, against what you have uploaded before and against the
 * daily limit, and opens a session that takes exactly these files.
 */
export declare const createSession: <ThrowOnError extends boolean = false>(options: Options<CreateSessionData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<CreateSessionResponses, CreateSessionErrors, ThrowOnError, "fields">;
/**
 * What the sessions' events say
 *
 * For admins. `from`, `to` and `userId` bound metrics and events, `eventType` bounds events, their
 * total and their counts. Events are there within ten seconds of what happened.
 */
export declare const getAnalytics: <ThrowOnError extends boolean = false>(options?: Options<GetAnalyticsData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<GetAnalyticsResponses, GetAnalyticsErrors, ThrowOnError, "fields">;
/**
 * Finalize: the files are verified, the MOC is created, the session is closed
 *
 * Verifies every file and creates the MOC, once, however many call. A refusal changes nothing.
 */
export declare const finalizeSession: <ThrowOnError extends boolean = false>(options: Options<FinalizeSessionData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<FinalizeSessionResponses, FinalizeSessionErrors, ThrowOnError, "fields">;
/**
 * Cancel the session
 *
 * Frees what it stored, completed files included. Can be repeated. A finalized session can't be
 * cancelled.
 */
export declare const cancelSession: <ThrowOnError extends boolean = false>(options: Options<CancelSessionData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<CancelSessionResponses, CancelSessionErrors, ThrowOnError, "fields">;
/**
 * State, expiry, files, bytes and parts received
 *
 * Its state, its files, and what has arrived of them. Looking does not extend it.
 */
export declare const getSession: <ThrowOnError extends boolean = false>(options: Options<GetSessionData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<GetSessionResponses, GetSessionErrors, ThrowOnError, "fields">;
/**
 * Register a file of the session: starts its multipart upload
 *
 * Starts the multipart upload of a file that was declared when the session was created.
 */
export declare const registerFile: <ThrowOnError extends boolean = false>(options: Options<RegisterFileData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<RegisterFileResponses, RegisterFileErrors, ThrowOnError, "fields">;
/**
 * Register several files at once
 *
 * Each succeeds or fails by itself, and the results are in the order of the request. Here one file
 * was not declared: two results and one error.
 */
export declare const registerFilesBatch: <ThrowOnError extends boolean = false>(options: Options<RegisterFilesBatchData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<RegisterFilesBatchResponses, RegisterFilesBatchErrors, ThrowOnError, "fields">;
/**
 * Complete the file: its parts are assembled
 *
 * Assembles the file once all its parts have arrived. Can be repeated.
 */
export declare const completeFile: <ThrowOnError extends boolean = false>(options: Options<CompleteFileData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<CompleteFileResponses, CompleteFileErrors, ThrowOnError, "fields">;
/**
 * The whole file
 *
 * The bytes of a completed file, or a single range of them.
 */
export declare const getFileContent: <ThrowOnError extends boolean = false>(options: Options<GetFileContentData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<GetFileContentResponses, GetFileContentErrors, ThrowOnError, "fields">;
/**
 * What has arrived: resume from here
 *
 * What has arrived and need not be sent again.
 */
export declare const listParts: <ThrowOnError extends boolean = false>(options: Options<ListPartsData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<ListPartsResponses, ListPartsErrors, ThrowOnError, "fields">;
/**
 * Send a part; here the last one first
 *
 * Part n holds the bytes from (n-1) x partSizeBytes; every part but the last has exactly
 * partSizeBytes, the last has the rest. Sending a part again replaces it. Needs a token, or the
 * `signature` and `expires` of a presigned URL.
 */
export declare const uploadPart: <ThrowOnError extends boolean = false>(options: Options<UploadPartData, ThrowOnError>) => import("./client/types.gen.js").RequestResult<UploadPartResponses, UploadPartErrors, ThrowOnError, "fields">;
