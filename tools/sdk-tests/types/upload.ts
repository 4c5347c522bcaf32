// What callers write. Each line that must not compile says so.

import { createClient, isUploadError, uploadFiles } from '@moc-uploads/upload-sessions';
import type { ServerProblem, UploadError, UploadProgress, UploadStore } from '@moc-uploads/upload-sessions';
import { openAsBlob } from 'node:fs';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>) => undefined;

export const narrows = (error: UploadError): string => {
  switch (error.code) {
    case 'DUPLICATE_FILE':
      return error.duplicates.map(({ key, existingUrl }) => `${key}: ${existingUrl}`).join();
    case 'SESSION_EXPIRED':
      same<typeof error.sessionExpired, boolean>(true);
      return error.expiresAt;
    case 'PART_COUNT_MISMATCH':
      // @ts-expect-error: it may not be there
      return error.missing.join();
    case 'CONFLICT':
      same<typeof error.suggestedSlug, string | undefined>(true);
      // @ts-expect-error: another code's
      return error.duplicates;
    case 'TOO_MANY_REQUESTS':
      return error.nextAllowedAt + error.retryAfterSeconds.toFixed();
    case 'NETWORK':
      // @ts-expect-error: nobody has answered
      return error.correlationId;
    case 'ABORTED':
      return String(error.cause);
    case 'INVALID_FILE':
      return error.key;
    case 'UNEXPECTED_RESPONSE':
      return error.status.toFixed();
    // @ts-expect-error: there is no such code
    case 'NOTHING':
      return '';
    default:
      return `${error.title} ${error.detail} ${error.correlationId} ${error.sessionId} ${error.message}`;
  }
};

export const ofTheClient = (problem: ServerProblem) =>
  problem.code === 'FILES_INCOMPLETE' ? problem.incomplete.length : 0;

const memory = new Map<string, string>();
const store: UploadStore = {
  getItem: async (key) => memory.get(key) ?? null,
  setItem: (key, value) => memory.set(key, value),
  removeItem: (key) => memory.delete(key),
};

export const calls = async (input: FileList, maybe: string | undefined, signal: AbortSignal | undefined) => {
  const client = createClient({ baseUrl: 'https://uploads.example.com', auth: async () => 'token' });
  try {
    const { moc, files } = await uploadFiles(input, {
      title: 'Castle',
      description: maybe,
      theme: maybe,
      client,
      signal,
      onProgress: ({ bytesSent, bytesTotal }: UploadProgress) => bytesSent / bytesTotal,
      store: globalThis.localStorage,
    });
    // @ts-expect-error: there may be fewer files
    files[0].fileUrl;
    same<typeof moc.thumbnailUrl, string | null>(true);
    await uploadFiles(
      [
        { file: await openAsBlob('castle.pdf'), name: 'castle.pdf' },
        { file: new File([''], 'front.jpg'), category: 'thumbnail', hash: false },
        { name: 'parts.csv', size: 1, slice: async () => new Uint8Array(1) },
      ],
      { title: 'Castle', baseUrl: '', token: () => maybe, store },
    );
    // @ts-expect-error: no title
    await uploadFiles([], {});
    // @ts-expect-error: no such category
    await uploadFiles([{ file: new Blob(), category: 'book' }], { title: '' });
    // @ts-expect-error: bytes that can't be cut
    await uploadFiles([{ size: 1 }], { title: '' });
  } catch (error) {
    // @ts-expect-error: it may be anything
    error.code;
    if (isUploadError(error)) narrows(error);
  }
};
