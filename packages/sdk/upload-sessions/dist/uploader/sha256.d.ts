import type { FileLike } from './options.js';
type Bytes = Uint8Array<ArrayBuffer>;
type Read = (start: number, end: number) => Promise<Bytes>;
/** SHA-256 of a file in hex: by Node, else in a worker, else here, a chunk at a time. */
export declare function hashOf(file: FileLike, read: Read, signal: AbortSignal): Promise<string>;
export {};
