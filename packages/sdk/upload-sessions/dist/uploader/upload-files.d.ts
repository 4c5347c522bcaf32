import type { FileLike, FileToUpload, UploadOptions, UploadResult } from './options.js';
/**
 * Uploads files and makes them one MOC: hashes them, opens a session, sends their parts, completes
 * each file and finalizes the session.
 *
 * An upload of the same files that was interrupted (a reload, an abort, an error) goes on where it
 * was, if its session is still open; one that has expired starts anew. A session that expires on
 * the way rejects with `SESSION_EXPIRED`; call again to start anew.
 *
 * Rejects with an {@link UploadError} and only with that, unless a callback of the caller's threw;
 * and with a `TypeError` where nothing says which server.
 */
export declare function uploadFiles(files: Iterable<FileLike | FileToUpload>, options: UploadOptions): Promise<UploadResult>;
