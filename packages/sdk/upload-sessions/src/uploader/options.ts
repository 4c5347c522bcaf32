import type { FileCategory, FinalizedMoc } from '../generated/types.gen.js';

/** What bytes are read from. A `File` or `Blob` is one; on Node, so is what `fs.openAsBlob` gives. */
export interface FileLike {
  readonly name?: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** MIME type; counts when the name's extension does not tell. */
  readonly type?: string | undefined;
  /** Tells a file from an older version of it, so that resuming need not read it all again. */
  readonly lastModified?: number | undefined;
  /** The bytes from `start` up to `end`, `end` not included. */
  slice(start: number, end: number): Blob | Uint8Array<ArrayBuffer> | Promise<Blob | Uint8Array<ArrayBuffer>>;
}

/** A file with what can't be read off it. */
export interface FileToUpload {
  file: FileLike;
  /** As the user sees it; the file's own by default. */
  name?: string | undefined;
  /** By default what the name's extension says, else the file's own. */
  type?: string | undefined;
  /** By default what the type says: a PDF is an instruction, an image an image, all else a parts list. */
  category?: FileCategory | undefined;
  /** Names the file within the session; its name by default, numbered where two have one. */
  key?: string | undefined;
  /** SHA-256 in hex, when it is known already; `false` does without, and without a check for duplicates. */
  hash?: string | false | undefined;
}

/** Where interrupted uploads are remembered. `localStorage` is one; promises are waited for. */
export interface UploadStore {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

type Token = string | undefined;

/** The bearer token, or what gives it: asked before every request, so that it may be refreshed. */
export type TokenSource = Token | (() => Token | Promise<Token>);

/** What {@link uploadFiles} wants of a generated client. */
export interface ConfiguredClient {
  getConfig(): {
    baseUrl?: string | undefined;
    auth?: Token | ((auth: { type: 'http'; scheme: 'bearer' }) => Token | Promise<Token>);
  };
}

export interface UploadOptions {
  /** Unique among the user's MOCs; 1 to 200 characters. */
  title: string;
  /** Up to 5000 characters. */
  description?: string | undefined;
  /** Up to 20 of up to 50 characters. */
  tags?: string[] | undefined;
  /** Up to 100 characters. */
  theme?: string | undefined;

  /** The server, without a path; by default that of `client`, else the page's own origin. */
  baseUrl?: string | undefined;
  /** By default the `auth` of `client`. */
  token?: TokenSource;
  /** A generated client whose `baseUrl` and `auth` count here, too. */
  client?: ConfiguredClient | undefined;

  /** Take files that the user has uploaded before. */
  allowDuplicates?: boolean | undefined;
  /**
   * Send parts straight to the object store, by presigned URLs. A part that can't be sent so goes
   * through the server.
   */
  direct?: boolean | undefined;
  /** Parts under way at once; 4 by default. */
  concurrency?: number | undefined;
  /**
   * How often a request is repeated after a network error, 408, 429 or 5xx; 8 by default. Waits
   * are random up to a bound that doubles from 250 ms to 15 s, after what `Retry-After` says. One
   * that says more than a minute is not waited for.
   */
  retries?: number | undefined;
  /**
   * Ends the upload: requests under way are cut, nothing is sent any more, and the promise rejects
   * with `ABORTED`. The session stays, and the next call with the same files goes on with it.
   */
  signal?: AbortSignal | undefined;
  /** Aborting cancels the session on the server, too: nothing is kept. It is waited for. */
  cancelOnAbort?: boolean | undefined;
  /** Called on every change. What it throws ends the upload. */
  onProgress?: ((progress: UploadProgress) => void) | undefined;
  /** `localStorage` by default, where there is one; `false` remembers nothing. */
  store?: UploadStore | false | undefined;
}

export interface UploadProgress {
  phase: 'hashing' | 'uploading' | 'finalizing' | 'done';
  /** Of the session, once it is open. */
  sessionId: string | undefined;
  /** Whether an interrupted upload goes on. */
  resumed: boolean;
  /** Of all files; never falls, also when a part is sent again. */
  bytesSent: number;
  bytesTotal: number;
  /** In the order of the call. */
  files: FileProgress[];
}

export interface FileProgress {
  key: string;
  name: string;
  state: 'waiting' | 'uploading' | 'completing' | 'completed';
  /** Never falls. */
  bytesSent: number;
  bytesTotal: number;
}

export interface UploadResult {
  sessionId: string;
  moc: FinalizedMoc;
  /** In the order of the call. */
  files: UploadedFile[];
}

export interface UploadedFile {
  key: string;
  name: string;
  fileId: string;
  /** Where its bytes come back from. */
  fileUrl: string;
  /** SHA-256 in hex, unless the file was to have none. */
  hash: string | undefined;
}
