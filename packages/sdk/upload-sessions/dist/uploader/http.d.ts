import { type UploadError } from './errors.js';
import type { UploadOptions } from './options.js';
/** Where requests go, and until when. */
export interface Connection {
    /** The base path of the API, without a slash at its end. */
    base: string;
    /** The header that says who is calling. */
    authorization(): Promise<Record<string, string>>;
    retries: number;
    signal: AbortSignal;
}
export declare const connect: (options: UploadOptions, signal: AbortSignal) => Connection;
interface Request {
    method: string;
    url: string;
    headers: Record<string, string>;
    body?: string | Blob | Uint8Array<ArrayBuffer>;
    onSent?: (bytes: number) => void;
}
export interface Answer {
    status: number;
    text: string;
    header(name: string): string | null;
}
/** One attempt; gives up when nothing moves. */
export declare const send: (request: Request, outer: AbortSignal) => Promise<Answer>;
/** The refusal that an answer is. */
export declare const refusal: ({ status, text, header }: Answer) => UploadError;
export declare const sleep: (ms: number, signal: AbortSignal) => Promise<void>;
/** Repeats what may pass, as `retries` of the options says. */
export declare function retrying<T>({ signal, retries }: Pick<Connection, 'signal' | 'retries'>, attempt: () => Promise<T>, alsoPasses?: (error: UploadError) => boolean): Promise<T>;
/** Nothing is lost before the first answer, and a wrong address should be noticed soon. */
export declare const firstContact: (connection: Connection) => Connection;
/** A request of the API with its answer. */
export declare const call: <T>(connection: Connection, method: string, path: string, body?: object, more?: {
    headers?: Record<string, string>;
    alsoPasses?: (error: UploadError) => boolean;
}) => Promise<T>;
/** A part, by the API. */
export declare const put: <T>(connection: Connection, path: string, body: Request["body"], onSent: (bytes: number) => void) => Promise<T>;
export {};
