import type { LocalFile } from './files.js';
import type { UploadOptions, UploadStore } from './options.js';

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

const defaultStore = (): UploadStore | undefined => {
  try {
    return globalThis.localStorage;
  } catch {
    // A page that may not have it.
    return undefined;
  }
};

/**
 * One upload per server and set of files, in any order. The title is not part of it, so that one
 * that is taken can be changed.
 */
export const memoryOf = (base: string, files: LocalFile[], { store }: UploadOptions): Memory => {
  const place = store === undefined ? defaultStore() : store || undefined;
  const identity = files.map(({ file, metadata: { key, category, type, size } }) =>
    JSON.stringify([key, category, type, size, file.lastModified]),
  );
  const name = `moc-uploads ${JSON.stringify([base, identity.sort()])}`;
  // An upload goes on when its memory fails; it only can't be resumed.
  const safely = async <T>(use: (place: UploadStore) => T): Promise<Awaited<T> | undefined> => {
    try {
      return place && (await use(place));
    } catch {
      return undefined;
    }
  };
  return {
    load: () =>
      safely(async (place) => {
        const saved = JSON.parse((await place.getItem(name)) ?? 'null') as Saved | null;
        return saved && typeof saved.hashes === 'object' ? saved : undefined;
      }),
    save: (saved) => safely(async (place) => void (await place.setItem(name, JSON.stringify(saved)))),
    forget: () => safely(async (place) => void (await place.removeItem(name))),
  };
};
