// Where the SDK runs: a Node process, a page in Chromium. Both are driven in the same way.

import { fork } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = new URL('.', import.meta.url).pathname;

/** A process per load; reloading kills it. */
export const node = async ({ sdk }) => {
  const folder = await mkdtemp(join(tmpdir(), 'moc-sdk-'));
  let child;
  let replies;
  const start = () => {
    const mine = (child = fork(join(here, 'agent-node.mjs'), [
      join(sdk, 'index.js'),
      join(folder, 'memory.json'),
    ]));
    const asked = (replies = new Map());
    const ready = new Promise((resolve, reject) => asked.set(0, { resolve, reject }));
    mine.on('message', ({ id, value }) => asked.get(id).resolve(value));
    mine.on('exit', (code, signal) => {
      for (const { reject } of asked.values()) reject(new Error(`the process ended: ${signal ?? code}`));
    });
    return ready;
  };
  await start();
  return {
    origin: undefined,
    workers: () => 0,
    async call(method, ...args) {
      const id = replies.size;
      const answer = new Promise((resolve, reject) => replies.set(id, { resolve, reject }));
      child.send({ id, method, args });
      return answer;
    },
    async reload() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await start();
    },
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
};

const types = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript' };

/** Serves the page and the SDK on an origin of their own; the SDK also as a build for Zone.js makes it. */
const servePages = async (sdk, tools) => {
  const lowered = () =>
    createRequire(join(tools, 'package.json'))('esbuild').buildSync({
      entryPoints: [join(sdk, 'index.js')],
      bundle: true,
      format: 'esm',
      supported: { 'async-await': false },
      write: false,
    }).outputFiles[0].contents;
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://page');
    const path = pathname === '/' ? 'page.html' : pathname.slice(1);
    const file = path.startsWith('sdk/') ? join(sdk, path.slice(4)) : join(here, path);
    const headers = { 'content-type': types[file.split('.').pop()] ?? 'application/octet-stream' };
    const policy = searchParams.get('csp');
    if (policy) headers['content-security-policy'] = policy;
    if (pathname === '/lowered.js') return response.writeHead(200, headers).end(lowered());
    createReadStream(file)
      .on('error', () => response.writeHead(404).end())
      .on('open', () => response.writeHead(200, headers))
      .pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

/** A tab of a browser that knows nothing; reloading reloads it. */
export const chromium = async ({ sdk, tools }) => {
  const playwright = createRequire(join(tools, 'package.json'))('playwright-core');
  const pages = await servePages(sdk, tools);
  const origin = `http://127.0.0.1:${pages.address().port}`;
  const folder = await mkdtemp(join(tmpdir(), 'moc-sdk-'));
  const context = await playwright.chromium.launchPersistentContext(folder, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = context.pages()[0];
  let workers = 0;
  const mistakes = [];
  page.on('worker', () => workers++);
  page.on('pageerror', (error) => mistakes.push(error));
  const ready = () => page.waitForFunction(() => window.agent);
  const call = (method, ...args) =>
    page.evaluate(([method, args]) => window.agent[method](...args), [method, args]);
  const open = async (query = '') => {
    await page.goto(`${origin}/${query}`);
    await ready();
  };
  await open();
  return {
    origin,
    workers: () => workers,
    open,
    async call(method, ...args) {
      if (method !== 'start') return call(method, ...args);
      const [files, { isPlain: _, ...options }] = args;
      await page.setInputFiles(
        'input',
        files.map(({ path }) => path),
      );
      return call(
        method,
        files.map(({ path: _, ...given }) => given),
        options,
      );
    },
    async reload() {
      await page.reload();
      await ready();
    },
    async close() {
      await context.close();
      pages.close();
      await rm(folder, { recursive: true });
      if (mistakes.length > 0) throw new AggregateError(mistakes, 'errors that nobody caught');
    },
  };
};
