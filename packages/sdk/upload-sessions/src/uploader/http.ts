import type { ProblemDetails } from '../generated/types.gen.js';
import { failure, isUploadError, type ServerProblem, type UploadError } from './errors.js';
import type { UploadOptions } from './options.js';

/** Where requests go, and until when. */
export interface Connection {
  /** The base path of the API, without a slash at its end. */
  base: string;
  /** The header that says who is calling. */
  authorization(): Promise<Record<string, string>>;
  retries: number;
  signal: AbortSignal;
}

/** Of no byte for so long, a request is given up and repeated. */
const patience = 90_000;
/** The slowest upload that is waited for where nobody can tell how far it is: bytes per millisecond. */
const slowest = 16;
/** Of a `Retry-After`. */
const longestWait = 60_000;

export const connect = (options: UploadOptions, signal: AbortSignal): Connection => {
  const { auth, baseUrl } = options.client?.getConfig() ?? {};
  const token = options.token ?? auth;
  const server = options.baseUrl ?? baseUrl ?? globalThis.location?.origin;
  if (!server) throw new TypeError('say which server: baseUrl');
  return {
    base: `${server.replace(/\/+$/, '')}/api/mocs/uploads`,
    async authorization(): Promise<Record<string, string>> {
      const bearer = typeof token === 'function' ? await token({ type: 'http', scheme: 'bearer' }) : token;
      return bearer ? { Authorization: `Bearer ${bearer}` } : {};
    },
    retries: options.retries ?? 8,
    signal,
  };
};

interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | Blob | Uint8Array<ArrayBuffer>;
  onSent?: (bytes: number) => void;
}

export interface Answer {
  status: number;
  text: string;
  header(name: string): string | null;
}

const viaFetch = async ({ url, onSent: _, ...request }: Request, signal: AbortSignal): Promise<Answer> => {
  const response = await fetch(url, { ...request, signal });
  return {
    status: response.status,
    text: await response.text(),
    header: (name) => response.headers.get(name),
  };
};

/** Only this tells how much of a body has gone. */
const viaXhr = (request: Request, signal: AbortSignal, onSent: (bytes: number) => void) =>
  new Promise<Answer>((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const cut = () => xhr.abort();
    xhr.open(request.method, request.url);
    for (const [name, value] of Object.entries(request.headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded }) => onSent(loaded);
    xhr.onload = () =>
      resolve({ status: xhr.status, text: xhr.responseText, header: (name) => xhr.getResponseHeader(name) });
    xhr.onerror = xhr.onabort = () => reject(new TypeError('the connection failed'));
    xhr.onloadend = () => signal.removeEventListener('abort', cut);
    signal.addEventListener('abort', cut);
    xhr.send(request.body);
  });

/** One attempt; gives up when nothing moves. */
export const send = async (request: Request, outer: AbortSignal): Promise<Answer> => {
  outer.throwIfAborted();
  const { body, onSent } = request;
  const canTell = onSent && typeof XMLHttpRequest === 'function';
  const size = typeof body === 'object' && !canTell ? ('size' in body ? body.size : body.length) : 0;
  const own = new AbortController();
  const cut = () => own.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const moves = () => {
    clearTimeout(timer);
    timer = setTimeout(cut, patience + size / slowest);
  };
  moves();
  outer.addEventListener('abort', cut);
  try {
    if (!canTell) return await viaFetch(request, own.signal);
    return await viaXhr(request, own.signal, (bytes) => {
      moves();
      onSent(bytes);
    });
  } catch (cause) {
    outer.throwIfAborted();
    throw failure({ code: 'NETWORK' }, `${request.method} ${request.url}: no answer`, cause);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', cut);
  }
};

/** The refusal that an answer is. */
export const refusal = ({ status, text, header }: Answer): UploadError => {
  const after = header('Retry-After');
  const seconds = after ? Number(after) || (Date.parse(after) - Date.now()) / 1000 : 0;
  const retry = seconds > 0 && { retryAfterSeconds: seconds };
  try {
    const problem = JSON.parse(text) as ProblemDetails;
    if (problem.code) return failure({ ...retry, ...problem } as ServerProblem, problem.detail);
  } catch {
    // A proxy's own page.
  }
  return failure(
    { code: 'UNEXPECTED_RESPONSE', status, ...retry },
    `an answer with status ${status} that is not the server's`,
  );
};

const parsed = <T>(answer: Answer): T => {
  if (answer.status < 200 || answer.status > 299) throw refusal(answer);
  try {
    return (answer.text ? JSON.parse(answer.text) : undefined) as T;
  } catch {
    throw refusal(answer);
  }
};

export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      signal.aborted ? reject(signal.reason) : resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
  });

const mayPass = (error: UploadError) => {
  const status = 'status' in error ? error.status : 0;
  return error.code === 'NETWORK' || status === 408 || status === 429 || status >= 500;
};

/** Repeats what may pass, as `retries` of the options says. */
export async function retrying<T>(
  { signal, retries }: Pick<Connection, 'signal' | 'retries'>,
  attempt: () => Promise<T>,
  alsoPasses?: (error: UploadError) => boolean,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !isUploadError(error)) throw error;
      const asked = 1000 * (('retryAfterSeconds' in error && error.retryAfterSeconds) || 0);
      if (tries >= retries || asked > longestWait || !(mayPass(error) || alsoPasses?.(error))) throw error;
      await sleep(asked + Math.random() * Math.min(250 * 2 ** tries, 15_000), signal);
    }
  }
}

/** Nothing is lost before the first answer, and a wrong address should be noticed soon. */
export const firstContact = (connection: Connection): Connection => ({
  ...connection,
  retries: Math.min(connection.retries, 4),
});

/** A request of the API with its answer. */
export const call = <T>(
  connection: Connection,
  method: string,
  path: string,
  body?: object,
  more?: { headers?: Record<string, string>; alsoPasses?: (error: UploadError) => boolean },
): Promise<T> =>
  retrying(
    connection,
    async () => {
      const headers = { ...(await connection.authorization()), ...more?.headers };
      const request: Request = { method, url: connection.base + path, headers };
      if (body) {
        headers['Content-Type'] = 'application/json';
        request.body = JSON.stringify(body);
      }
      return parsed<T>(await send(request, connection.signal));
    },
    more?.alsoPasses,
  );

/** A part, by the API. */
export const put = async <T>(
  connection: Connection,
  path: string,
  body: Request['body'],
  onSent: (bytes: number) => void,
) =>
  parsed<T>(
    await send(
      {
        method: 'PUT',
        url: connection.base + path,
        headers: await connection.authorization(),
        body: body!,
        onSent,
      },
      connection.signal,
    ),
  );
