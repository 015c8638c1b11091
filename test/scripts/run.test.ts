// Real programs, also bad ones: each ends, and natlb knows how.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Script } from '../../control/config/model.js';
import { runScript, type ScriptEnd } from '../../control/scripts/run.js';

const directory = mkdtempSync(join(tmpdir(), 'natlb-scripts-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const place = { file: 'test', line: 1, column: 1 };
const AS_ROOT = process.geteuid?.() === 0;

let count = 0;
function shell(text: string, mode = 0o755, interpreter = '#!/bin/sh'): Script {
  count += 1;
  const path = join(directory, `script${count}`);
  writeFileSync(path, `${interpreter}\n${text}\n`);
  chmodSync(path, mode);
  return { argv: [path], place };
}

interface Run {
  readonly end: ScriptEnd;
  readonly lines: readonly string[];
}

async function run(
  script: Script,
  options: { timeoutMs?: number; arguments?: readonly string[]; environment?: Record<string, string> } = {},
): Promise<Run> {
  const lines: string[] = [];
  const { ended } = runScript(script, { timeoutMs: 30_000, ...options, log: (text) => lines.push(text) });
  return { end: await ended, lines };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'it never came');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a program ends with its exit code', async () => {
  assert.deepEqual((await run(shell('exit 7'))).end, { kind: 'exit', code: 7 });
});

test('a program that is killed ends with its signal', async () => {
  assert.deepEqual((await run(shell('kill -USR1 $$'))).end, { kind: 'signal', signal: 'SIGUSR1' });
});

test('arguments follow those of the script, blanks and all, and the environment is given', async () => {
  const output = join(directory, 'arguments');
  const { argv } = shell(`printf '%s|' "$@" "$COLOUR" > ${output}`);
  await run({ argv: [...argv, 'a b', ''], place }, { arguments: ['INSTANCE', 'it"s'], environment: { COLOUR: 'red' } });
  assert.equal(readFileSync(output, 'utf8'), 'a b||INSTANCE|it"s|red|');
});

test('a program does not see what would change how programs are loaded, and its stdin is empty', async () => {
  process.env.LD_PRELOAD = '/nowhere.so';
  process.env.NOTIFY_SOCKET = '/run/nowhere';
  const output = join(directory, 'environment');
  await run(shell(`{ cat; echo "$LD_PRELOAD$NOTIFY_SOCKET$PWD"; } > ${output} 2>&1`));
  delete process.env.LD_PRELOAD;
  delete process.env.NOTIFY_SOCKET;
  assert.equal(readFileSync(output, 'utf8'), '/\n');
});

test('a program runs as its user and with no other groups', { skip: !AS_ROOT && 'needs root' }, async () => {
  const { lines } = await run({ argv: ['id'], user: { name: 'nobody', uid: 65_534, gid: 65_534 }, place });
  assert.match(lines.join(), /uid=65534\S* gid=65534\S* groups=65534/);
});

test('a program without a user of its own has no supplementary groups of ours', { skip: !AS_ROOT && 'needs root' }, async () => {
  const { lines } = await run({ argv: ['id', '-G'], place });
  assert.deepEqual(lines, ['id: 0']);
});

test('a program that hangs is ended, with all it started, when its time is up', async () => {
  const output = join(directory, 'child');
  const { end } = await run(shell(`sleep 1000 & echo $! > ${output}; wait`), { timeoutMs: 200 });
  assert.deepEqual(end, { kind: 'timeout' });
  await until(() => !exists(Number(readFileSync(output, 'utf8'))));
});

test('a program that ignores TERM is killed', async () => {
  const { end } = await run(shell("trap '' TERM; while :; do sleep 1; done"), { timeoutMs: 100 });
  assert.deepEqual(end, { kind: 'timeout' });
});

test('a stopped program ends by a signal, and stopping it again does nothing', async () => {
  const script = runScript(shell('exec sleep 1000'), { timeoutMs: Number.POSITIVE_INFINITY, log: () => {} });
  script.stop();
  script.stop();
  assert.deepEqual(await script.ended, { kind: 'signal', signal: 'SIGTERM' });
  script.stop();
});

test('what a program leaves running does not hold it up', async () => {
  const output = join(directory, 'daemon');
  const { end } = await run(shell(`sleep 1000 & echo $! > ${output}; exit 3`));
  assert.deepEqual(end, { kind: 'exit', code: 3 });
  const pid = Number(readFileSync(output, 'utf8'));
  assert.ok(exists(pid));
  process.kill(pid);
});

test('a program that prints megabytes ends, and costs a few lines', async () => {
  const { end, lines } = await run(shell('yes "a line that nobody wants to read" | head -c 20000000'));
  assert.deepEqual(end, { kind: 'exit', code: 0 });
  assert.ok(lines.length <= 11, `${lines.length} lines`);
});

test('a line without an end is cut, and without what a terminal would take for orders', async () => {
  const { lines } = await run(shell("printf '\\033[2J'; head -c 1000000 /dev/zero | tr '\\0' x"));
  assert.ok(lines.every((line) => line.length < 400 && !line.includes('\u001b')));
});

const FAILURES: readonly { readonly what: string; readonly script: Script; readonly reason: RegExp }[] = [
  { what: 'one that is not there', script: { argv: [join(directory, 'nowhere')], place }, reason: /not there/ },
  { what: 'one whose interpreter is not there', script: shell('', 0o755, '#!/nowhere/sh'), reason: /not there/ },
  { what: 'one that is not executable', script: shell('', 0o644), reason: /may not be executed/ },
  { what: 'a directory', script: { argv: [directory], place }, reason: /may not be executed/ },
  { what: 'one with a NUL in its arguments', script: { argv: ['/bin/true', 'a\0b'], place }, reason: /./ },
  { what: 'one with too long an argument', script: { argv: ['/bin/true', 'x'.repeat(3_000_000)], place }, reason: /too long/ },
  {
    what: 'one that was found unsafe',
    script: { argv: ['/bin/true'], disabled: 'others can change it', place },
    reason: /others can change it/,
  },
];

for (const { what, script, reason } of FAILURES)
  test(`a program that cannot be run fails with a reason: ${what}`, async () => {
    const { end } = await run(script);
    assert.equal(end.kind, 'failed');
    assert.match(end.kind === 'failed' ? end.reason : '', reason);
  });

test('a program that vanishes while it runs goes on', async () => {
  const script = shell('rm "$0"; exit 4');
  assert.deepEqual((await run(script)).end, { kind: 'exit', code: 4 });
  assert.equal(existsSync(script.argv[0]!), false);
  assert.equal((await run(script)).end.kind, 'failed');
});

test('</file asks whether the file can be opened', async () => {
  assert.deepEqual((await run({ argv: ['</etc/passwd'], place })).end, { kind: 'exit', code: 0 });
  assert.notDeepEqual((await run({ argv: ['</nowhere'], place })).end, { kind: 'exit', code: 0 });
});

test('</file is asked with all groups of its user, too', { skip: !AS_ROOT && 'needs root' }, async () => {
  const user = { uid: 0, gid: 0, name: 'root', allGroups: true } as const;
  assert.deepEqual((await run({ argv: ['</etc/passwd'], user, place })).end, { kind: 'exit', code: 0 });
});

test('a program may take longer than a timer can wait', async () => {
  assert.deepEqual((await run(shell('sleep 0.2'), { timeoutMs: 2 ** 32 })).end, { kind: 'exit', code: 0 });
});

test('a script without a #! line is run by the shell', async () => {
  assert.deepEqual((await run(shell('exit 5', 0o755, ''))).end, { kind: 'exit', code: 5 });
});
