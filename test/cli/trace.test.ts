// `natlb trace` against what tcpdump reads of its files.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { addressesOf } from '../../control/cli/frame-addresses.js';
import { Pcapng } from '../../control/cli/pcapng.js';
import { trace } from '../../control/cli/trace.js';
import type { Trace, TracedPacket } from '../../dataplane/protocol.js';
import { build } from '../packets/notation.js';

const directory = mkdtempSync(join(tmpdir(), 'natlb-trace-'));
after(() => rmSync(directory, { recursive: true }));

const MAC = '02:00:00:00:00:01';
const frame = (text: string) => build(text, MAC).toString('hex');
const SYN = frame('198.51.100.7:5000 > 203.0.113.10:80 tcp S seq 100');
const OTHER = frame('[2001:db8:7::7]:5000 > [2001:db8:113::10]:53 udp data 3');

function packet(text: string, changes: Partial<TracedPacket> = {}): TracedPacket {
  return {
    atUs: 1_700_000_000_123_456,
    interface: 'eth0',
    leaving: false,
    verdict: 'forwarded',
    length: text.length / 2,
    frame: text,
    ...changes,
  };
}

/** Runs the command with a data plane that has seen `pieces`, one at each look after the first. */
async function run(args: readonly string[], pieces: readonly Trace[]): Promise<{ status: number; out: string; error: string }> {
  const left = [{ packets: [], lost: 0 }, ...pieces];
  let out = '';
  let error = '';
  const asking = (async () => left.shift() ?? { packets: [], lost: 0 }) as unknown as Parameters<typeof trace>[2];
  const status = await trace(args, { out: (text) => (out += text), error: (text) => (error += text) }, asking);
  return { status, out, error };
}

describe('natlb trace', () => {
  test('a file that tcpdump reads, frame by frame, with verdicts, interfaces and times', () => {
    const file = join(directory, 'direct.pcapng');
    const pcapng = new Pcapng();
    const first = {
      atUs: 1_700_000_000_123_456,
      interface: 'eth0',
      frame: SYN,
      length: SYN.length / 2,
      comment: 'forwarded',
      direction: 'in',
    } as const;
    const second = { ...first, interface: 'eth1', frame: OTHER, length: 4000, comment: 'fragment_waiting', direction: 'out' } as const;
    writeFileSync(file, Buffer.concat([pcapng.start(), pcapng.packet(first), pcapng.packet(second), pcapng.packet(first)]));
    const read = execFileSync('tcpdump', ['-tt', '-nr', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n');
    assert.equal(read.length, 3);
    assert.match(read[0] ?? '', /^1700000000\.123456 .*198\.51\.100\.7\.5000 > 203\.0\.113\.10\.80: Flags \[S\], seq 100/);
    assert.match(read[1] ?? '', /2001:db8:7::7\.5000 > 2001:db8:113::10\.53/);
    const bytes = readFileSync(file);
    for (const text of ['forwarded', 'fragment_waiting', 'eth0', 'eth1']) assert.ok(bytes.includes(text), text);
  });

  test('ends with the packets it was to write, and says how many came too fast', async () => {
    const file = join(directory, 'counted.pcapng');
    const pieces = [
      { packets: [packet(SYN), packet(OTHER)], lost: 7 },
      { packets: [packet(SYN), packet(SYN)], lost: 0 },
    ];
    const { status, out } = await run(['--write', file, '--count', '3'], pieces);
    assert.deepEqual({ status, out }, { status: 0, out: `3 packets in ${file}; 7 more came too fast to be kept\n` });
  });

  test('keeps to one client where it is told to', async () => {
    const file = join(directory, 'client.pcapng');
    const pieces = [{ packets: [packet(SYN), packet(OTHER), packet(OTHER)], lost: 0 }];
    const { out } = await run(['--write', file, '--client', '2001:db8:7:0::7', '--count', '2'], pieces);
    assert.equal(out, `2 packets in ${file}\n`);
  });

  for (const args of [
    [],
    ['--write'],
    ['--write', 'f', '--client', 'me'],
    ['--write', 'f', '--count', '0'],
    ['--write', 'f', '--seconds', '1.5'],
    ['x'],
  ]) {
    test(`no command line: ${args.join(' ') || '(nothing)'}`, async () => {
      const { status, error } = await run(args, []);
      assert.equal(status, 2);
      assert.notEqual(error, '');
    });
  }

  test('addresses are read behind VLAN tags, and of nothing that is cut off', () => {
    const tagged = Buffer.concat([Buffer.from(SYN.slice(0, 24), 'hex'), Buffer.from('81000064', 'hex'), Buffer.from(SYN.slice(24), 'hex')]);
    assert.deepEqual(addressesOf(tagged), ['198.51.100.7', '203.0.113.10']);
    for (let length = 0; length < 34; length += 1) assert.deepEqual(addressesOf(tagged.subarray(0, length)), []);
  });
});
