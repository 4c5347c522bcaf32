const defaultStore = () => {
    try {
        return globalThis.localStorage;
    }
    catch {
        // A page that may not have it.
        return undefined;
    }
};
/**
 * One upload per server and set of files, in any order. The title is not part of it, so that one
 * that is taken can be changed.
 */
export const memoryOf = (base, files, { store }) => {
    const place = store === undefined ? defaultStore() : store || undefined;
    const identity = files.map(({ file, metadata: { key, category, type, size } }) => JSON.stringify([key, category, type, size, file.lastModified]));
    const name = `moc-uploads ${JSON.stringify([base, identity.sort()])}`;
    // An upload goes on when its memory fails; it only can't be resumed.
    const safely = async (use) => {
        try {
            return place && (await use(place));
        }
        catch {
            return undefined;
        }
    };
    return {
        load: () => safely(async (place) => {
            const saved = JSON.parse((await place.getItem(name)) ?? 'null');
            return saved && typeof saved.hashes === 'object' ? saved : undefined;
        }),
        save: (saved) => safely(async (place) => void (await place.setItem(name, JSON.stringify(saved)))),
        forget: () => safely(async (place) => void (await place.removeItem(name))),
    };
};
