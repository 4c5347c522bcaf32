import type { FileMetadata } from '../generated/types.gen.js';
import type { FileLike, FileProgress, FileToUpload } from './options.js';
type Bytes = Uint8Array<ArrayBuffer>;
/** A file, described as the server wants it. */
export interface LocalFile {
    file: FileLike;
    metadata: FileMetadata & {
        key: string;
    };
    /** As the caller said. */
    hash: string | false | undefined;
    progress: FileProgress;
}
export declare const describe: (input: FileLike | FileToUpload, taken: Set<string>) => LocalFile;
/** To be hashed. */
export declare const read: (local: LocalFile, start: number, end: number) => Promise<Bytes>;
/** To be sent; a blob stays where it is. */
export declare const slice: (local: LocalFile, start: number, end: number) => Promise<Blob | Bytes>;
export {};
