// The command line of a natlb that runs: keepalived's options with their meaning, as nothing to be done, or refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRunOptions } from '../../control/cli/run-options.js';
import { signal, signum } from '../../control/cli/signal.js';
import { recorder } from './recorder.js';

const RUNS: readonly (readonly [line: string, options: object])[] = [
  ['', {}],
  ['-f x', { file: 'x' }],
  ['-fx', { file: 'x' }],
  ['--use-file=x', { file: 'x' }],
  ['--use-file x', { file: 'x' }],
  ['--use x', { file: 'x' }],
  ['--file x --run-dir y', { file: 'x', runDir: 'y' }],
  ['-Dlnf x', { file: 'x' }],
  ['-i blue -p /run/k.pid', { configId: 'blue', pidFile: '/run/k.pid' }],
  ['--dont-release-vrrp --ignore-sigint -d', { keepsAddresses: true, ignoresInterrupt: true, dumpsConfig: true }],
  ['-g /var/log/k.log --flush-log-file -G', { logFile: '/var/log/k.log' }],
  ['-u 027', { umask: 0o27 }],
  ['--backend af_xdp --metrics [::1]:9842', { backend: 'af_xdp', metrics: { address: '::1', port: 9842 } }],
  ['--dont-fork --all --log-console --log-detail --release-vips --no-mem-check', {}],
];

function words(line: string): string[] {
  return line.split(' ').filter(Boolean);
}

for (const [line, options] of RUNS) {
  test(`run options: natlb ${line}`, () => {
    const asked = readRunOptions(words(line));
    assert.deepEqual(asked.kind === 'run' && asked.options, options);
    // What is new to keepalived's users is the foreground, and only where they did not ask for it.
    assert.deepEqual(asked.kind === 'run' && asked.notices.filter((notice) => !notice.includes('foreground')), []);
  });
}

const INSTEAD: readonly (readonly [line: string, asked: object])[] = [
  ['-t', { kind: 'check' }],
  ['-t -f x -i blue', { kind: 'check', file: 'x', configId: 'blue' }],
  ['-f x --config-test=log', { kind: 'check', file: 'x', logFile: 'log' }],
  ['-tlog', { kind: 'check', logFile: 'log' }],
  ['--signum=JSON', { kind: 'signum', name: 'JSON' }],
  ['-v', { kind: 'version' }],
  ['--help', { kind: 'help' }],
  ['--genhash -s 192.0.2.1 -p 80 -u /', { kind: 'genhash' }],
];

for (const [line, asked] of INSTEAD) {
  test(`run options: natlb ${line} does not run`, () => assert.deepEqual(readRunOptions(words(line)), asked));
}

const REFUSED: readonly (readonly [line: string, why: RegExp])[] = [
  ['-P', /^-P: natlb is VRRP, health checks and data plane in one/],
  ['--check', /^--check: natlb is VRRP/],
  ['-I', /^-I: when natlb has ended nobody forwards/],
  ['-R', /^-R: a data plane that dies is always started again/],
  ['-s blue', /^-s: start natlb there: ip netns exec/],
  ['-x', /^-x: natlb has no SNMP/],
  ['--config-fd 3', /for keepalived alone/],
  ['--nonsense', /^Unknown option '--nonsense'$/],
  ['-Z', /^Unknown option '-Z'$/],
  ['--d', /^Option '--d' could be --dump-conf, --dont-release-vrrp/],
  ['-f', /^Option '-f' needs an argument$/],
  ['--all=yes', /^Option '--all' does not take an argument$/],
  ['x', /^Unexpected argument 'x'$/],
  ['-', /^Unexpected argument '-'$/],
  ['--', /^Unknown option '--'$/],
  ['-u 9', /expected an octal number/],
  ['--backend dpdk', /expected auto, af_xdp, af_packet/],
];

for (const [line, why] of REFUSED) {
  test(`run options: natlb ${line} is refused`, () =>
    assert.throws(() => readRunOptions(words(line)), { name: 'UsageError', message: why }));
}

test('run options: what has no effect is named', () => {
  const asked = readRunOptions(words('-D -S 0 -r /run/vrrp.pid -m'));
  assert.equal(asked.kind, 'run');
  assert.deepEqual(asked.kind === 'run' && asked.notices.map((notice) => notice.slice(0, 12)), [
    '-S: natlb lo',
    '-r: there is',
    '-m: core dum',
    'natlb stays ',
  ]);
});

const NUMBERS = { STOP: 15, RELOAD: 1, DATA: 10, STATS: 12, STATS_CLEAR: 63, JSON: 36 };

test('signum: the numbers are those of keepalived', () => {
  for (const [name, number] of Object.entries(NUMBERS)) {
    const io = recorder();
    assert.equal(signum(name, io), 0);
    assert.equal(io.printed(), `${number}\n`);
  }
});

for (const [name, why] of [
  ['TDATA', /no scheduler threads to dump/],
  ['KILL', /KILL is none of STOP, RELOAD, DATA/],
  ['toString', /toString is none of/],
] as const) {
  test(`signum: ${name} has none, and the exit status is keepalived's`, () => {
    const io = recorder();
    assert.equal(signum(name, io), 1);
    assert.match(io.complained(), why);
  });

  test(`signal: ${name} is refused`, async () => {
    const io = recorder();
    assert.equal(await signal([name], io), 2);
    assert.match(io.complained(), why);
  });
}
