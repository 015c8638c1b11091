// The guide's network around a MemoryRouter, and the transcripts that are played through it.

import { MemoryRouter, type Surroundings } from '../../dataplane/addon.js';
import type { Service, Snapshot } from '../../dataplane/protocol.js';
import { build, show } from './notation.js';

const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;
const GATEWAY = '02:00:00:00:00:fe';

const SURROUNDINGS: Surroundings = {
  interfaces: [
    { mac: MACS[0], mtu: 1500, addresses: ['203.0.113.9', '203.0.113.10', '2001:db8:113::9', '2001:db8:113::10'] },
    { mac: MACS[1], mtu: 1500, addresses: ['10.11.12.9', '10.11.12.10', 'fd00:11:12::9', 'fd00:11:12::10'] },
  ],
  routes: [
    { prefix: '203.0.113.0', length: 24, interface: 0 },
    { prefix: '10.11.12.0', length: 24, interface: 1 },
    { prefix: '198.18.0.0', length: 15, interface: 1, gateway: '10.11.12.77' },
    { prefix: '0.0.0.0', length: 0, interface: 0, gateway: '203.0.113.254' },
    { prefix: '2001:db8:113::', length: 64, interface: 0 },
    { prefix: 'fd00:11:12::', length: 64, interface: 1 },
    { prefix: '2000::', length: 3, interface: 0, gateway: '2001:db8:113::fe' },
  ],
  neighbours: [
    { address: '203.0.113.254', interface: 0, mac: GATEWAY },
    { address: '2001:db8:113::fe', interface: 0, mac: GATEWAY },
    ...[1, 2, 3].flatMap((host) => [
      { address: `10.11.12.${host}`, interface: 1, mac: `02:00:00:00:01:0${host}` },
      { address: `fd00:11:12::${host}`, interface: 1, mac: `02:00:00:00:01:0${host}` },
    ]),
  ],
};

function service(
  address: string,
  port: number,
  protocol: 'tcp' | 'udp',
  to: number,
  weights: readonly number[],
  scheduler = 'rr',
): Service {
  const network = address.includes(':') ? 'fd00:11:12::' : '10.11.12.';
  const destinations = weights.map((weight, at) => ({ address: `${network}${at + 1}`, port: to, weight }));
  return { address, port, protocol, scheduler, destinations };
}

const SERVICES: readonly Service[] = [
  service('203.0.113.10', 80, 'tcp', 8080, [1, 1, 1]),
  service('203.0.113.10', 53, 'udp', 5353, [1, 1]),
  service('203.0.113.10', 443, 'tcp', 443, [3, 2, 1], 'wrr'),
  service('203.0.113.10', 81, 'tcp', 8080, []),
  service('203.0.113.10', 82, 'udp', 8080, [0, 0]),
  service('203.0.113.10', 83, 'tcp', 8080, [1]),
  service('203.0.113.11', 80, 'tcp', 8080, [1]),
  service('2001:db8:113::10', 80, 'tcp', 8080, [1, 1]),
  service('2001:db8:113::10', 53, 'udp', 5353, [1]),
  service('2001:db8:113::10', 82, 'udp', 8080, [0]),
];

const TIMEOUTS: Snapshot['timeouts'] = { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 };

/** One line of a transcript that does something; its effects follow it. */
type Command = (world: World, rest: string) => readonly string[];

interface World {
  readonly router: MemoryRouter;
  surroundings: Surroundings;
  services: readonly Service[];
}

const COMMANDS: Readonly<Record<string, Command>> = {
  /** in ethN PACKET [+ PACKET …] [offload: unknown | partial | gso SIZE] */
  in: (world, rest) => {
    const [, name, text] = /^eth(\d) (.*)$/.exec(rest)!;
    const device = Number(name);
    const [packets, offload] = text!.split(' offload ');
    const frames = packets!.split(/\s+\+\s+/).map((packet) => build(packet, MACS[device]!));
    const { verdicts, out } = world.router.send(device, frames, offloadOf(offload, frames[0]!));
    const sent = out.map((one) => {
      const size = one.gsoSize > 0 ? ` gso ${one.gsoSize}` : '';
      return `    out eth${one.device} ${show(one.frame, one.partialChecksum)}${size}`;
    });
    return [`    ${verdicts.join(' ')}`, ...sent];
  },
  /** wait SECONDS */
  wait: ({ router }, rest) => {
    router.advance(Number(rest) * 1000);
    return [];
  },
  flows: ({ router }) =>
    router
      .flows()
      .map(
        ({ protocol, state, expiresInMs, client, service: { port }, destination }) =>
          `    ${protocol} ${state} ${expiresInMs / 1000} ${client.address}:${client.port} :${port} ${destination.address}:${destination.port}`,
      )
      .sort(),
  /** counts PORT: of that IPv4 service, connections active inactive for each destination */
  counts: ({ router }, rest) => {
    const found = router.stats().services.find(({ address, port }) => address === '203.0.113.10' && port === Number(rest));
    return (found?.destinations ?? []).map(
      (one) =>
        `    ${one.address} connections ${one.connections} active ${one.active} inactive ${one.inactive} in ${one.packetsIn}/${one.bytesIn} out ${one.packetsOut}/${one.bytesOut}`,
    );
  },
  /** forget ADDRESS: its neighbour entry */
  forget: (world, rest) =>
    reroute(world, { ...world.surroundings, neighbours: world.surroundings.neighbours.filter(({ address }) => address !== rest) }),
  /** unroute PREFIX */
  unroute: (world, rest) =>
    reroute(world, { ...world.surroundings, routes: world.surroundings.routes.filter(({ prefix }) => prefix !== rest) }),
  /** mtu ethN BYTES */
  mtu: (world, rest) => {
    const [name, bytes] = rest.split(' ');
    const interfaces = world.surroundings.interfaces.map((one, at) => (`eth${at}` === name ? { ...one, mtu: Number(bytes) } : one));
    return reroute(world, { ...world.surroundings, interfaces });
  },
  /** release ADDRESS: it is no longer the host's */
  release: (world, rest) => {
    const interfaces = world.surroundings.interfaces.map((one) => ({
      ...one,
      addresses: one.addresses.filter((address) => address !== rest),
    }));
    return reroute(world, { ...world.surroundings, interfaces });
  },
  /** room ethN FRAMES: what its transmit ring takes */
  room: ({ router }, rest) => {
    router.transmitRoom(Number(rest[3]), Number(rest.split(' ')[1]));
    return [];
  },
  /** weights PORT W [W …] of the destinations of an IPv4 TCP service; fewer weights, fewer destinations */
  weights: (world, rest) => {
    const [port, ...weights] = rest.split(' ').map(Number);
    const to = port === 443 ? 443 : 8080;
    const before = world.services.find((one) => one.address === '203.0.113.10' && one.port === port)!;
    const after = service('203.0.113.10', port!, before.protocol, to, weights, before.scheduler);
    world.services = world.services.map((one) => (one === before ? after : one));
    configure(world);
    return [];
  },
};

function offloadOf(text: string | undefined, frame: Buffer) {
  const start = 14 + (frame[12] === 0x08 ? (frame[14]! & 15) * 4 : 40);
  const udp = frame[start - (frame[12] === 0x08 ? 11 : 34)] === 17;
  const partial = { checksumStart: start, checksumOffset: udp ? 6 : 16 };
  if (text === undefined) return undefined;
  if (text === 'unknown') return { unknown: true as const };
  return text.startsWith('gso') ? { ...partial, gsoSize: Number(text.slice(4)) } : partial;
}

function reroute(world: World, surroundings: Surroundings): readonly string[] {
  world.surroundings = surroundings;
  world.router.route(surroundings);
  return [];
}

function configure({ router, services }: World): void {
  router.configure({ generation: 1, services, timeouts: TIMEOUTS });
}

/** Plays the commands of a transcript; indented lines are effects and come out as they really are. */
export function play(transcript: string): string {
  const lines = transcript.split('\n').filter((line) => line.trim() !== '');
  const settings = lines.filter((line) => line.startsWith('with '));
  const maxFlows = Number(/with max_flows (\d+)/.exec(settings.join('\n'))?.[1] ?? 1024);
  const takesOffload = !settings.includes('with af_xdp');
  const world: World = {
    router: new MemoryRouter({ ...SURROUNDINGS, maxFlows, takesOffload }),
    surroundings: SURROUNDINGS,
    services: SERVICES,
  };
  configure(world);
  return lines
    .filter((line) => !line.startsWith('    '))
    .flatMap((line) => {
      const [, command, rest] = /^(\S+)\s*(.*)$/.exec(line)!;
      return line.startsWith('#') || command === 'with' ? [line] : [line, ...COMMANDS[command!]!(world, rest!)];
    })
    .join('\n');
}
