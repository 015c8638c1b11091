// What holds whatever comes: random conversations, and the same with damaged frames, through the real native pipeline.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { FrameOffload, MemoryRouter, SentFrame } from '../../dataplane/addon.js';
import { addressText, sum } from './bytes.js';
import { build, show } from './notation.js';
import { guideRouter, MACS, offloadOf, SERVICES, snapshotOf } from './world.js';

type Step =
  | { readonly kind: 'batch'; readonly device: number; readonly lines: readonly string[]; readonly unknown: boolean }
  | { readonly kind: 'partial'; readonly device: number; readonly line: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'weigh'; readonly weights: readonly number[] };

type Family = { readonly service: string; readonly servers: readonly string[]; readonly clients: readonly string[] };

/** Few of everything, so that conversations meet. The second and third clients are forged: a server's address, and the router's. */
const V4: Family = {
  service: '203.0.113.10',
  servers: ['10.11.12.1', '10.11.12.2', '10.11.12.77'],
  clients: ['198.51.100.7', '10.11.12.2', '203.0.113.9'],
};
const V6: Family = {
  service: '2001:db8:113::10',
  servers: ['fd00:11:12::1', 'fd00:11:12::2', 'fd00:11:12::77'],
  clients: ['2001:db8:7::7', 'fd00:11:12::2', '2001:db8:113::9'],
};

const endpoint = (address: string, port: number) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
const flags = fc.constantFrom('S', 'S', 'S', 'A', 'A', 'SA', 'FA', 'R', 'RA', 'none', 'SF');
const detail = fc.record({
  flags,
  data: fc.integer({ min: 0, max: 40 }),
  ttl: fc.constantFrom(64, 64, 64, 64, 2, 1, 0),
  more: fc.constantFrom('', '', 'df'),
});
const family = fc.constantFrom(V4, V4, V6);

/** Lines of TCP and UDP between clients and services or servers, and the side they come from. */
const segment = fc
  .record({
    family,
    client: fc.constantFrom(0, 0, 0, 0, 1, 2),
    clientPort: fc.integer({ min: 1, max: 2 }),
    server: fc.constantFrom(0, 0, 1, 1, 2),
    port: fc.constantFrom(80, 80, 80, 53, 53, 81, 82, 83),
    forward: fc.constantFrom(true, true, false),
    detail,
  })
  .map(({ family, client, clientPort, server, port, forward, detail }) => {
    const udp = port === 53 || port === 82;
    const from = endpoint(family.clients[client]!, clientPort);
    const service = endpoint(family.service, port);
    const inside = endpoint(family.servers[server]!, port === 53 ? 5353 : 8080);
    const what = `${udp ? 'udp' : `tcp ${detail.flags} seq 1`} data ${detail.data} ttl ${detail.ttl}${detail.more && ` ${detail.more}`}`;
    return { device: forward ? 0 : 1, line: forward ? `${from} > ${service} ${what}` : `${inside} > ${from} ${what}`, family };
  });

const ERRORS = { v4: ['3/3', '3/4', '11/0', '12/0', '4/0', '8/0'], v6: ['1/4', '2/0', '3/0', '4/0', '128/0', '2/0'] };

/** An ICMP message about a packet of the other direction. */
const icmp = fc
  .record({
    about: segment,
    by: fc.constantFrom(0, 0, 1, 1, 2),
    type: fc.nat(5),
    quote: fc.constantFrom(100, 100, 100, 70, 48, 37, 28, 20),
  })
  .map(({ about, by, type, quote }) => {
    const [source, , target, ...what] = about.line.split(' ');
    const v4 = about.family === V4;
    // What came in as the service's went out as a server's, and the other way round.
    const swap = (text: string) =>
      about.device === 0
        ? text.replace(/.*:(\d+)$/, (_, port) => endpoint(about.family.servers[by]!, port === '53' ? 5353 : 8080))
        : text.replace(/.*:(\d+)$/, (_, port) => endpoint(about.family.service, port === '5353' ? 53 : 80));
    const quoted = about.device === 0 ? [source!, swap(target!)] : [swap(source!), target!];
    const to = quoted[0]!.replace(/^\[?(.*?)\]?:\d+$/, '$1');
    const reporter = about.device === 0 ? about.family.servers[by]! : about.family.clients[0]!;
    const line = `${reporter} > ${to} icmp ${(v4 ? ERRORS.v4 : ERRORS.v6)[type]} about ( ${quoted.join(' > ')} ${what.join(' ')} ) quote ${quote}`;
    return { device: 1 - about.device, line };
  });

/** One client's connections to one service, the next upon the last, in one batch: what ends and opens flows while it is under way. */
const burst = fc
  .record({ family, flags: fc.array(fc.constantFrom('S', 'R', 'A', 'FA'), { minLength: 2, maxLength: 5 }) })
  .map(({ family, flags }): Step => {
    const lines = flags.map((flag) => `${endpoint(family.clients[0]!, 1)} > ${endpoint(family.service, 80)} tcp ${flag} seq 1`);
    return { kind: 'batch', device: 0, lines, unknown: false };
  });

const weights = fc.oneof(fc.constant([0, 0, 0]), fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: burst },
  {
    weight: 8,
    arbitrary: fc
      .record({ lines: fc.array(fc.oneof({ weight: 4, arbitrary: segment }, icmp), { minLength: 1, maxLength: 8 }), unknown: fc.boolean() })
      .map(({ lines, unknown }): Step => {
        const device = lines[0]!.device;
        return { kind: 'batch', device, lines: lines.filter((one) => one.device === device).map(({ line }) => line), unknown };
      }),
  },
  { weight: 2, arbitrary: segment.map(({ device, line }): Step => ({ kind: 'partial', device, line: `${line} partial` })) },
  { weight: 1, arbitrary: fc.constantFrom(125, 10_000, 60_000, 400_000).map((ms): Step => ({ kind: 'wait', ms })) },
  { weight: 3, arbitrary: weights.map((weights): Step => ({ kind: 'weigh', weights })) },
);

const history = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }),
  maxFlows: fc.constantFrom(2, 5, 64),
  takesOffload: fc.boolean(),
});

interface Sent {
  readonly frames: readonly Buffer[];
  readonly out: readonly SentFrame[];
}

/** Sends the frames and holds the router to one verdict for each, and one frame out for each that says so. */
function send(router: MemoryRouter, device: number, frames: readonly Buffer[], offload?: FrameOffload): Sent {
  const { verdicts, out } = router.send(device, frames, offload);
  assert.equal(verdicts.length, frames.length);
  const fates = new Map(router.stats().verdicts.map(({ verdict, fate }) => [verdict, fate]));
  for (const verdict of verdicts) assert.ok(fates.has(verdict), `${verdict} is no verdict`);
  assert.equal(out.length, verdicts.filter((verdict) => fates.get(verdict) !== 'dropped').length);
  for (const one of out) assertPublic(one);
  return { frames, out };
}

function perform(router: MemoryRouter, step: Step, damage: (frame: Buffer) => Buffer = (frame) => frame): Sent {
  switch (step.kind) {
    case 'batch': {
      const frames = step.lines.map((line) => damage(build(line, MACS[step.device]!)));
      return send(router, step.device, frames, step.unknown ? { unknown: true } : undefined);
    }
    case 'partial': {
      const frame = build(step.line, MACS[step.device]!);
      return send(router, step.device, [frame], offloadOf('partial', frame));
    }
    case 'wait':
      router.advance(step.ms);
      return { frames: [], out: [] };
    case 'weigh':
      router.configure(snapshotOf(SERVICES.map((service) => weighed(service, step.weights))));
      return { frames: [], out: [] };
  }
}

function weighed(service: (typeof SERVICES)[number], weights: readonly number[]): (typeof SERVICES)[number] {
  return { ...service, destinations: service.destinations.map((one, at) => ({ ...one, weight: weights[at]! })) };
}

/** The IP header of a frame, or of what an ICMP message in it quotes. */
function addresses(ip: Buffer): { source: string; target: string; protocol: number; payload: Buffer } {
  return ip[0]! >> 4 === 4
    ? {
        source: addressText(ip.subarray(12, 16)),
        target: addressText(ip.subarray(16, 20)),
        protocol: ip[9]!,
        payload: ip.subarray((ip[0]! & 15) * 4),
      }
    : { source: addressText(ip.subarray(8, 24)), target: addressText(ip.subarray(24, 40)), protocol: ip[6]!, payload: ip.subarray(40) };
}

/** Nothing of the inside shows outside, neither on the packet nor in what it quotes. */
function assertPublic({ device, frame }: SentFrame): void {
  if (device !== 0) return;
  const outer = addresses(frame.subarray(14));
  const quoted = outer.protocol === 1 || outer.protocol === 58 ? [addresses(outer.payload.subarray(8))] : [];
  for (const { source, target } of [outer, ...quoted]) {
    for (const address of [source, target]) assert.doesNotMatch(address, /^(10\.11\.12\.|fd00:11:12:)/, frame.toString('hex'));
  }
}

/** Verdicts add up, and so do flows: in the table, in the counts of destinations, and no two share a direction. */
function assertBooksBalance(router: MemoryRouter, framesSent: number): void {
  const { verdicts, services, flows } = router.stats();
  assert.equal(
    verdicts.reduce((total, { packets }) => total + packets, 0),
    framesSent,
  );
  const listed = router.flows();
  assert.equal(listed.length, flows.entries);
  const counted = services
    .flatMap(({ destinations }) => destinations)
    .reduce((total, { active, inactive }) => total + active + inactive, 0);
  assert.equal(counted, flows.entries);
  for (const side of ['service', 'destination'] as const) {
    const legs = listed.map((flow) =>
      [flow.protocol, flow.client.address, flow.client.port, flow[side].address, flow[side].port].join(' '),
    );
    assert.equal(new Set(legs).size, legs.length, `two flows share a leg: ${legs}`);
  }
}

const RUNS = { numRuns: 150 };

describe('whatever comes', () => {
  test('of honest packets what leaves has correct checksums, and verdicts and flows add up', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ steps, maxFlows, takesOffload }) => {
        await turn(); // the router before this one is given back
        const router = guideRouter(maxFlows, takesOffload);
        let sent = 0;
        for (const step of steps) {
          const { frames, out } = perform(router, step);
          sent += frames.length;
          for (const one of out) assert.doesNotMatch(show(one.frame, one.partialChecksum), /bad|changed/);
          assertBooksBalance(router, sent);
        }
      }),
      RUNS,
    );
  });

  const wound = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  const wounds = fc.record({
    bytes: fc.array(wound, { maxLength: 3 }),
    cut: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.nat()),
    mend: fc.boolean(),
  });

  test('of damaged packets each has one verdict, and what leaves has a correct IP header and shows nothing of the inside', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.array(wounds, { minLength: 1, maxLength: 20 }), async ({ steps, maxFlows, takesOffload }, wounds) => {
        await turn();
        const router = guideRouter(maxFlows, takesOffload);
        let sent = 0;
        const damage = (frame: Buffer) => damaged(frame, wounds[sent++ % wounds.length]!);
        for (const step of steps) {
          const { frames, out } = perform(router, step, damage);
          if (step.kind === 'partial') sent += frames.length;
          for (const { frame } of out) assertHeaderIsSound(frame);
        }
        // Damage makes fragments, which wait for their first for a while.
        router.advance(16_000);
        assertBooksBalance(router, sent);
      }),
      RUNS,
    );
  });

  function damaged(
    frame: Buffer,
    { bytes, cut, mend }: { bytes: { at: number; byte: number }[]; cut: number | null; mend: boolean },
  ): Buffer {
    // The Ethernet header is mostly spared: a frame for another host tells little.
    for (const { at, byte } of bytes) frame[12 + (at % (frame.length - 12))] = byte;
    if (mend && frame[14]! >> 4 === 4) {
      frame.writeUInt16BE(0, 24);
      frame.writeUInt16BE(~sum(frame.subarray(14, 14 + (frame[14]! & 15) * 4)) & 0xffff, 24);
    }
    return cut === null ? frame : frame.subarray(0, cut % (frame.length + 1));
  }

  function assertHeaderIsSound(frame: Buffer): void {
    const ip = frame.subarray(14);
    if (ip[0]! >> 4 === 4) {
      assert.equal(sum(ip.subarray(0, (ip[0]! & 15) * 4)), 0xffff);
      assert.equal(ip.readUInt16BE(2), ip.length);
    } else {
      assert.equal(40 + ip.readUInt16BE(4), ip.length);
    }
  }

  const conversation = fc.record({
    family: fc.constantFrom(V4, V6),
    port: fc.integer({ min: 0, max: 65535 }),
    udp: fc.boolean(),
    load: fc.uint8Array({ maxLength: 480 }),
    ttl: fc.integer({ min: 3, max: 255 }),
  });
  const line = ({ family, port, udp, load }: { family: Family; port: number; udp: boolean; load: Uint8Array }, ttl: number) =>
    `${endpoint(family.clients[0]!, port)} > ${endpoint(family.service, udp ? 53 : 80)} ${udp ? 'udp' : 'tcp S seq 77'} ttl ${ttl}` +
    (load.length > 0 ? ` load ${Buffer.from(load).toString('hex')}` : '');

  test('what a server sends back as it came is, to the client, what it sent', () => {
    const router = guideRouter(4096, true);
    fc.assert(
      fc.property(conversation, (one) => {
        const sent = build(line(one, one.ttl), MACS[0]);
        const there = send(router, 0, [sent], undefined).out[0]!;
        const back = send(router, 1, [turned(there.frame, MACS[1])], undefined).out[0]!;
        assert.deepEqual(bare(turned(back.frame, MACS[0])), bare(sent));
        assert.doesNotMatch(show(there.frame) + show(back.frame), /bad/);
        router.advance(400_000);
      }),
      RUNS,
    );
  });

  test('an error of ours quotes the packet as its sender made it, checksums and all', () => {
    const router = guideRouter(4096, true);
    fc.assert(
      fc.property(conversation, (one) => {
        const sent = build(line(one, 1), MACS[0]);
        const [answer] = send(router, 0, [sent], undefined).out;
        const quoted = answer!.frame.subarray(14 + (one.family === V4 ? 28 : 48));
        assert.deepEqual(normal(quoted), normal(sent.subarray(14)));
        router.advance(400_000);
      }),
      RUNS,
    );
  });

  /** The frame with its two ends exchanged, as an echo server would send it. */
  function turned(frame: Buffer, mac: string): Buffer {
    const result = Buffer.from(frame);
    Buffer.from(mac.replaceAll(':', ''), 'hex').copy(result, 0);
    const [at, length] = frame[12] === 0x08 ? [26, 4] : [22, 16];
    frame.copy(result, at, at + length, at + 2 * length);
    frame.copy(result, at + length, at, at + length);
    const l4 = at + 2 * length;
    frame.copy(result, l4, l4 + 2, l4 + 4);
    frame.copy(result, l4 + 2, l4, l4 + 2);
    return result;
  }

  /** Without what a router changes on the way: link-layer addresses, TTL, IP header checksum. */
  function bare(frame: Buffer): Buffer {
    const ip = Buffer.from(frame.subarray(14));
    const v4 = ip[0]! >> 4 === 4;
    ip[v4 ? 8 : 7] = 0;
    if (v4) ip.writeUInt16BE(0, 10);
    return normal(ip);
  }

  /** Both zeros of one's complement mean the same in a TCP or UDP checksum. */
  function normal(packet: Buffer): Buffer {
    const ip = Buffer.from(packet);
    const [l4, protocol] = ip[0]! >> 4 === 4 ? [20, ip[9]] : [40, ip[6]];
    const at = l4 + (protocol === 6 ? 16 : 6);
    if (ip.readUInt16BE(at) === 0xffff) ip.writeUInt16BE(0, at);
    return ip;
  }
});
