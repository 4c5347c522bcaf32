import { failure, isUploadError, type UploadError } from './errors.js';
import { describe, type LocalFile, read } from './files.js';
import { connect } from './http.js';
import { limit } from './limit.js';
import { memoryOf } from './memory.js';
import type {
  FileLike,
  FileToUpload,
  UploadedFile,
  UploadOptions,
  UploadProgress,
  UploadResult,
} from './options.js';
import { cancel, create, finalize, randomKey, register, reopen } from './session.js';
import { hashOf } from './sha256.js';
import { sendFile, type Transfer } from './transfer.js';

/** Of errors that leave nothing to go on with: what the session holds can't be right. */
const hopeless = new Set<UploadError['code']>(['CHECKSUM_MISMATCH', 'CONTENT_TYPE_MISMATCH']);

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
export async function uploadFiles(
  files: Iterable<FileLike | FileToUpload>,
  options: UploadOptions,
): Promise<UploadResult> {
  const { signal, onProgress } = options;
  // Whatever ends the upload aborts this, and with it everything under way.
  const ending = new AbortController();
  const fail = (reason: unknown) => ending.abort(reason);
  const onAbort = () => fail(failure({ code: 'ABORTED' }, 'the upload was aborted', signal?.reason));

  const taken = new Set<string>();
  const locals = Array.from(files, (file) => describe(file, taken));
  const connection = connect(options, ending.signal);
  const memory = memoryOf(connection.base, locals, options);
  const limited = limit(Math.max(1, options.concurrency || 4));
  const progress: UploadProgress = {
    phase: 'hashing',
    sessionId: undefined,
    resumed: false,
    bytesSent: 0,
    bytesTotal: locals.reduce((sum, { file }) => sum + file.size, 0),
    files: locals.map((local) => local.progress),
  };
  const report = (phase = progress.phase) => {
    if (ending.signal.aborted) return;
    progress.phase = phase;
    progress.bytesSent = locals.reduce((sum, local) => sum + local.progress.bytesSent, 0);
    try {
      onProgress?.({ ...progress, files: progress.files.map((file) => ({ ...file })) });
    } catch (error) {
      fail(error);
    }
  };
  /** Settles in any case; a failure ends the upload. */
  const watch = <T>(job: Promise<T>) => job.catch(fail) as Promise<T>;
  const all = async <T>(watched: Promise<T>[]): Promise<T[]> => {
    const results = await Promise.all(watched);
    ending.signal.throwIfAborted();
    return results;
  };

  const hash = async (local: LocalFile, known: string | null | undefined): Promise<string | null> => {
    ending.signal.throwIfAborted();
    if (local.hash !== undefined) return local.hash || null;
    // Only a file that would show that it has changed is not read again.
    if (known && local.file.lastModified !== undefined) return known;
    const bytes = (start: number, end: number) => {
      ending.signal.throwIfAborted();
      return read(local, start, end);
    };
    return hashOf(local.file, bytes, ending.signal);
  };

  /** Of the session that was to be opened. */
  let opening: string | undefined;
  const run = async (): Promise<UploadResult> => {
    report();
    const saved = await memory.load();
    const hashes = await all(
      locals.map((local) => watch(limited(() => hash(local, saved?.hashes[local.metadata.key])))),
    );
    locals.forEach(({ metadata }, index) => {
      const hash = hashes[index];
      if (hash) metadata.hash = hash;
    });
    // What shows by neither its hash nor its time that it is the same may be another file.
    const isSame =
      saved &&
      locals.every(
        ({ file, metadata: { key } }, index) =>
          hashes[index] === saved.hashes[key] && (hashes[index] ?? file.lastModified) !== undefined,
      );
    const earlier = isSame ? await reopen(connection, saved.sessionId, options) : undefined;
    const open = earlier ?? (await create(connection, (opening = randomKey()), locals, options));
    const { sessionId, partSizeBytes } = open;
    progress.sessionId = sessionId;
    progress.resumed = earlier !== undefined;
    await memory.save({
      sessionId,
      hashes: Object.fromEntries(locals.map(({ metadata: { key } }, index) => [key, hashes[index]!])),
    });
    report('uploading');

    const transfer: Transfer = {
      connection,
      sessionId,
      partSize: partSizeBytes,
      limited,
      report,
      heardAt: Date.now(),
    };
    const jobs: Promise<UploadedFile>[] = [];
    for (const [index, local] of locals.entries()) {
      ending.signal.throwIfAborted();
      const { key, name, size } = local.metadata;
      const known = earlier?.files.find((file) => file.key === key);
      // In order: the first instruction and the first image have a part to play.
      const file =
        known ??
        (await register(
          connection,
          sessionId,
          local,
          options.direct ? Math.ceil(size / partSizeBytes) : undefined,
        ));
      const isResumed = !('partSizeBytes' in file);
      const job = async (): Promise<UploadedFile> => {
        const fileUrl = await sendFile(transfer, local, file, isResumed);
        return { key, name, fileId: file.fileId, fileUrl, hash: hashes[index] ?? undefined };
      };
      jobs.push(watch(job()));
    }
    const uploaded = await all(jobs);
    report('finalizing');
    const moc = await finalize(connection, sessionId, options);
    await memory.forget();
    report('done');
    return { sessionId, moc, files: uploaded };
  };

  /** What is left when it has failed. */
  const leave = async (error: unknown): Promise<never> => {
    let { sessionId } = progress;
    if (!isUploadError(error)) throw error;
    if (hopeless.has(error.code) || (error.code === 'ABORTED' && options.cancelOnAbort)) {
      const after = {
        ...connection,
        retries: Math.min(connection.retries, 2),
        signal: new AbortController().signal,
      };
      if (opening && !sessionId) {
        // The answer was cut off, and comes again.
        const open = await create(after, opening, locals, options).catch(() => undefined);
        sessionId = open?.sessionId;
      }
      await Promise.all([sessionId && cancel(after, sessionId), memory.forget()]);
    }
    if (sessionId) error.sessionId = sessionId;
    throw error;
  };

  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort);
  try {
    return await new Promise((resolve, reject) => {
      const over = () => reject(ending.signal.reason);
      if (ending.signal.aborted) over();
      else ending.signal.addEventListener('abort', over);
      if (!ending.signal.aborted) run().then(resolve, fail);
    });
  } catch (error) {
    return await leave(error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
