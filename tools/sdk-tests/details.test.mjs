// What uploadFiles promises, tried in one runtime; tests/sdk.rs starts it.

import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { failed, Files, isChromium, lasts, MiB, partSize, Place, succeeded, tokenOf } from './place.mjs';

let files;
let place;
let tower;
before(async () => {
  files = await Files.make();
  place = await Place.open();
  tower = await files.add('tower.pdf', 3 * partSize + 1);
}, lasts);
after(async () => {
  await place?.close();
  await files?.remove();
}, lasts);

const once = (...faults) => {
  const left = new Map(faults);
  return (line) => {
    for (const [start, fault] of left) {
      if (!line.match(start)) continue;
      left.delete(start);
      return fault;
    }
    return undefined;
  };
};

test('whatever may pass is tried again', lasts, async () => {
  place.newUser();
  // Servers send whole seconds; fractions are sooner over.
  place.proxy.fault = once(
    [/POST .*\/sessions$/, 'lose'],
    [/POST .*\/sessions$/i, { status: 503, headers: { 'retry-after': '0.2' }, body: '<h1>Bad gateway</h1>' }],
    [/POST .*\/files$/, 'lose'],
    [/POST .*\/files$/i, { status: 500 }],
    [/PUT .*\/1$/, 'lose'],
    [/PUT .*\/1$/i, 'cut'],
    [/PUT .*\/2$/, { status: 429, headers: { 'retry-after': '0.2' } }],
    [/PUT .*\/3$/, { status: 408 }],
    [/PUT .*\/4$/, { status: 502, body: '{"code": 1' }],
    [/POST .*\/complete$/, 'lose'],
    [/POST .*\/finalize$/, 'lose'],
  );
  const end = await place.upload([tower]);
  const result = succeeded(end);
  // A page may count bytes within parts, but a fast network gives it no occasion to.
  assert.ok(isChromium || end.isByParts);
  assert.equal(await place.download(result, result.files[0]), tower.hash);
  assert.equal(result.moc.slug, 'castle');
  assert.equal(place.proxy.count('PUT'), 4 + 5);
  const { sessions } = await (await place.get('/sessions')).json();
  assert.equal(sessions.length, 1);
});

test('what does not pass ends it', lasts, async () => {
  place.newUser();
  place.proxy.fault = once([/POST .*\/sessions$/, { status: 429, headers: { 'retry-after': '3600' } }]);
  const limited = failed(await place.upload([tower]), 'UNEXPECTED_RESPONSE');
  assert.equal(limited.status, 429);
  assert.equal(limited.retryAfterSeconds, 3600);
  assert.equal(place.proxy.count('POST'), 1);

  const wrong = failed(await place.upload([{ ...tower, as: { type: 'application/zip' } }]), 'BAD_REQUEST');
  assert.match(wrong.detail, /instruction/);
  assert.equal(place.proxy.count('POST'), 2);
  const { errors } = failed(await place.upload([{ ...tower, as: { key: 'a\0' } }]), 'VALIDATION_ERROR');
  assert.equal(errors[0].pointer, '/files/0/key');

  place.proxy.fault = (line) => (line.startsWith('PUT') ? 'cut' : undefined);
  place.proxy.requests.length = 0;
  const { sessionId } = failed(await place.upload([tower], { retries: 1, concurrency: 1 }), 'NETWORK');
  // Chromium by itself tries once more on a connection that has worked before.
  assert.ok(isChromium || place.proxy.count('PUT') === 2);
  place.proxy.fault = () => undefined;
  assert.equal(succeeded(await place.upload([tower])).sessionId, sessionId);
});

test('a title that is taken can be changed without sending anything again', lasts, async () => {
  place.newUser();
  const small = await files.add('small.pdf', 1000);
  succeeded(await place.upload([small]));
  const { suggestedSlug } = failed(await place.upload([tower]), 'CONFLICT');
  assert.equal(suggestedSlug, 'castle-1');
  place.proxy.requests.length = 0;
  assert.equal(succeeded(await place.upload([tower], { title: 'Tower' })).moc.slug, 'tower');
  assert.equal(place.proxy.count('PUT'), 0);
});

test('a token is asked for every time', lasts, async () => {
  place.newUser();
  const [good, old] = [tokenOf(place.user), tokenOf(place.user, -3600)];
  const end = await place.upload([tower], { tokens: [good, good, old], concurrency: 1 });
  const { sessionId } = failed(end, 'UNAUTHORIZED');
  const again = await place.upload([tower], { tokens: [good] });
  assert.equal(succeeded(again).sessionId, sessionId);
  assert.ok(again.tokensAsked >= 7, `${again.tokensAsked}`);
});

test('parts that the server does not see do not let the session expire', lasts, async () => {
  place.newUser();
  const parts = (query) =>
    place.proxy.requests.filter((request) => request.startsWith('PUT') && request.includes('?') === query)
      .length;
  succeeded(await place.upload([tower], { direct: true }));
  assert.deepEqual([parts(true), parts(false)], [4, 0]);

  place.newUser();
  place.proxy.hold();
  const underWay = place.proxy.next('PUT');
  await place.start([tower], { direct: true, concurrency: 1 });
  await underWay;
  await place.sdk.call('later', 5 * 60_000);
  place.proxy.release();
  succeeded(await place.end());
  // The clock stands: one is enough.
  assert.deepEqual([parts(true), parts(false)], [3, 1]);
  await place.sdk.reload();
});

test('sizes around the blocks of a hash', lasts, async () => {
  place.newUser();
  const sizes = [5, 55, 56, 63, 64, 65, 119, 120, MiB - 1, MiB, MiB + 1, 2 * MiB + 60];
  const given = await Promise.all(sizes.map((size) => files.add(`${size}.pdf`, size)));
  for (const isPlain of isChromium ? [false] : [false, true]) {
    const { files: uploaded } = succeeded(
      await place.upload(given, { title: `${isPlain}`, allowDuplicates: true, isPlain }),
    );
    assert.deepEqual(
      uploaded.map(({ hash }) => hash),
      given.map(({ hash }) => hash),
    );
  }
});

test('files of one name have keys of their own, and the categories that they were given', lasts, async () => {
  place.newUser();
  const [pdf, first, second] = [
    await files.add('small.pdf', 2000),
    await files.add('one.txt', 100),
    await files.add('two.txt', 100),
  ];
  const names = [
    pdf,
    { ...first, as: { name: 'same.txt' } },
    { ...second, as: { name: 'same.txt' } },
    { ...first, as: { key: 'k', hash: false } },
  ];
  const { sessionId, files: uploaded } = succeeded(await place.upload(names));
  assert.deepEqual(
    uploaded.map(({ key, hash }) => [key, hash]),
    [
      ['small.pdf', pdf.hash],
      ['same.txt', first.hash],
      ['same.txt (2)', second.hash],
      ['k', undefined],
    ],
  );
  const { files: known } = await place.session(sessionId);
  assert.deepEqual(
    known.map(({ category }) => category),
    ['instruction', 'parts-list', 'parts-list', 'parts-list'],
  );
});

test('a session that holds what can not be right is cancelled', lasts, async () => {
  place.newUser();
  const text = { ...(await files.add('one.txt', 100)), as: { name: 'one.pdf' } };
  const other = { ...tower, as: { hash: 'a'.repeat(64) } };
  for (const [file, code] of [
    [text, 'CONTENT_TYPE_MISMATCH'],
    [other, 'CHECKSUM_MISMATCH'],
  ]) {
    const { sessionId } = failed(await place.upload([file]), code);
    assert.equal((await place.session(sessionId)).status, 'cancelled');
    assert.equal(await place.sdk.call('remembered'), 0);
  }
});

test('a file that changes on the way is not taken for a broken network', lasts, async () => {
  place.newUser();
  const changing = await files.add('changing.pdf', 3 * partSize);
  place.proxy.hold();
  const underWay = place.proxy.next('PUT');
  await place.start([changing], { concurrency: 1 });
  await underWay;
  await appendFile(changing.path, 'more');
  place.proxy.release();
  const { key } = failed(await place.end(), 'INVALID_FILE');
  assert.equal(key, 'changing.pdf');
});

test('files are told apart, in whatever order they come', lasts, async () => {
  place.newUser();
  const csv = await files.add('one.txt', 100);
  const sent = async (given, options) => {
    await place.start(given, { concurrency: 1, ...options });
    const { progress } = await place.sdk.call('until', partSize);
    await place.sdk.call('abort');
    failed(await place.end(), 'ABORTED');
    return progress.sessionId;
  };
  const sessionId = await sent([tower, csv]);
  const again = await place.upload([csv, tower]);
  assert.equal(succeeded(again).sessionId, sessionId);
  assert.equal(again.progress.resumed, true);
  if (isChromium) return;

  // What has neither a hash nor a time of change could be any file of its name and size.
  const other = await files.add('other.pdf', tower.size);
  const unknown = (file) => ({ ...file, as: { name: 'tower.pdf', hash: false } });
  await sent([unknown(tower)], { isTimeless: true });
  const end = await place.upload([unknown(other)], { isTimeless: true, title: 'Other' });
  const result = succeeded(end);
  assert.equal(end.progress.resumed, false);
  assert.equal(await place.download(result, result.files[0]), other.hash);
});

test('an abort while the session is being opened leaves nothing', lasts, async () => {
  place.newUser();
  const answered = new Promise((resolve) => {
    place.proxy.fault = once([/POST .*\/sessions$/, resolve]);
  });
  await place.start([tower], { cancelOnAbort: true });
  await answered;
  await place.sdk.call('abort');
  const { sessionId } = failed(await place.end(), 'ABORTED');
  const { sessions } = await (await place.get('/sessions')).json();
  assert.deepEqual(
    sessions.map((session) => [session.sessionId, session.status]),
    [[sessionId, 'cancelled']],
  );
});

test('a file that says nothing is refused before anything is sent', lasts, async () => {
  place.newUser();
  const nothing = await files.add('nothing', 100);
  const { message } = failed(await place.upload([nothing]), 'INVALID_FILE');
  assert.equal(message, 'nothing: say its type');
  assert.deepEqual(place.proxy.requests, []);
});

if (isChromium) {
  test('bytes are counted within parts, and do not fall when a part is sent again', lasts, async () => {
    // No buffer on the way holds so much: what is sent is seen to grow.
    const big = await files.add('big.pdf', 64 * MiB);
    const wide = await Place.open({ MULTIPART_PART_SIZE_MB: '100' }, place.sdk);
    try {
      wide.proxy.fault = (line) =>
        line.startsWith('PUT') && wide.proxy.count('PUT') < 3 ? 'late' : undefined;
      wide.proxy.hold();
      const underWay = wide.proxy.next('PUT');
      await wide.start([big]);
      await underWay;
      const { progress } = await wide.sdk.call('until', 1);
      assert.ok(progress.bytesSent < big.size, `${progress.bytesSent} bytes`);
      wide.proxy.release();
      succeeded(await wide.end());
      assert.equal(wide.proxy.count('PUT'), 3);
    } finally {
      await wide.close();
    }
  });

  test('files are hashed in a worker', lasts, async () => {
    place.newUser();
    const workers = place.sdk.workers();
    succeeded(await place.upload([tower]));
    assert.ok(place.sdk.workers() > workers);
  });

  test('an abort ends the hashing of files that wait for it, too', lasts, async () => {
    place.newUser();
    const many = [tower];
    for (let n = 1; n < 6; n++) many.push(await files.add(`${n}.pdf`, 2 * MiB));
    const workers = place.sdk.workers();
    await place.start(many, { concurrency: 1 });
    await place.sdk.call('abort');
    failed(await place.end(), 'ABORTED');
    // Long enough for all of them to start.
    succeeded(await place.upload([tower]));
    assert.ok(place.sdk.workers() <= workers + 2, `${place.sdk.workers() - workers} workers`);
  });

  test('a build that lowers async functions hashes in the page', lasts, async () => {
    place.newUser();
    await place.sdk.open('?sdk=/lowered.js');
    const { files: uploaded } = succeeded(await place.upload([tower]));
    assert.equal(uploaded[0].hash, tower.hash);
    await place.sdk.open();
  });

  test('a page that may have no workers hashes by itself', lasts, async () => {
    place.newUser();
    await place.sdk.open(`?csp=${encodeURIComponent("worker-src 'none'")}`);
    const { files: uploaded } = succeeded(await place.upload([tower]));
    assert.equal(uploaded[0].hash, tower.hash);
    assert.deepEqual(await place.sdk.call('violations'), ['worker-src']);
    await place.sdk.open();
  });
}
