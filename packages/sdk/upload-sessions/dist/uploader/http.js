import { failure, isUploadError } from './errors.js';
/** Of no byte for so long, a request is given up and repeated. */
const patience = 90_000;
/** The slowest upload that is waited for where nobody can tell how far it is: bytes per millisecond. */
const slowest = 16;
/** Of a `Retry-After`. */
const longestWait = 60_000;
export const connect = (options, signal) => {
    const { auth, baseUrl } = options.client?.getConfig() ?? {};
    const token = options.token ?? auth;
    const server = options.baseUrl ?? baseUrl ?? globalThis.location?.origin;
    if (!server)
        throw new TypeError('say which server: baseUrl');
    return {
        base: `${server.replace(/\/+$/, '')}/api/mocs/uploads`,
        async authorization() {
            const bearer = typeof token === 'function' ? await token({ type: 'http', scheme: 'bearer' }) : token;
            return bearer ? { Authorization: `Bearer ${bearer}` } : {};
        },
        retries: options.retries ?? 8,
        signal,
    };
};
const viaFetch = async ({ url, onSent: _, ...request }, signal) => {
    const response = await fetch(url, { ...request, signal });
    return {
        status: response.status,
        text: await response.text(),
        header: (name) => response.headers.get(name),
    };
};
/** Only this tells how much of a body has gone. */
const viaXhr = (request, signal, onSent) => new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const cut = () => xhr.abort();
    xhr.open(request.method, request.url);
    for (const [name, value] of Object.entries(request.headers))
        xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded }) => onSent(loaded);
    xhr.onload = () => resolve({ status: xhr.status, text: xhr.responseText, header: (name) => xhr.getResponseHeader(name) });
    xhr.onerror = xhr.onabort = () => reject(new TypeError('the connection failed'));
    xhr.onloadend = () => signal.removeEventListener('abort', cut);
    signal.addEventListener('abort', cut);
    xhr.send(request.body);
});
/** One attempt; gives up when nothing moves. */
export const send = async (request, outer) => {
    outer.throwIfAborted();
    const { body, onSent } = request;
    const canTell = onSent && typeof XMLHttpRequest === 'function';
    const size = typeof body === 'object' && !canTell ? ('size' in body ? body.size : body.length) : 0;
    const own = new AbortController();
    const cut = () => own.abort();
    let timer;
    const moves = () => {
        clearTimeout(timer);
        timer = setTimeout(cut, patience + size / slowest);
    };
    moves();
    outer.addEventListener('abort', cut);
    try {
        if (!canTell)
            return await viaFetch(request, own.signal);
        return await viaXhr(request, own.signal, (bytes) => {
            moves();
            onSent(bytes);
        });
    }
    catch (cause) {
        outer.throwIfAborted();
        throw failure({ code: 'NETWORK' }, `${request.method} ${request.url}: no answer`, cause);
    }
    finally {
        clearTimeout(timer);
        outer.removeEventListener('abort', cut);
    }
};
/** The refusal that an answer is. */
export const refusal = ({ status, text, header }) => {
    const after = header('Retry-After');
    const seconds = after ? Number(after) || (Date.parse(after) - Date.now()) / 1000 : 0;
    const retry = seconds > 0 && { retryAfterSeconds: seconds };
    try {
        const problem = JSON.parse(text);
        if (problem.code)
            return failure({ ...retry, ...problem }, problem.detail);
    }
    catch {
        // A proxy's own page.
    }
    return failure({ code: 'UNEXPECTED_RESPONSE', status, ...retry }, `an answer with status ${status} that is not the server's`);
};
const parsed = (answer) => {
    if (answer.status < 200 || answer.status > 299)
        throw refusal(answer);
    try {
        return (answer.text ? JSON.parse(answer.text) : undefined);
    }
    catch {
        throw refusal(answer);
    }
};
export const sleep = (ms, signal) => new Promise((resolve, reject) => {
    const over = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        signal.aborted ? reject(signal.reason) : resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
});
const mayPass = (error) => {
    const status = 'status' in error ? error.status : 0;
    return error.code === 'NETWORK' || status === 408 || status === 429 || status >= 500;
};
/** Repeats what may pass, as `retries` of the options says. */
export async function retrying({ signal, retries }, attempt, alsoPasses) {
    for (let tries = 0;; tries++) {
        try {
            return await attempt();
        }
        catch (error) {
            if (signal.aborted || !isUploadError(error))
                throw error;
            const asked = 1000 * (('retryAfterSeconds' in error && error.retryAfterSeconds) || 0);
            if (tries >= retries || asked > longestWait || !(mayPass(error) || alsoPasses?.(error)))
                throw error;
            await sleep(asked + Math.random() * Math.min(250 * 2 ** tries, 15_000), signal);
        }
    }
}
/** Nothing is lost before the first answer, and a wrong address should be noticed soon. */
export const firstContact = (connection) => ({
    ...connection,
    retries: Math.min(connection.retries, 4),
});
/** A request of the API with its answer. */
export const call = (connection, method, path, body, more) => retrying(connection, async () => {
    const headers = { ...(await connection.authorization()), ...more?.headers };
    const request = { method, url: connection.base + path, headers };
    if (body) {
        headers['Content-Type'] = 'application/json';
        request.body = JSON.stringify(body);
    }
    return parsed(await send(request, connection.signal));
}, more?.alsoPasses);
/** A part, by the API. */
export const put = async (connection, path, body, onSent) => parsed(await send({
    method: 'PUT',
    url: connection.base + path,
    headers: await connection.authorization(),
    body: body,
    onSent,
}, connection.signal));
