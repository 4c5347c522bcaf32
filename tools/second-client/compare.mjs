// Uploads by turns with two clients, and asks both what became of it: they must agree.
//   node compare.mjs BINARY SDK SECOND-CLIENT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [binary, sdk, secondClient] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'moc-second-client-'));
const server = spawn(binary, ['serve'], {
  env: { HOST: '127.0.0.1', PORT: '0', DATA_DIR: folder, LOG_FORMAT: 'json' },
  stdio: ['ignore', 'ignore', 'pipe'],
});

/** The base URL, once the server listens. */
async function listening() {
  for await (const line of createInterface({ input: server.stderr })) {
    const { message, addr } = JSON.parse(line);
    if (message === 'listening') {
      server.stderr.resume();
      return `http://${addr}`;
    }
  }
  throw new Error('the server does not listen');
}

/** As JSON has it: the second client makes dates of times. */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** The body of a refusal, without what is each request's own. */
const refusal = ({ correlationId, ...problem }) => plain(problem);

try {
  const baseUrl = await listening();
  const first = await import(sdk);
  first.client.setConfig({ baseUrl });
  const data = async (call) => (await call).data;
  const throwOnError = true;

  const { Configuration, FilesApi, PartsApi, SessionsApi } = (await import(secondClient)).default;
  const configuration = new Configuration({ basePath: baseUrl });
  const files = new FilesApi(configuration);
  const parts = new PartsApi(configuration);
  const sessions = new SessionsApi(configuration);

  const text = '%PDF-1.7';
  const file = { category: 'instruction', name: 'a.pdf', size: text.length, type: 'application/pdf', ext: 'pdf' };
  const other = { ...file, name: 'b.pdf' };
  const { sessionId } = await sessions.createSession({ createSessionRequest: { files: [file, other] } });
  const agreed = async (name, ours, theirs) => assert.deepEqual(plain(await theirs), plain(await data(ours)), name);

  const a = await data(first.registerFile({ path: { sessionId }, body: file, throwOnError }));
  const b = await files.registerFile({ sessionId, registerFileRequest: { ...other, partCount: 1 } });
  assert.deepEqual(Object.keys(plain(b)).sort(), [...Object.keys(a), 'presignedUrls'].sort());
  const pathOf = ({ fileId }) => ({ sessionId, fileId });

  const receiptA = await parts.uploadPart({ ...pathOf(a), partNumber: 1, body: new Blob([text]) });
  const receiptB = await data(
    first.uploadPart({ path: { ...pathOf(b), partNumber: 1 }, body: new Blob([text]), throwOnError }),
  );
  assert.deepEqual(plain(receiptA), receiptB);
  await agreed('listParts', first.listParts({ path: pathOf(a), throwOnError }), parts.listParts(pathOf(a)));

  const complete = { parts: [{ partNumber: 1, etag: receiptA.etag }] };
  for (const one of [a, b]) {
    await agreed(
      'completeFile',
      first.completeFile({ path: pathOf(one), body: complete, throwOnError }),
      files.completeFile({ ...pathOf(one), completeFileRequest: complete }),
    );
  }
  for (const content of [
    await data(first.getFileContent({ path: pathOf(a), parseAs: 'blob', throwOnError })),
    await files.getFileContent(pathOf(a)),
  ]) {
    assert.equal(await content.text(), text);
  }

  const finalize = { uploadSessionId: sessionId, title: 'Castle' };
  const { idempotent, ...moc } = plain(await sessions.finalizeSession({ finalizeSessionRequest: finalize }));
  const again = await data(first.finalizeSession({ body: finalize, throwOnError }));
  assert.deepEqual({ ...moc, idempotent: true }, again);
  await agreed('getSession', first.getSession({ path: { sessionId }, throwOnError }), sessions.getSession({ sessionId }));
  await agreed(
    'listSessions',
    first.listSessions({ query: { limit: 5 }, throwOnError }),
    sessions.listSessions({ limit: 5 }),
  );

  const opened = await data(first.createSession({ body: { files: [file] }, throwOnError }));
  const batch = { files: [{ ...file, name: 'undeclared.pdf' }] };
  const ofOpened = { sessionId: opened.sessionId };
  await agreed(
    'registerFilesBatch',
    first.registerFilesBatch({ path: ofOpened, body: batch, throwOnError }),
    files.registerFilesBatch({ ...ofOpened, registerFilesBatchRequest: batch }),
  );
  const [undeclared] = batch.files;
  const { error } = await first.registerFile({ path: ofOpened, body: undeclared });
  const refused = await files.registerFile({ ...ofOpened, registerFileRequest: undeclared }).catch((it) => it);
  assert.deepEqual(refusal(await refused.response.json()), refusal(error));
  await sessions.cancelSession(ofOpened);
  const { status } = await data(first.getSession({ path: ofOpened, throwOnError }));
  assert.equal(status, 'cancelled');
  console.log('Both clients got the same answers.');
} finally {
  server.kill();
  await rm(folder, { recursive: true, force: true });
}
