import type { LocalFile } from './files.js';
import type { UploadOptions } from './options.js';
/** What is remembered of an upload. How far it got, the server knows. */
export interface Saved {
    sessionId: string;
    /** By the files' keys; `null` for those without. */
    hashes: Record<string, string | null>;
}
/** The memory of one upload. */
export interface Memory {
    load(): Promise<Saved | undefined>;
    save(saved: Saved): Promise<void>;
    forget(): Promise<void>;
}
/**
 * One upload per server and set of files, in any order. The title is not part of it, so that one
 * that is taken can be changed.
 */
export declare const memoryOf: (base: string, files: LocalFile[], { store }: UploadOptions) => Memory;
