import type { CreatedSession, FinalizedMoc, RegisteredFile, SessionDetails, SessionFile } from '../generated/types.gen.js';
import type { LocalFile } from './files.js';
import { type Connection } from './http.js';
import type { UploadOptions } from './options.js';
export declare const randomKey: () => string;
/** An interrupted session, when it can go on. */
export declare const reopen: (connection: Connection, id: string, { title }: UploadOptions) => Promise<SessionDetails | undefined>;
/** Twice with the same `key` is once. */
export declare const create: (connection: Connection, key: string, files: LocalFile[], { allowDuplicates }: UploadOptions) => Promise<CreatedSession>;
/** A file that the session knows; what is missing in it is not known here. */
export type Registered = Pick<RegisteredFile, 'fileId' | 'presignedUrls'> & Pick<SessionFile, 'fileUrl'>;
export declare const register: (connection: Connection, id: string, local: LocalFile, partCount: number | undefined) => Promise<Registered>;
export declare const finalize: (connection: Connection, uploadSessionId: string, options: UploadOptions) => Promise<FinalizedMoc>;
/** Nothing is kept of it; one that is over is so already. */
export declare const cancel: (connection: Connection, id: string) => Promise<void | undefined>;
