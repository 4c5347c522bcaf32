import type { CompletedFile, PartList, PartReceipt, ReceivedPart } from '../generated/types.gen.js';
import { type LocalFile, slice } from './files.js';
import { call, type Connection, put, retrying, send } from './http.js';
import type { limit } from './limit.js';
import type { FileProgress } from './options.js';
import type { Registered } from './session.js';

/** Parts that go straight to the object store do not keep a session open; one of them by the server does. */
const longestSilence = 240_000;

export interface Transfer {
  connection: Connection;
  sessionId: string;
  partSize: number;
  /** Parts under way at once. */
  limited: ReturnType<typeof limit>;
  /** When the server has last seen a part or a registration. */
  heardAt: number;
  /** Something of a file's progress has changed. */
  report(): void;
}

const receipt = ({ partNumber, etag }: PartReceipt): PartReceipt => ({ partNumber, etag });

/** Sends what is missing of a file and completes it; gives where it can be had. */
export const sendFile = async (
  transfer: Transfer,
  local: LocalFile,
  { fileId, fileUrl, presignedUrls }: Registered,
  isResumed: boolean,
): Promise<string> => {
  const { connection, partSize, limited, report } = transfer;
  const { progress } = local;
  const path = `/sessions/${transfer.sessionId}/files/${fileId}`;
  const enter = (state: FileProgress['state'], bytesSent: number) => {
    Object.assign(progress, { state, bytesSent });
    report();
  };
  const { size } = local.metadata;
  if (fileUrl) {
    enter('completed', size);
    return fileUrl;
  }
  const received = async () => (await call<PartList>(connection, 'GET', `${path}/parts`)).parts;

  /** Of every part: what has gone, at best. */
  const sent: number[] = [];
  const sum = () => sent.reduce((sum, bytes) => sum + bytes, 0);
  const note = (index: number, bytes: number) => {
    sent[index] = Math.max(sent[index] ?? 0, bytes);
    progress.bytesSent = sum();
    report();
  };

  const sendPart = async (index: number): Promise<PartReceipt> => {
    const start = index * partSize;
    const end = Math.min(start + partSize, size);
    const onSent = (bytes: number) => note(index, bytes);
    const presigned = presignedUrls?.find(({ partNumber }) => partNumber === index + 1);
    const straight = async () => {
      const now = Date.now();
      if (!presigned || Date.parse(presigned.expiresAt) <= now || transfer.heardAt + longestSilence < now)
        return undefined;
      const { url, headers } = presigned;
      try {
        const answer = await send(
          { method: 'PUT', url, headers, body: await slice(local, start, end), onSent },
          connection.signal,
        );
        if (answer.status < 300) return answer.header('ETag') ?? '';
      } catch {
        // What is wrong with more than the way fails on the other, too.
      }
      return undefined;
    };
    const byServer = async () => {
      transfer.heardAt = Date.now();
      return put<ReceivedPart>(
        connection,
        `${path}/parts/${index + 1}`,
        await slice(local, start, end),
        onSent,
      );
    };
    const etag = (await straight()) ?? (await retrying(connection, byServer)).etag;
    note(index, end - start);
    return { partNumber: index + 1, etag };
  };

  const there = new Map<number, PartReceipt>();
  if (isResumed) {
    for (const part of await received()) {
      there.set(part.partNumber - 1, receipt(part));
      sent[part.partNumber - 1] = part.size;
    }
  }
  enter('uploading', sum());
  let parts = await Promise.all(
    Array.from(
      { length: Math.ceil(size / partSize) },
      (_, index) => there.get(index) ?? limited(() => sendPart(index)),
    ),
  );
  // A bucket may not let pages see its ETags; the server asks it for them.
  if (parts.some(({ etag }) => !etag)) parts = (await received()).map(receipt);
  enter('completing', size);
  const completed = await call<CompletedFile>(connection, 'POST', `${path}/complete`, { parts });
  enter('completed', size);
  return completed.fileUrl;
};
