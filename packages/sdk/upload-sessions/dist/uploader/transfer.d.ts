import { type LocalFile } from './files.js';
import { type Connection } from './http.js';
import type { limit } from './limit.js';
import type { Registered } from './session.js';
export interface Transfer {
    connection: Connection;
    sessionId: string;
    partSize: number;
    /** Parts under way at once. */
    limited: ReturnType<typeof limit>;
    /** When the server has last seen a part or a registration. */
    heardAt: number;
    /** Something of a file's progress has changed. */
    report(): void;
}
/** Sends what is missing of a file and completes it; gives where it can be had. */
export declare const sendFile: (transfer: Transfer, local: LocalFile, { fileId, fileUrl, presignedUrls }: Registered, isResumed: boolean) => Promise<string>;
