// What a test needs: a server behind a proxy, users, files, and the SDK in a runtime.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Proxy } from './proxy.mjs';
import * as runtimes from './runtimes.mjs';

const {
  SDK_TESTS_HOST: host,
  SDK_TESTS_RUNTIME: runtime,
  SDK_TESTS_SDK: sdk,
  SDK_TESTS_TOOLS: tools,
} = process.env;
const secret = 'a secret of tests, long enough for HS256';

export const isChromium = runtime === 'chromium';
export const MiB = 2 ** 20;
export const partSize = 5 * MiB;
/** Longer than anything here takes; a test that waits for so long has failed. */
export const lasts = { timeout: 120_000 };

const ask = async (path, body = {}) => {
  const response = await fetch(host + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
};

/** Of an administrator, too, unless it has expired. */
export const tokenOf = (sub, seconds = 3600) => {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub, role: 'admin', exp: Math.floor(Date.now() / 1000) + seconds };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};

/** A folder of files; one file serves many tests, each of which has a user of its own. */
export class Files {
  static async make() {
    const files = new Files();
    files.folder = await mkdtemp(join(tmpdir(), 'moc-sdk-files-'));
    return files;
  }

  /** `size` bytes that nobody else has, after those that its type begins with. */
  async add(name, size, head = name.endsWith('.pdf') ? '%PDF-' : '') {
    const path = join(this.folder, name);
    const file = await open(path, 'w');
    const hash = createHash('sha256');
    // Text is a type of its own: no control bytes.
    const noise = (bytes) =>
      head.startsWith('%')
        ? randomBytes(bytes)
        : Buffer.from(randomBytes(bytes).toString('hex').slice(0, bytes));
    for (let left = size, start = Buffer.from(head); left > 0; start = noise(Math.min(left, 5 * MiB))) {
      left -= start.length;
      hash.update(start);
      await file.write(start);
    }
    await file.close();
    return { path, name, size, hash: hash.digest('hex') };
  }

  remove() {
    return rm(this.folder, { recursive: true });
  }
}

/** The SDK in a runtime, and a server that it reaches by a proxy. */
export class Place {
  /** `others`: the SDK of a place that is there longer. */
  static async open(variables = {}, others = undefined) {
    const place = new Place();
    place.sdk = others ?? (await runtimes[runtime]({ sdk, tools }));
    place.isGuest = others !== undefined;
    place.proxy = new Proxy();
    // There before the server, which tells clients its address.
    const front = await place.proxy.open();
    const { endpoint } = await ask('/store');
    const store = endpoint && (await place.proxy.open(endpoint));
    const { id, url } = await ask('/servers', {
      AUTH_JWT_SECRET: secret,
      PUBLIC_BASE_URL: front.url,
      UPLOAD_PDF_MAX_MB: '1000',
      ...(place.sdk.origin && { CORS_ALLOWED_ORIGINS: place.sdk.origin }),
      ...(store && { AWS_ENDPOINT_URL_S3: store.url }),
      ...variables,
    });
    front.target = new URL(url);
    Object.assign(place, { id, url, front: front.url });
    place.newUser();
    return place;
  }

  /** Who has uploaded nothing yet. */
  newUser() {
    this.user = `user-${randomUUID()}`;
    this.proxy.requests.length = 0;
    this.proxy.fault = () => undefined;
    this.proxy.release();
    this.proxy.up();
  }

  /** Begins an upload of files, each `{ path, ... }`. */
  async start(files, options = {}) {
    const given = files.map(({ path, as = {} }) => ({ path, ...as }));
    await this.sdk.call('start', given, {
      title: 'Castle',
      baseUrl: this.front,
      tokens: [tokenOf(this.user)],
      ...options,
    });
  }

  end() {
    return this.sdk.call('end');
  }

  async upload(files, options) {
    await this.start(files, options);
    return this.end();
  }

  /** Past the proxy. */
  async get(path) {
    const response = await fetch(`${this.url}/api/mocs/uploads${path}`, {
      headers: { authorization: `Bearer ${tokenOf(this.user)}` },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response;
  }

  async session(id) {
    return (await this.get(`/sessions/${id}`)).json();
  }

  /** The time of a session is over. */
  expire(sessionId) {
    return ask(`/servers/${this.id}/expire/${sessionId}`);
  }

  /** The SHA-256 of what is there of an uploaded file. */
  async download({ sessionId }, { fileId }) {
    const { body } = await this.get(`/sessions/${sessionId}/files/${fileId}/content`);
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk);
    return hash.digest('hex');
  }

  async close() {
    this.proxy.stop();
    if (!this.isGuest) await this.sdk.close();
    await ask(`/servers/${this.id}/stop`);
  }
}

/** All is there. */
export const succeeded = ({ settled, isMonotonic, progress }) => {
  assert.deepEqual(settled.error, undefined);
  assert.ok(isMonotonic, 'progress fell');
  assert.equal(progress.phase, 'done');
  assert.equal(progress.bytesSent, progress.bytesTotal);
  assert.ok(
    progress.files.every(
      ({ state, bytesSent, bytesTotal }) => state === 'completed' && bytesSent === bytesTotal,
    ),
  );
  return settled.result;
};

/** It was refused with this code. */
export const failed = ({ settled, isMonotonic }, code) => {
  assert.deepEqual(settled.result, undefined);
  assert.equal(settled.error.code, code, settled.error.message);
  assert.ok(settled.error.isUploadError);
  assert.ok(isMonotonic, 'progress fell');
  return settled.error;
};
