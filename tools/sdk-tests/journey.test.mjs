// Uploads of many parts from one runtime to one kind of store, in one way; tests/sdk.rs starts it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failed, Files, lasts, MiB, partSize, Place, succeeded } from './place.mjs';

const direct = process.env.SDK_TESTS_DIRECT === 'true';

let files;
let place;
let castle;
let tower;
before(async () => {
  files = await Files.make();
  place = await Place.open();
  castle = await files.add('castle.pdf', 59 * partSize + 4242);
  tower = await files.add('tower.pdf', 3 * partSize + 1);
}, lasts);
after(async () => {
  await place?.close();
  await files?.remove();
}, lasts);

test('60 parts, through a cut and a reload', lasts, async () => {
  place.newUser();
  const csv = await files.add('parts.csv', 4000);
  const given = [castle, csv];
  await place.start(given, { direct });
  await place.sdk.call('until', 60 * MiB);
  place.proxy.down();
  let refused = 0;
  place.proxy.fault = () => (refused++ < 5 ? 'cut' : undefined);
  place.proxy.up();
  const { progress, settled } = await place.sdk.call('until', 160 * MiB);
  assert.equal(settled, undefined, 'the cut was survived');
  assert.equal(progress.resumed, false);
  assert.ok(refused > 5);
  const presigned = place.proxy.requests.filter((line) => line.startsWith('PUT') && /signature=/i.test(line));
  assert.ok(direct ? presigned.length >= 20 : presigned.length === 0, `${presigned.length} by presigned URLs`);

  place.proxy.down();
  await place.sdk.reload();
  place.proxy.up();
  const { sessionId } = progress;
  const [{ fileId }] = (await place.session(sessionId)).files;
  const received = (await (await place.get(`/sessions/${sessionId}/files/${fileId}/parts`)).json()).parts
    .length;
  assert.ok(received >= 20, `${received} parts`);
  place.proxy.requests.length = 0;
  await place.start(given, { direct, description: 'A small one.', tags: ['medieval'], theme: 'Castle' });
  const end = await place.end();
  const result = succeeded(end);
  assert.equal(end.progress.resumed, true);
  assert.equal(result.sessionId, sessionId);
  assert.ok(place.proxy.count('PUT /api') <= 61 - received, 'a part was sent twice');
  assert.equal(place.proxy.requests.includes('POST /api/mocs/uploads/sessions'), false);

  const { moc } = result;
  assert.deepEqual(
    [moc.title, moc.slug, moc.description, moc.tags, moc.theme],
    ['Castle', 'castle', 'A small one.', ['medieval'], 'Castle'],
  );
  for (const [index, file] of result.files.entries()) {
    assert.equal(file.key, given[index].name);
    assert.equal(file.hash, given[index].hash);
    assert.equal(await place.download(result, file), given[index].hash);
  }
  assert.equal(await place.sdk.call('remembered'), 0);

  const { duplicates } = failed(await place.upload(given, { direct, title: 'Again' }), 'DUPLICATE_FILE');
  assert.deepEqual(
    duplicates,
    result.files.map(({ key, fileUrl }) => ({ key, existingUrl: fileUrl })),
  );
  succeeded(await place.upload([csv, tower], { direct, title: 'Again', allowDuplicates: true }));
});

test('aborting', lasts, async () => {
  place.newUser();
  await place.start([tower], { direct, concurrency: 1 });
  const { progress } = await place.sdk.call('until', partSize);
  await place.sdk.call('abort');
  const error = failed(await place.end(), 'ABORTED');
  assert.equal(error.name, 'AbortError');
  assert.equal(error.sessionId, progress.sessionId);
  assert.equal((await place.session(progress.sessionId)).status, 'active');

  await place.start([tower], { direct, concurrency: 1, cancelOnAbort: true });
  const resumed = await place.sdk.call('until', 2 * partSize);
  assert.equal(resumed.progress.sessionId, progress.sessionId);
  await place.sdk.call('abort');
  failed(await place.end(), 'ABORTED');
  assert.equal((await place.session(progress.sessionId)).status, 'cancelled');
  assert.equal(await place.sdk.call('remembered'), 0);

  const again = await place.upload([tower], { direct });
  assert.notEqual(succeeded(again).sessionId, progress.sessionId);
  assert.equal(again.progress.resumed, false);
});

test('an expired session', lasts, async () => {
  place.newUser();
  await place.start([tower], { direct, concurrency: 1 });
  const { progress } = await place.sdk.call('until', partSize);
  await place.sdk.call('abort');
  failed(await place.end(), 'ABORTED');
  await place.expire(progress.sessionId);

  place.proxy.hold();
  const underWay = place.proxy.next('PUT');
  await place.start([tower], { direct });
  await underWay;
  const { sessionId } = (await place.sdk.call('until', 0)).progress;
  assert.notEqual(sessionId, progress.sessionId);
  await place.expire(sessionId);
  place.proxy.release();
  const end = await place.end();
  assert.equal(end.progress.resumed, false);
  const error = failed(end, 'SESSION_EXPIRED');
  assert.equal(error.sessionExpired, true);
  assert.ok(Date.parse(error.expiresAt) <= Date.parse(error.now));

  const result = succeeded(await place.upload([tower], { direct }));
  assert.notEqual(result.sessionId, sessionId);
  assert.equal(await place.download(result, result.files[0]), tower.hash);
});
