// The package as a frontend team gets it: its types, and the examples of its README.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { lasts, Place, tokenOf } from './place.mjs';

const run = promisify(execFile);
const { SDK_TESTS_SDK: sdk, SDK_TESTS_TOOLS: tools } = process.env;
const sdkPackage = dirname(sdk);
const ts = createRequire(join(tools, 'package.json'))('typescript');

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moc-sdk-package-'));
  await mkdir(join(folder, 'node_modules/@moc-uploads'), { recursive: true });
  await symlink(sdkPackage, join(folder, 'node_modules/@moc-uploads/upload-sessions'));
  for (const name of ['@types', 'undici-types'])
    await symlink(join(tools, 'node_modules', name), join(folder, 'node_modules', name));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});
after(() => rm(folder, { recursive: true }));

const localUrl = 'http://127.0.0.1:3000';

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
  target: 'ES2022',
  module: 'NodeNext',
  lib: ['ES2022', 'DOM', 'DOM.Iterable'],
  types: ['node'],
  rootDir: '.',
  outDir: 'out',
};

/** Its sources, as strictly as can be. */
const strictly = () => {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(sdkPackage, 'tsconfig.json'),
    { exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
    ts.sys,
  );
  return ts.createProgram(config.fileNames, config.options);
};

test('the sources', lasts, async (t) => {
  const program = strictly();
  await t.test('only the runtime of the generator wants optional members to be inexact', () => {
    const places = ts.getPreEmitDiagnostics(program).map(({ file }) => file.fileName.split('/src/')[1]);
    // docs/sdk.md says so, too.
    assert.deepEqual([...new Set(places)].sort(), [
      'generated/client/client.gen.ts',
      'generated/client/utils.gen.ts',
      'generated/core/params.gen.ts',
      'generated/core/pathSerializer.gen.ts',
      'generated/core/serverSentEvents.gen.ts',
    ]);
  });
  await t.test('no name of it is one that every page has', () => {
    const checker = program.getTypeChecker();
    const index = program.getSourceFile(join(sdkPackage, 'src/index.ts'));
    const names = checker.getExportsOfModule(checker.getSymbolAtLocation(index)).map(({ name }) => name);
    assert.ok(names.includes('uploadFiles') && names.includes('SessionEvent'));
    const browser = program.getSourceFiles().find(({ fileName }) => fileName.endsWith('/lib.dom.d.ts'));
    const { Type, Value } = ts.SymbolFlags;
    const known = new Set(checker.getSymbolsInScope(browser, Type | Value).map(({ name }) => name));
    assert.ok(known.has('Event'));
    assert.deepEqual(
      names.filter((name) => known.has(name)),
      [],
    );
  });
});

test('the types say what is so, and the examples of the README do what they say', lasts, async () => {
  const readme = await readFile(join(sdkPackage, 'README.md'), 'utf8');
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.ok(examples.length >= 10, `${examples.length} examples`);
  assert.ok(examples.join('').includes(localUrl));
  const place = await Place.open();
  try {
    const names = examples.map((_, index) => `example-${index + 1}`);
    for (const [index, code] of examples.entries()) {
      // `export` makes each a module of its own.
      const text = `${code.replaceAll(localUrl, place.url)}\nexport {};\n`;
      await writeFile(join(folder, `${names[index]}.ts`), text);
    }
    await cp(new URL('types', import.meta.url), join(folder, 'types'), { recursive: true });
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['*.ts', 'types/*.ts'] }),
    );
    const tsc = join(tools, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => assert.fail(stdout));

    await writeFile(join(folder, 'castle.pdf'), '%PDF-1.7');
    await cp(new URL('../../__http__/fixtures', import.meta.url), folder, { recursive: true });
    // Each has a user of its own: nobody's title is taken.
    const main = names.map((name) => {
      const token = JSON.stringify(tokenOf(name));
      return `console.log('# ${name}');\nprocess.env.MOC_UPLOADS_TOKEN = ${token};\nawait import('./${name}.js');\n`;
    });
    await writeFile(join(folder, 'out/main.js'), main.join(''));
    const { stdout } = await run(process.execPath, [join(folder, 'out/main.js')], { cwd: folder });
    assert.ok(stdout.includes(`# ${names.at(-1)}`), stdout);
  } finally {
    await place.close();
  }
});
