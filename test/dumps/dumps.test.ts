// What natlb writes when keepalived's signals ask for it, and where. REWRITE_GOLDEN=1 writes what comes out now.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadFile } from '../../control/config/file.js';
import type { Config, Dumps } from '../../control/config/model.js';
import { dump } from '../../control/dumps/driver.js';
import { destinationOf } from '../../control/dumps/file-names.js';
import { jsonDump } from '../../control/dumps/json-dump.js';
import type { DumpName } from '../../control/dumps/names.js';
import { STATUS } from '../cli/sample-status.js';

const GOLDEN = join(import.meta.dirname, '../../../test/dumps/golden');

const CONFIG = loadFile(join(GOLDEN, 'router.conf'), {}).config as Config;
/** As it is everywhere. */
const ELSEWHERE: Config = { ...CONFIG, file: '/etc/keepalived/keepalived.conf' };

interface Written {
  readonly runDir: string;
  readonly paths: readonly string[];
  readonly lines: readonly string[];
  readonly cleared: boolean;
}

function place(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'natlb-dump-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function write(t: TestContext, name: DumpName, dumps: Dumps = {}): Promise<Written> {
  const runDir = place(t);
  const lines: string[] = [];
  const result = { cleared: false };
  const config = { ...ELSEWHERE, global: { ...ELSEWHERE.global, operating: { dumps } } };
  const paths = await dump(name, {
    runDir,
    log: (text) => lines.push(text),
    config: () => config,
    status: async () => STATUS,
    clearCounters: () => {
      result.cleared = true;
    },
  });
  return { runDir, paths, lines, ...result };
}

function expected(name: string, found: string): string {
  const path = join(GOLDEN, name);
  if (process.env.REWRITE_GOLDEN === '1') writeFileSync(path, found);
  return readFileSync(path, 'utf8');
}

const ROWS: readonly (readonly [name: DumpName, files: readonly string[]])[] = [
  ['DATA', ['keepalived_parent.data', 'keepalived.data', 'keepalived_check.data']],
  ['STATS', ['keepalived.stats']],
  ['JSON', ['keepalived.json']],
];

for (const [name, files] of ROWS) {
  test(`dumps: ${name} writes ${files.join(', ')}, for the owner alone`, async (t) => {
    const { runDir, paths } = await write(t, name);
    assert.deepEqual(
      paths,
      files.map((file) => join(runDir, file)),
    );
    for (const file of files) {
      const text = readFileSync(join(runDir, file), 'utf8');
      assert.equal(text, expected(file, text));
      assert.equal(statSync(join(runDir, file)).mode & 0o777, 0o600);
    }
    assert.equal(readdirSync(runDir).length, files.length, 'nothing half-written is left');
  });
}

test('dumps: STATS_CLEAR writes the counters before it clears them; nothing else clears them', async (t) => {
  assert.equal((await write(t, 'STATS_CLEAR')).cleared, true);
  assert.equal((await write(t, 'STATS')).cleared, false);
});

test('dumps: no password is ever in them', async (t) => {
  for (const name of ['DATA', 'STATS', 'JSON'] as const) {
    const { paths } = await write(t, name);
    for (const path of paths) assert.doesNotMatch(readFileSync(path, 'utf8'), /secret/);
  }
});

test('dumps: json_version 2 names its list', () => {
  const version1 = JSON.parse(jsonDump([], 1));
  const version2 = JSON.parse(jsonDump([], 2));
  assert.deepEqual([version1, version2], [[], { vrrp: [] }]);
});

const PLACES: readonly (readonly [what: string, file: Parameters<typeof destinationOf>[0], path: string])[] = [
  ['in the run directory', { usual: 'keepalived.data' }, '/run/natlb/keepalived.data'],
  ['a part before the dot', { usual: 'keepalived.data', part: '_check' }, '/run/natlb/keepalived_check.data'],
  ['with the instance', { usual: 'keepalived.stats', instance: 'blue' }, '/run/natlb/keepalived.blue.stats'],
  ['in a directory', { usual: 'keepalived.json', configured: '/var/lib/x/' }, '/var/lib/x/keepalived.json'],
  ['a file', { usual: 'keepalived.data', part: '_check', configured: '/var/lib/x/state.txt' }, '/var/lib/x/state_check.txt'],
  ['a file without a dot', { usual: 'keepalived.data', part: '_check', configured: '/var/state' }, '/var/state_check'],
  ['a name alone', { usual: 'keepalived.data', configured: 'state.data' }, '/run/natlb/state.data'],
  ['at the top', { usual: 'keepalived.data', configured: '/state.data' }, '//state.data'],
];

for (const [what, file, path] of PLACES) {
  test(`dumps: where they go: ${what}`, () => {
    const { directory, name } = destinationOf(file, '/run/natlb');
    assert.equal(`${directory}/${name}`, path);
  });
}

test('dumps: a directory where others may write is not written to', async (t) => {
  const open = join(place(t), 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const { runDir, paths, lines } = await write(t, 'STATS', { stats: `${open}/` });
  assert.deepEqual(paths, [join(runDir, 'keepalived.stats')]);
  assert.deepEqual(readdirSync(open), []);
  assert.match(lines.join('\n'), /Nothing is written to .*: others may write to .*; it goes to .* instead/);
});

test('dumps: nor is one that is not there', async (t) => {
  const { runDir, paths } = await write(t, 'STATS', { stats: '/nowhere/at/all.stats' });
  assert.deepEqual(paths, [join(runDir, 'keepalived.stats')]);
});

test('dumps: a link in the place of the file is replaced, not followed', async (t) => {
  const directory = place(t);
  const target = join(directory, 'target');
  writeFileSync(target, 'mine');
  symlinkSync(target, join(directory, 'x.stats'));
  await write(t, 'STATS', { stats: join(directory, 'x.stats') });
  assert.equal(readFileSync(target, 'utf8'), 'mine');
  assert.equal(statSync(join(directory, 'x.stats')).mode & 0o777, 0o600);
});
