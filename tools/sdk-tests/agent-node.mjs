// An agent in a process of its own, driven by messages. It remembers in a file.

import { openAsBlob, readFileSync, statSync, writeFileSync } from 'node:fs';
import { makeAgent } from './agent.mjs';

const [sdk, memory] = process.argv.slice(2);
const agent = makeAgent(await import(sdk));

const load = () => {
  try {
    return JSON.parse(readFileSync(memory, 'utf8'));
  } catch {
    return {};
  }
};
const change = (edit) => {
  const all = load();
  edit(all);
  writeFileSync(memory, JSON.stringify(all));
};
const store = {
  getItem: async (key) => load()[key] ?? null,
  setItem: async (key, value) => change((all) => (all[key] = value)),
  removeItem: async (key) => change((all) => delete all[key]),
};

const methods = {
  ...agent,
  async start(paths, { isPlain, isTimeless, ...options }) {
    // What Node has that other runtimes do not have.
    if (isPlain) process.getBuiltinModule = undefined;
    const files = paths.map(async ({ path, ...given }) => {
      const lastModified = isTimeless ? undefined : statSync(path).mtimeMs;
      const name = path.split('/').pop();
      return { file: Object.assign(await openAsBlob(path), { name, lastModified }), ...given };
    });
    agent.start(await Promise.all(files), { store, ...options });
  },
  remembered: () => Object.keys(load()).length,
};

process.on('message', async ({ id, method, args }) =>
  process.send({ id, value: await methods[method](...args) }),
);
process.send({ id: 0 });
