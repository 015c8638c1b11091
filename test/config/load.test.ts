// Golden trees and golden errors: a configuration beside what it means, or beside what is said about it.
// REWRITE_GOLDEN=1 writes what comes out now; look at the difference before committing it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Files } from '../../control/config/expand.js';
import { fileSystem } from '../../control/config/file.js';
import { type Loaded, load } from '../../control/config/load.js';
import { render } from '../../control/config/render.js';
import { sourceDirectory } from './source-directory.js';

const rewrite = process.env.REWRITE_GOLDEN === '1';

/** File names in findings are relative to `directory`, so that they are the same everywhere. */
function filesIn(directory: string): Files {
  return {
    readFile: (path) => fileSystem.readFile(join(directory, path)),
    glob: (pattern) => fileSystem.glob(join(directory, pattern)).map((path) => path.slice(directory.length + 1)),
  };
}

function loadIn(directory: string, name: string): Loaded {
  const { readFile, glob } = filesIn(directory);
  return load(name, readFile, glob, { configId: 'main', hostName: 'router1' });
}

function compare(path: string, actual: string): void {
  if (rewrite) writeFileSync(path, actual);
  assert.equal(actual, readFileSync(path, 'utf8'));
}

const configurations = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith('.conf'));

const golden = sourceDirectory('golden');
for (const name of configurations(golden)) {
  test(`${name} means what ${name.replace('.conf', '.json')} says`, () => {
    const { config, findings } = loadIn(golden, name);
    // What keepalived would rather see written is left out here, so that the files stay short.
    assert.deepEqual(
      findings.filter(({ about }) => about !== 'modified'),
      [],
    );
    compare(join(golden, name.replace('.conf', '.json')), `${JSON.stringify(config, undefined, 2)}\n`);
  });
}

const errors = sourceDirectory('errors');
for (const name of configurations(errors)) {
  test(`${name} is answered with ${name.replace('.conf', '.txt')}`, () => {
    const { readFile } = filesIn(errors);
    const lineOf = (file: string, line: number): string | undefined => String(readFile(file)).split('\n')[line - 1];
    const { findings } = loadIn(errors, name);
    compare(join(errors, name.replace('.conf', '.txt')), findings.map((finding) => `${render(finding, lineOf)}\n`).join(''));
  });
}
