import type { FileLike } from './options.js';

type Bytes = Uint8Array<ArrayBuffer>;
type Read = (start: number, end: number) => Promise<Bytes>;

/**
 * SHA-256 in hex, of any size in constant memory: Web Crypto wants all bytes at once. It refers to
 * nothing outside itself, because its text is what a worker runs.
 */
async function sha256(size: number, read: Read): Promise<string> {
  const state = new Int32Array(8);
  const k = new Int32Array(64);
  // FIPS 180-4: fractions of the square and cube roots of the first primes.
  const fraction = (root: number) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  for (let prime = 2, count = 0; count < 64; prime++) {
    let factor = 2;
    while (prime % factor) factor++;
    if (factor < prime) continue;
    if (count < 8) state[count] = fraction(prime ** 0.5);
    k[count++] = fraction(prime ** (1 / 3));
  }
  const w = new Int32Array(64);
  // A function of its own is more than twice as fast as a loop around it.
  const block = (view: DataView, at: number) => {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!;
      const y = w[i - 2]!;
      w[i] =
        w[i - 16]! +
        w[i - 7]! +
        (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
        (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10));
    }
    let a = state[0]!;
    let b = state[1]!;
    let c = state[2]!;
    let d = state[3]!;
    let e = state[4]!;
    let f = state[5]!;
    let g = state[6]!;
    let h = state[7]!;
    for (let i = 0; i < 64; i++) {
      const t =
        (h +
          (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) +
          (g ^ (e & (f ^ g))) +
          k[i]! +
          w[i]!) |
        0;
      h = g;
      g = f;
      f = e;
      e = (d + t) | 0;
      const sum =
        (((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) +
        ((a & b) | (c & (a | b)));
      d = c;
      c = b;
      b = a;
      a = (t + sum) | 0;
    }
    state[0]! += a;
    state[1]! += b;
    state[2]! += c;
    state[3]! += d;
    state[4]! += e;
    state[5]! += f;
    state[6]! += g;
    state[7]! += h;
  };
  // A multiple of the 64 bytes of a block: only the last chunk has a rest.
  const chunk = 2 ** 20;
  for (let at = 0; at <= size; at += chunk) {
    let bytes = await read(at, Math.min(at + chunk, size));
    if (at + chunk > size) {
      const last = new Uint8Array((bytes.length + 72) & ~63);
      last.set(bytes);
      last[bytes.length] = 128;
      const end = new DataView(last.buffer, last.length - 8);
      end.setUint32(0, size / 2 ** 29);
      end.setUint32(4, size * 8);
      bytes = last;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < bytes.length; i += 64) block(view, i);
  }
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

interface NodeCrypto {
  createHash(name: 'sha256'): { update(bytes: Bytes): unknown; digest(encoding: 'hex'): string };
}

/** Nothing that a bundler would follow. */
const nodeCrypto = (): NodeCrypto | undefined =>
  (
    globalThis as { process?: { getBuiltinModule?(name: 'node:crypto'): NodeCrypto } }
  ).process?.getBuiltinModule?.('node:crypto');

/**
 * In a worker of its own; rejects when there can be none. A page's policy may forbid it
 * (`worker-src blob:` permits it), and a build may have left the text referring to helpers.
 */
const inWorker = (file: Blob, signal: AbortSignal): Promise<string> => {
  // Helpers are missing before there is a promise that could be caught.
  const text = `onmessage=async({data:f})=>{let h;try{h=await(${sha256})(f.size,async(a,b)=>new Uint8Array(await f.slice(a,b).arrayBuffer()))}catch{}postMessage(h)}`;
  const url = URL.createObjectURL(new Blob([text]));
  let worker: Worker | undefined;
  let stop: (() => void) | undefined;
  return new Promise<string>((resolve, reject) => {
    stop = reject;
    signal.addEventListener('abort', stop);
    worker = new Worker(url);
    worker.onerror = stop;
    worker.onmessage = ({ data }) => (data ? resolve(data as string) : reject());
    worker.postMessage(file);
  }).finally(() => {
    if (stop) signal.removeEventListener('abort', stop);
    worker?.terminate();
    URL.revokeObjectURL(url);
  });
};

/** SHA-256 of a file in hex: by Node, else in a worker, else here, a chunk at a time. */
export async function hashOf(file: FileLike, read: Read, signal: AbortSignal): Promise<string> {
  const crypto = nodeCrypto();
  if (crypto) {
    const hash = crypto.createHash('sha256');
    for (let at = 0; at < file.size; at += 2 ** 20)
      hash.update(await read(at, Math.min(at + 2 ** 20, file.size)));
    return hash.digest('hex');
  }
  if (file instanceof Blob && typeof Worker === 'function') {
    try {
      return await inWorker(file, signal);
    } catch {
      signal.throwIfAborted();
    }
  }
  return sha256(file.size, read);
}
