// Log lines: what programs are told of them, and that nobody's not reading them costs natlb anything.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LogSink, logToFile, openLog } from '../control/log.js';
import { factsOf } from '../control/log-facts.js';

const SERVER = '[192.168.1.20]:tcp:80';
const SERVICE = '[203.0.113.10]:tcp:80';

/** The sentences people's alerts search for, as keepalived has them, and what is in them. */
const LINES: readonly { readonly text: string; readonly facts: Readonly<Record<string, string>> }[] = [
  { text: '(VI_1) Entering MASTER STATE', facts: { level: 'info', what: 'vrrp_state', instance: 'VI_1', state: 'MASTER' } },
  { text: '(VI_1) Entering BACKUP STATE (init)', facts: { level: 'info', what: 'vrrp_state', instance: 'VI_1', state: 'BACKUP' } },
  { text: '(a (b) c) Entering FAULT STATE', facts: { level: 'warning', what: 'vrrp_state', instance: 'a (b) c', state: 'FAULT' } },
  {
    text: '(VI_1) Master received advert from 10.0.0.2 with higher priority 150, ours 100',
    facts: { level: 'info', what: 'vrrp_higher_priority', instance: 'VI_1', from: '10.0.0.2', priority: '150' },
  },
  {
    text: '(VI_1) Received advert from 10.0.0.2 with lower priority 50, ours 100, forcing new election',
    facts: { level: 'warning', what: 'vrrp_lower_priority', instance: 'VI_1', from: '10.0.0.2', priority: '50', ours: '100' },
  },
  { text: '(VI_1) Receive advertisement timeout', facts: { level: 'info', what: 'vrrp_timeout', instance: 'VI_1' } },
  { text: '(VI_1) sent 0 priority', facts: { level: 'info', what: 'vrrp', instance: 'VI_1' } },
  { text: 'VRRP_Group(G1) Syncing instances to MASTER state', facts: { level: 'info', what: 'vrrp_group', group: 'G1', state: 'MASTER' } },
  { text: `TCP connection to ${SERVER} success.`, facts: { level: 'info', what: 'check', server: SERVER, result: 'success' } },
  { text: `TCP connection to ${SERVER} timeout.`, facts: { level: 'warning', what: 'check', server: SERVER, result: 'timeout' } },
  { text: `Remote Web server ${SERVER} succeed on service.`, facts: { level: 'info', what: 'check', server: SERVER, result: 'succeed' } },
  {
    text: `TCP_CHECK on service ${SERVER} failed after 3 retries.`,
    facts: { level: 'warning', what: 'check', server: SERVER, result: 'failed' },
  },
  { text: `Adding service ${SERVER} to VS ${SERVICE}`, facts: { level: 'info', what: 'server_added', server: SERVER, service: SERVICE } },
  {
    text: `Disabling service ${SERVER} of VS ${SERVICE}`,
    facts: { level: 'warning', what: 'server_removed', server: SERVER, service: SERVICE },
  },
  { text: `Gained quorum 1+0=1 <= 2 for VS ${SERVICE}`, facts: { level: 'info', what: 'quorum_up', service: SERVICE } },
  { text: `Lost quorum 1-0=1 > 0 for VS ${SERVICE}`, facts: { level: 'error', what: 'quorum_down', service: SERVICE } },
  {
    text: 'Starting with quorum down 1-0=1 > 0 for VS FWM 80 IPv6',
    facts: { level: 'error', what: 'quorum_down', service: 'FWM 80 IPv6' },
  },
  {
    text: `Adding sorry server ${SERVER} to VS ${SERVICE}`,
    facts: { level: 'warning', what: 'sorry_server', server: SERVER, service: SERVICE },
  },
  {
    text: `Changing weight from 1 to 0 for active service ${SERVER} of VS ${SERVICE}`,
    facts: { level: 'info', what: 'weight', from: '1', to: '0', server: SERVER, service: SERVICE },
  },
  { text: 'Cannot run: there is no room', facts: { level: 'error', what: 'end', reason: 'there is no room' } },
  { text: 'what nobody thought of', facts: { level: 'info', what: 'natlb' } },
];

for (const { text, facts } of LINES) test(`log line: ${text}`, () => assert.deepEqual(factsOf(text), facts));

class Sink implements LogSink {
  readonly lines: string[] = [];
  writableLength = 0;

  write(text: string): void {
    this.lines.push(text);
  }
}

test('a JSON log line is one object, whatever the text', () => {
  const sink = new Sink();
  openLog(sink, { format: 'json' })('(VI_1) Entering MASTER STATE');
  openLog(sink, { format: 'json', journal: true })('two\nlines "and quotes"');
  const [first, second] = sink.lines.map((line) => JSON.parse(line) as Record<string, string>);
  assert.match(first!.time!, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(
    { ...first, time: '' },
    { time: '', level: 'info', what: 'vrrp_state', instance: 'VI_1', state: 'MASTER', message: '(VI_1) Entering MASTER STATE' },
  );
  assert.equal(second!.message, 'two\nlines "and quotes"');
  assert.ok(sink.lines.every((line) => line.indexOf('\n') === line.length - 1));
});

test('lines that nobody takes are lost beyond a megabyte, and counted', () => {
  const sink = new Sink();
  const log = openLog(sink, { journal: true });
  log('one');
  sink.writableLength = 2_000_000;
  for (let i = 0; i < 10; i += 1) log('lost');
  sink.writableLength = 0;
  log('two');
  assert.deepEqual(sink.lines, ['one\n', '10 log lines were lost: nobody took them\n', 'two\n']);
});

test('a log file that cannot be written does no harm, and is written once it can be', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'natlb-log-'));
  const path = join(directory, 'later', 'log');
  const log = openLog(logToFile(path), { journal: true });
  log('into nothing');
  await new Promise((resolve) => setTimeout(resolve, 50));
  mkdirSync(join(directory, 'later'));
  const deadline = performance.now() + 20_000;
  for (let text = ''; !text.includes('again'); ) {
    assert.ok(performance.now() < deadline);
    log('again');
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      // Not yet.
    }
  }
  rmSync(directory, { recursive: true });
});

test('a closed log file has all its lines', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'natlb-log-'));
  const file = logToFile(join(directory, 'log'));
  const log = openLog(file, { journal: true });
  for (let i = 0; i < 1000; i += 1) log(`line ${i}`);
  await file.close();
  assert.match(readFileSync(join(directory, 'log'), 'utf8'), /^line 0\n(?:.*\n)*line 999\n$/);
  rmSync(directory, { recursive: true });
});

test('a log file that was never opened, or failed, closes too', async () => {
  await logToFile('/nowhere/log').close();
  const file = logToFile('/nowhere/log');
  file.write('a line\n');
  await file.close();
});

const SINKS: readonly { readonly what: string; readonly redirection: string }[] = [
  { what: 'a full disk', redirection: '2>/dev/full' },
  { what: 'a reader that has gone', redirection: '2> >(true)' },
  { what: 'a closed end', redirection: '2>&-' },
];
const LOGGING = `
  const { logToStream, openLog } = await import(${JSON.stringify(join(import.meta.dirname, '../control/log.js'))});
  const log = openLog(logToStream(process.stderr));
  for (let i = 0; i < 20; i += 1) { log('line ' + i); await new Promise((resolve) => setTimeout(resolve, 5)); }
  console.log('alive');`;

for (const { what, redirection } of SINKS)
  test(`standard error may be ${what}`, () => {
    const shell = `"$0" --input-type=module -e "$1" ${redirection}`;
    assert.equal(spawnSync('bash', ['-c', shell, process.execPath, LOGGING], { encoding: 'utf8' }).stdout, 'alive\n');
  });
