import { failure } from './errors.js';
/** By extension. Browsers have no type for some, and Windows calls CSV what Excel opens. */
const types = {
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
const categoryOf = (type) => type === 'application/pdf' ? 'instruction' : type.startsWith('image/') ? 'image' : 'parts-list';
export const describe = (input, taken) => {
    const given = 'file' in input ? input : { file: input };
    const { file } = given;
    const name = (given.name ?? file.name ?? '').replace(/.*[\\/]/s, '');
    const ending = /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
    const type = given.type ?? types[ending] ?? file.type;
    if (!name || !type) {
        throw failure({ code: 'INVALID_FILE', key: given.key ?? name }, `${name || 'a file'}: say its ${name ? 'type' : 'name'}`);
    }
    const ext = ending || Object.keys(types).find((known) => types[known] === type) || 'bin';
    let key = given.key ?? name;
    for (let n = 2; given.key === undefined && taken.has(key); n++)
        key = `${name} (${n})`;
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
const range = async ({ file, metadata: { key } }, [start, end], look) => {
    let cause;
    try {
        const found = await look(await file.slice(start, end));
        if ((found instanceof Uint8Array ? found.length : found.size) === end - start)
            return found;
    }
    catch (error) {
        cause = error;
    }
    throw failure({ code: 'INVALID_FILE', key }, `${key} can't be read; it may have changed`, cause);
};
const bytesOf = async (found) => found instanceof Uint8Array ? found : new Uint8Array(await found.arrayBuffer());
/** To be hashed. */
export const read = (local, start, end) => range(local, [start, end], bytesOf);
/** To be sent; a blob stays where it is. */
export const slice = (local, start, end) => range(local, [start, end], async (found) => {
    await bytesOf(found.slice(0, 1));
    return found;
});
