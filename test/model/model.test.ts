// Whatever happens, natlb does what the model does: the same verdicts, the same packets, the same flows and counts. SEED= and COUNT= choose
// which histories and how many; without them they are the same ones each time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type MemoryRouter, type SentFrame, schedulers } from '../../dataplane/addon.js';
import type { Destination, Protocol, Service, Snapshot } from '../../dataplane/protocol.js';
import { build, show } from '../packets/notation.js';
import { guideRouter, MACS, snapshotOf } from '../packets/world.js';
import type { Flow } from './flow.js';
import { Model } from './model.js';
import type { Endpoint, Packet, Unreachable } from './packet.js';
import { SCHEDULERS } from './schedulers.js';

const VIRTUAL = '203.0.113.10';
const CLIENTS = ['198.51.100.7', '198.51.100.8', '198.51.101.9'];

// ---- configurations

interface Choices {
  readonly scheduler: string;
  readonly weights: readonly number[];
  readonly upper: number;
  readonly lower: number;
  readonly noDestination: Service['noDestination'];
  readonly sloppy: Service['sloppy'];
  readonly resets: boolean;
}

/** A service that can stand in a configuration, and what of it is always so. */
interface Kind {
  readonly name: string;
  readonly mark?: number;
  readonly listeners: readonly (readonly [protocol: Protocol, first: number, last: number])[];
  readonly to: number;
  readonly persistence?: Service['persistence'];
  readonly onePacket?: boolean;
}

/** Idle times of templates end between those of flows, or which of the two comes first would be open. */
const KINDS: readonly Kind[] = [
  { name: 'web', listeners: [['tcp', 80, 80]], to: 8080 },
  { name: 'other', listeners: [['tcp', 81, 81]], to: 8080 },
  { name: 'dns', listeners: [['udp', 53, 53]], to: 5353 },
  { name: 'kept', listeners: [['tcp', 443, 443]], to: 4430, persistence: { timeoutMs: 50_125, prefixLength: 32 } },
  {
    name: 'range',
    listeners: [
      ['tcp', 1000, 1010],
      ['udp', 1000, 1010],
    ],
    to: 0,
    persistence: { timeoutMs: 300_125, prefixLength: 24 },
  },
  {
    name: 'mark',
    mark: 7,
    listeners: [
      ['tcp', 80, 80],
      ['tcp', 90, 90],
    ],
    to: 9090,
  },
  { name: 'alone', listeners: [['udp', 69, 69]], to: 6969, onePacket: true },
  { name: 'every', listeners: [['tcp', 1, 65535]], to: 0 },
];

const choices: fc.Arbitrary<Choices> = fc.record({
  scheduler: fc.constantFrom(...schedulers.filter((name) => name in SCHEDULERS)),
  weights: fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(1, 1, 2, 3), { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.nat(2), { maxLength: 3 }) },
  ),
  upper: fc.constantFrom(0, 0, 0, 1, 2, 4),
  lower: fc.constantFrom(0, 0, 1),
  noDestination: fc.constantFrom('default', 'default', 'rst', 'icmp', 'drop'),
  sloppy: fc.constantFrom('never', 'never', 'takeover', 'always'),
  resets: fc.boolean(),
});

function service({ name, mark, listeners, to, persistence, onePacket = false }: Kind, chosen: Choices): Service {
  const protocol = listeners[0]![0];
  return {
    name,
    identity:
      mark === undefined ? { kind: 'address', protocol, address: VIRTUAL, port: listeners[0]![1] } : { kind: 'fwmark', mark, family: 4 },
    listeners: listeners.map(([protocol, firstPort, lastPort]) => ({ address: VIRTUAL, protocol, firstPort, lastPort })),
    scheduler: chosen.scheduler,
    schedulerFlags: [],
    onePacket,
    ...(persistence === undefined ? {} : { persistence }),
    timeouts: name === 'other' ? { ESTABLISHED: 100_000, SYN_RECV: 10_000 } : {},
    noDestination: chosen.noDestination,
    resets: chosen.resets,
    sloppy: chosen.sloppy,
    destinations: chosen.weights.map(
      (weight, at): Destination => ({
        address: `10.11.12.${at + 1}`,
        port: to,
        weight,
        upperThreshold: chosen.upper,
        lowerThreshold: Math.min(chosen.lower, chosen.upper),
      }),
    ),
  };
}

const configuration: fc.Arbitrary<readonly Service[]> = fc
  .tuple(...KINDS.map((kind) => fc.option(choices, { freq: kind.name === 'web' ? 8 : 1 }).map((chosen) => ({ kind, chosen }))))
  .map((all) => all.flatMap(({ kind, chosen }) => (chosen === null ? [] : [service(kind, chosen)])));

// ---- what happens

/** A packet: of a client, of either end of the flow at that place of the model's list, or of a server that says something by itself. */
type Sent =
  | {
      readonly kind: 'client';
      readonly client: number;
      readonly port: number;
      readonly to: number;
      readonly flags: string;
      readonly off: boolean;
    }
  | { readonly kind: 'again'; readonly flow: number; readonly side: 'client' | 'server'; readonly flags: string; readonly off: boolean }
  | { readonly kind: 'server'; readonly server: number; readonly port: number; readonly client: number; readonly protocol: 'tcp' | 'udp' };

type Step =
  /** Those that come by the device of the first, as one batch. */
  | { readonly kind: 'send'; readonly packets: readonly Sent[] }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'configure'; readonly services: readonly Service[] }
  | { readonly kind: 'take over' };

const flags = fc.constantFrom('S', 'S', 'S', 'A', 'A', 'SA', 'FA', 'R', 'RA', '', 'SF', 'F');
const off = fc.constantFrom(false, false, false, true);
const packet: fc.Arbitrary<Sent> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('client' as const),
      client: fc.nat(2),
      port: fc.constantFrom(1, 2, 3),
      to: fc.constantFrom(80, 80, 80, 81, 53, 69, 443, 443, 1000, 1001, 90, 7),
      flags: fc.constantFrom('S', 'S', 'S', 'S', 'A', 'SA', 'R', ''),
      off,
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('again' as const), flow: fc.nat(5), side: fc.constantFrom('client', 'server'), flags, off }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('server' as const),
      server: fc.integer({ min: 1, max: 3 }),
      port: fc.constantFrom(8080, 5353, 6969, 4430, 1000, 9090, 12_345),
      client: fc.nat(2),
      protocol: fc.constantFrom('tcp', 'udp'),
    }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 15, arbitrary: packet.map((one): Step => ({ kind: 'send', packets: [one] })) },
  { weight: 5, arbitrary: fc.array(packet, { minLength: 2, maxLength: 6 }).map((packets): Step => ({ kind: 'send', packets })) },
  { weight: 2, arbitrary: fc.constantFrom(1, 9, 51, 61, 121, 301, 901).map((seconds): Step => ({ kind: 'wait', seconds })) },
  { weight: 2, arbitrary: configuration.map((services): Step => ({ kind: 'configure', services })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'take over' }) },
);

const history = fc.record({
  capacity: fc.constantFrom(4096, 4096, 3, 5),
  first: configuration,
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
});

// ---- the two side by side

class Pair {
  readonly model: Model;
  readonly router: MemoryRouter;

  constructor(capacity: number) {
    this.model = new Model(capacity);
    this.router = guideRouter(capacity, true);
  }

  perform(step: Step): void {
    if (step.kind === 'send') this.send(step.packets.flatMap((sent) => this.packetOf(sent)));
    else if (step.kind === 'wait')
      agree(lines(this.router.advance(step.seconds * 1000)), this.model.advance(step.seconds * 1000).map(line));
    else if (step.kind === 'configure') this.configure(step.services);
    else this.takeOver();
  }

  configure(services: readonly Service[]): void {
    const snapshot: Omit<Snapshot, 'held' | 'graceMs'> = snapshotOf(services);
    agree(lines(this.router.configure(snapshot)), this.model.configure(snapshot).map(line));
  }

  private takeOver(): void {
    this.router.takeOver();
    this.model.takeOver();
  }

  /** None when there is no such flow. */
  private packetOf(sent: Sent): Packet[] {
    if (sent.kind === 'client') {
      const { client, port, to, flags, off } = sent;
      const protocol = to === 53 || to === 69 ? 'udp' : 'tcp';
      return [packetOf(protocol, { address: CLIENTS[client]!, port }, { address: VIRTUAL, port: to }, flags, off ? 3_000_000_000 : 1000)];
    }
    if (sent.kind === 'server') {
      const { server, port, client, protocol } = sent;
      return [packetOf(protocol, { address: `10.11.12.${server}`, port }, { address: CLIENTS[client]!, port: 9 }, 'A', 1)];
    }
    const flow = this.model.table.flows[sent.flow];
    if (flow === undefined) return [];
    const [from, to] = sent.side === 'client' ? [flow.client, flow.virtual] : [flow.server, flow.client];
    const expected = (sent.side === 'client' ? flow.serverExpects : flow.clientExpects) ?? 5000;
    return [packetOf(flow.protocol, from, to, sent.flags, sent.off ? (expected + 2_000_000_000) % 2 ** 32 : expected)];
  }

  private send(wanted: readonly Packet[]): void {
    if (wanted.length === 0) return;
    const device = deviceOf(wanted[0]!);
    const packets = wanted.filter((one) => deviceOf(one) === device);
    const { verdicts, out } = this.router.send(
      device,
      packets.map((one) => build(line(one), MACS[device]!)),
    );
    // Frames leave a device in the order in which they came.
    const servers = out.filter((one) => one.device === 1).map(({ frame }) => targetOf(frame));
    const chosen = verdicts.map((verdict) => (verdict === 'forwarded' ? servers.shift() : undefined));
    const left = new Set(this.flowsOfRouter().map(withoutState));
    const outcomes = this.model.receive(packets, chosen, (flow) => left.has(withoutState(lineOf(flow, this.model.now))));
    assert.deepEqual(
      verdicts,
      outcomes.map(({ verdict }) => verdict),
    );
    agree(
      lines(out),
      outcomes.flatMap(({ sent }) => (sent === undefined ? [] : [line(sent)])),
    );
  }

  compare(): void {
    assert.deepEqual(this.flowsOfRouter().sort(), this.flowsOfModel().sort());
    const counts = this.router.stats().services.flatMap(({ name, destinations }) =>
      destinations.map(({ address, port, active, inactive, persistent }) => ({
        service: name,
        id: `${address}:${port}`,
        active,
        inactive,
        persistent,
      })),
    );
    const byName = (a: { service: string; id: string }, b: { service: string; id: string }) =>
      a.service + a.id < b.service + b.id ? -1 : 1;
    assert.deepEqual(counts.sort(byName), this.model.counts().sort(byName));
  }

  private flowsOfRouter(): string[] {
    return this.router.flows().map(({ name, template, protocol, state, expiresInMs, client, service, destination }) => {
      const ms = Math.round(expiresInMs);
      return template
        ? `${name} template ${destination.address} ${ms}`
        : `${name} ${protocol} ${state} ${ms} ${idOf(client)} ${idOf(service)} ${idOf(destination)}`;
    });
  }

  private flowsOfModel(): string[] {
    const { now, table } = this.model;
    const { flows, templates } = table;
    return [
      ...templates.map(({ service, home, expiresAt }) => `${service} template ${home.destination.address} ${expiresAt - now}`),
      ...flows.map((flow) => lineOf(flow, now)),
    ];
  }
}

function agree(router: readonly string[], model: readonly string[]): void {
  assert.deepEqual([...router].sort(), [...model].sort());
}

function lineOf({ service, protocol, state, expiresAt, client, virtual, server }: Flow, now: number): string {
  return `${service} ${protocol} ${state} ${expiresAt - now} ${idOf(client)} ${idOf(virtual)} ${idOf(server)}`;
}

/** Of a line about a flow, what does not change while it lives. */
function withoutState(line: string): string {
  const [service, protocol, , , ...ends] = line.split(' ');
  return [service, protocol, ...ends].join(' ');
}

function deviceOf({ from }: Packet): 0 | 1 {
  return from.address.startsWith('10.') ? 1 : 0;
}

function packetOf(protocol: 'tcp' | 'udp', from: Endpoint, to: Endpoint, flags: string, seq: number): Packet {
  return protocol === 'udp'
    ? { protocol, from, to, flags: '', seq: 0, ack: 0 }
    : { protocol, from, to, flags, seq, ack: flags.includes('A') ? 7000 : 0 };
}

const idOf = ({ address, port }: Endpoint) => `${address}:${port}`;

/** As notation has it, without the TTL. */
function line(packet: Packet | Unreachable): string {
  if (packet.protocol === 'icmp')
    return `${packet.about.to.address} > ${packet.about.from.address} icmp 3/3 about ( ${line(packet.about)} )`;
  const { protocol, from, to, flags, seq, ack } = packet;
  const tcp = ` ${flags === '' ? 'none' : inOrder(flags)}${seq > 0 ? ` seq ${seq}` : ''}${ack > 0 ? ` ack ${ack}` : ''}`;
  return `${idOf(from)} > ${idOf(to)} ${protocol}${protocol === 'tcp' ? tcp : ''}`;
}

const inOrder = (flags: string) => [...'FSRPAU'].filter((letter) => flags.includes(letter)).join('');

function lines(frames: readonly SentFrame[]): string[] {
  return frames.map(({ frame, partialChecksum }) => show(frame, partialChecksum).replace(/ ttl \d+( df)?/g, ''));
}

function targetOf(frame: Buffer): Endpoint {
  const [, address, port] = / > ([\d.]+):(\d+) /.exec(show(frame))!;
  return { address: address!, port: Number(port) };
}

const RUNS = {
  numRuns: Number(process.env.COUNT ?? 200),
  seed: Number(process.env.SEED ?? 1),
  includeErrorInReport: true,
};

describe('the model', () => {
  test('a random history has the same verdicts, packets, flows and counts in natlb', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ capacity, first, steps }) => {
        await turn(); // the router before this one is given back
        const pair = new Pair(capacity);
        pair.configure(first);
        for (const step of steps) {
          pair.perform(step);
          pair.compare();
        }
      }),
      RUNS,
    );
  });

  test('knows every scheduler', () => {
    assert.deepEqual(
      schedulers.filter((name) => !(name in SCHEDULERS)),
      [],
    );
  });
});
