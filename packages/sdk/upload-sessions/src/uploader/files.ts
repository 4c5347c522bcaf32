import type { FileCategory, FileMetadata } from '../generated/types.gen.js';
import { failure } from './errors.js';
import type { FileLike, FileProgress, FileToUpload } from './options.js';

type Bytes = Uint8Array<ArrayBuffer>;

/** A file, described as the server wants it. */
export interface LocalFile {
  file: FileLike;
  metadata: FileMetadata & { key: string };
  /** As the caller said. */
  hash: string | false | undefined;
  progress: FileProgress;
}

/** By extension. Browsers have no type for some, and Windows calls CSV what Excel opens. */
const types: Record<string, string> = {
  pdf: 'application/pdf',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  csv: 'text/csv',
  txt: 'text/plain',
  json: 'application/json',
  xml: 'text/xml',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

const categoryOf = (type: string): FileCategory =>
  type === 'application/pdf' ? 'instruction' : type.startsWith('image/') ? 'image' : 'parts-list';

export const describe = (input: FileLike | FileToUpload, taken: Set<string>): LocalFile => {
  const given: FileToUpload = 'file' in input ? input : { file: input };
  const { file } = given;
  const name = (given.name ?? file.name ?? '').replace(/.*[\\/]/s, '');
  const ending = /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const type = given.type ?? types[ending] ?? file.type;
  if (!name || !type) {
    throw failure(
      { code: 'INVALID_FILE', key: given.key ?? name },
      `${name || 'a file'}: say its ${name ? 'type' : 'name'}`,
    );
  }
  const ext = ending || Object.keys(types).find((known) => types[known] === type) || 'bin';
  let key = given.key ?? name;
  for (let n = 2; given.key === undefined && taken.has(key); n++) key = `${name} (${n})`;
  taken.add(key);
  return {
    file,
    metadata: { category: given.category ?? categoryOf(type), name, size: file.size, type, ext, key },
    hash: given.hash,
    progress: { key, name, state: 'waiting', bytesSent: 0, bytesTotal: file.size },
  };
};

/**
 * A range of a file; `look` sees to it that it can be read. What can't be fails here, and not as a
 * broken connection.
 */
const range = async <T extends Blob | Bytes>(
  { file, metadata: { key } }: LocalFile,
  [start, end]: [number, number],
  look: (range: Blob | Bytes) => Promise<T>,
): Promise<T> => {
  let cause: unknown;
  try {
    const found = await look(await file.slice(start, end));
    if ((found instanceof Uint8Array ? found.length : found.size) === end - start) return found;
  } catch (error) {
    cause = error;
  }
  throw failure({ code: 'INVALID_FILE', key }, `${key} can't be read; it may have changed`, cause);
};

const bytesOf = async (found: Blob | Bytes): Promise<Bytes> =>
  found instanceof Uint8Array ? found : new Uint8Array(await found.arrayBuffer());

/** To be hashed. */
export const read = (local: LocalFile, start: number, end: number) => range(local, [start, end], bytesOf);

/** To be sent; a blob stays where it is. */
export const slice = (local: LocalFile, start: number, end: number) =>
  range(local, [start, end], async (found) => {
    await bytesOf(found.slice(0, 1) as Blob | Bytes);
    return found;
  });
