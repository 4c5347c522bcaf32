import type {
  CreatedSession,
  CreateSessionRequest,
  FinalizedBefore,
  FinalizedMoc,
  FinalizeSessionRequest,
  RegisteredFile,
  RegisterFileRequest,
  SessionDetails,
  SessionFile,
} from '../generated/types.gen.js';
import { isUploadError } from './errors.js';
import type { LocalFile } from './files.js';
import { call, type Connection, firstContact, sleep } from './http.js';
import type { UploadOptions } from './options.js';

export const randomKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );

const session = (connection: Connection, id: string) =>
  call<SessionDetails>(connection, 'GET', `/sessions/${id}`);

/** An interrupted session, when it can go on. */
export const reopen = async (
  connection: Connection,
  id: string,
  { title }: UploadOptions,
): Promise<SessionDetails | undefined> => {
  try {
    const found = await session(firstContact(connection), id);
    // Only the answer to its finalizing was lost, or it is another upload of the same files.
    const isThis = found.status === 'completed' && found.moc?.title === title.trim();
    return isThis || found.status === 'active' ? found : undefined;
  } catch (error) {
    if (isUploadError(error) && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
};

/** Twice with the same `key` is once. */
export const create = (
  connection: Connection,
  key: string,
  files: LocalFile[],
  { allowDuplicates }: UploadOptions,
) => {
  const body: CreateSessionRequest = { files: files.map(({ metadata }) => metadata) };
  if (allowDuplicates) body.allowDuplicates = true;
  return call<CreatedSession>(firstContact(connection), 'POST', '/sessions', body, {
    headers: { 'Idempotency-Key': key },
    // The first try of this very request is still running.
    alsoPasses: ({ code }) => code === 'CONFLICT',
  });
};

/** A file that the session knows; what is missing in it is not known here. */
export type Registered = Pick<RegisteredFile, 'fileId' | 'presignedUrls'> & Pick<SessionFile, 'fileUrl'>;

export const register = async (
  connection: Connection,
  id: string,
  local: LocalFile,
  partCount: number | undefined,
): Promise<Registered> => {
  const body: RegisterFileRequest = local.metadata;
  try {
    return await call<RegisteredFile>(
      connection,
      'POST',
      `/sessions/${id}/files`,
      partCount ? { ...body, partCount } : body,
    );
  } catch (error) {
    if (isUploadError(error) && (error.code === 'CONFLICT' || error.code === 'FILE_COUNT_EXCEEDED')) {
      // The answer to an earlier try may have been lost.
      const known = (await session(connection, id)).files.find(({ key }) => key === local.metadata.key);
      if (known) return known;
    }
    throw error;
  }
};

export const finalize = async (
  connection: Connection,
  uploadSessionId: string,
  options: UploadOptions,
): Promise<FinalizedMoc> => {
  const { title, description, tags, theme } = options;
  const body = { uploadSessionId, title, description, tags, theme } as FinalizeSessionRequest;
  for (let wait = 250; ; wait = Math.min(2 * wait, 10_000)) {
    const answer = await call<FinalizedBefore>(connection, 'POST', '/sessions/finalize', body);
    if ('slug' in answer) return answer;
    // Another call is at it; the server ends one that got stuck.
    await sleep(wait, connection.signal);
  }
};

/** Nothing is kept of it; one that is over is so already. */
export const cancel = (connection: Connection, id: string) =>
  call<void>(connection, 'DELETE', `/sessions/${id}`).catch(() => undefined);
