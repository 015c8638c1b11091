// One natlb for one run directory.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { lockRunDir } from '../../control/host/lock.js';

const LOCK = join(import.meta.dirname, '../../control/host/lock.js');

describe('run directory', () => {
  let parent: string;
  let path: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'natlb-lock-'));
    path = join(parent, 'run');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  test('it is made, private, and says who uses it', () => {
    const lock = lockRunDir(path);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(readFileSync(join(path, 'natlb.pid'), 'utf8'), `${process.pid}\n`);
    lock.release();
    assert.equal(readFileSync(join(path, 'natlb.pid'), 'utf8'), '');
  });

  test('one that was open to others is closed to them', () => {
    lockRunDir(path).release();
    chmodSync(path, 0o755);
    lockRunDir(path).release();
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  test('a second natlb is refused by the name of the first, until that one is killed', async () => {
    const program = `import { lockRunDir } from ${JSON.stringify(LOCK)}; lockRunDir(process.argv[1]); console.log('held'); setInterval(() => {}, 1e6);`;
    const first = spawn(process.execPath, ['--input-type=module', '-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(first.stdout, 'data');
    assert.throws(() => lockRunDir(path), new RegExp(`run directory ${path} is in use by another natlb \\(process ${first.pid}\\)`));
    first.kill('SIGKILL');
    await once(first, 'exit');
    lockRunDir(path).release();
  });

  test('a run directory that cannot be made is an error that names it', () => {
    assert.throws(() => lockRunDir('/dev/null/run'), /\/dev\/null\/run/);
  });

  test('nor does one below /proc, where nothing can be made, keep natlb for ever', () => {
    assert.throws(() => lockRunDir('/proc/natlb/run'), /ENOENT.*\/proc\/natlb/);
  });
});
