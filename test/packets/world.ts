// The guide's network around a MemoryRouter, and the transcripts that are played through it.

import { MemoryRouter, type SentFrame, type Surroundings } from '../../dataplane/addon.js';
import type { Protocol, SchedulerFlag, Service, Snapshot } from '../../dataplane/protocol.js';
import { addressText } from './bytes.js';
import { build, OTHER_MAC, show } from './notation.js';
import { Reassembly } from './reassemble.js';

export const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', '02:00:00:00:00:04'] as const;
const GATEWAY = '02:00:00:00:00:fe';

const SURROUNDINGS: Surroundings = {
  interfaces: [
    { mac: MACS[0], mtu: 1500, addresses: ['203.0.113.9', '203.0.113.10', '2001:db8:113::9', '2001:db8:113::10'] },
    { mac: MACS[1], mtu: 1500, addresses: ['10.11.12.9', '10.11.12.10', 'fd00:11:12::9', 'fd00:11:12::10'] },
    // A second uplink and a second network of servers, for transcripts that lead something there.
    { mac: MACS[2], mtu: 1500, addresses: ['192.0.2.9'] },
    { mac: MACS[3], mtu: 1500, addresses: ['10.11.13.9'] },
  ],
  routes: [
    { prefix: '203.0.113.0', length: 24, interface: 0 },
    { prefix: '10.11.12.0', length: 24, interface: 1 },
    { prefix: '192.0.2.0', length: 24, interface: 2 },
    { prefix: '10.11.13.0', length: 24, interface: 3 },
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

function service(address: string, port: number, protocol: Protocol, to: number, weights: readonly number[], scheduler = 'rr'): Service {
  const network = address.includes(':') ? 'fd00:11:12::' : '10.11.12.';
  return {
    ...PLAIN,
    name: `[${address}]:${protocol}:${port}`,
    identity: { kind: 'address', protocol, address, port },
    listeners: [{ address, protocol, firstPort: port, lastPort: port }],
    scheduler,
    destinations: weights.map((weight, at) => ({ address: `${network}${at + 1}`, port: to, weight })),
  };
}

/** What a service is that says nothing about it. */
const PLAIN: Omit<Service, 'name' | 'identity' | 'listeners' | 'scheduler' | 'destinations'> = {
  schedulerFlags: [],
  onePacket: false,
  timeouts: {},
  noDestination: 'default',
  resets: true,
  sloppy: 'never',
};

export const SERVICES: readonly Service[] = [
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

/** IPVS's timeouts, and no limits. */
export function snapshotOf(services: readonly Service[]): Omit<Snapshot, 'held' | 'graceMs'> {
  return { generation: 1, services, timeouts: {}, takeoverMs: 3000, halfOpen: { service: 0, source: 0 } };
}

/** One line of a transcript that does something; its effects follow it. */
type Command = (world: World, rest: string) => readonly string[];

interface World {
  readonly router: MemoryRouter;
  readonly reassembly: Reassembly;
  surroundings: Surroundings;
  services: readonly Service[];
  halfOpen: Snapshot['halfOpen'];
}

const COMMANDS: Readonly<Record<string, Command>> = {
  /** in ethN [vlan N,…] [K x] PACKET [+ PACKET …] [offload unknown | partial | gso SIZE]: one batch; verdicts of fragments that waited come last */
  in: (world, rest) => {
    const [, name, vlans, times, text] = /^eth(\d) (?:vlan (\S+) )?(?:(\d+) x )?(.*)$/.exec(rest)!;
    const device = Number(name);
    const [packets, offload] = text!.split(' offload ');
    const frames = packets!.split(/\s+\+\s+/).map((packet) => build(packet, MACS[device]!));
    const batch = Array.from({ length: Number(times ?? 1) }, () => frames.map((frame) => tag(frame, vlans))).flat();
    const { verdicts, out } = world.router.send(device, batch, offloadOf(offload, frames[0]!, vlanTags(vlans).length));
    return [`    ${repeated(verdicts).join(' ')}`, ...sent(world, out)];
  },
  /** flood ethN TIMES PACKET: so many times, with identifications from 1 on; says the verdicts */
  flood: ({ router }, rest) => {
    const [, name, times, packet] = /^eth(\d) (\d+) (.*)$/.exec(rest)!;
    const frames = Array.from({ length: Number(times) }, (_, at) => build(`${packet} id ${at + 1}`, MACS[Number(name)]!));
    return verdictsOf(router, Number(name), frames);
  },
  /** pieces ethN SIZE PACKET: in fragments of so many bytes, one after the other; says the verdicts */
  pieces: ({ router }, rest) => {
    const [, name, size, packet] = /^eth(\d) (\d+) (.*)$/.exec(rest)!;
    const count = Math.ceil((8 + Number(/ data (\d+)/.exec(packet!)![1])) / Number(size));
    const part = (at: number) => `${at * Number(size)}-${at + 1 === count ? '' : (at + 1) * Number(size)}`;
    const frames = Array.from({ length: count }, (_, at) => build(`${packet} part ${part(at)}`, MACS[Number(name)]!));
    return verdictsOf(router, Number(name), frames);
  },
  /** vlan ethN N[,N]: its frames have these tags from now on */
  vlan: (world, rest) => {
    const [name, vlans] = rest.split(' ');
    const interfaces = world.surroundings.interfaces.map((one, at) =>
      `eth${at}` === name ? { ...one, vlans: vlans!.split(',').map(Number) } : one,
    );
    return reroute(world, { ...world.surroundings, interfaces });
  },
  /** macvlan ethN: an interface with the MAC `other` that shares the device */
  macvlan: (world, rest) => {
    const mac = [...OTHER_MAC].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    const own = { mac, mtu: 1500, addresses: [], device: Number(rest.slice(3)), macvlan: true } as const;
    return reroute(world, { ...world.surroundings, interfaces: [...world.surroundings.interfaces, own] });
  },
  /** onestick N N: eth0 and eth1 are these VLANs of one device, eth0 */
  onestick: (world, rest) => {
    const numbers = rest.split(' ').map(Number);
    const interfaces = world.surroundings.interfaces.map((one, at) =>
      at < numbers.length ? { ...one, mac: MACS[0], device: 0, vlans: [numbers[at]!] } : one,
    );
    return reroute(world, { ...world.surroundings, interfaces });
  },
  /** wait SECONDS */
  wait: (world, rest) => {
    return sent(world, world.router.advance(Number(rest) * 1000));
  },
  flows: ({ router }) =>
    router
      .flows()
      .map(
        ({ template, protocol, state, expiresInMs, client, service: { port }, destination }) =>
          `    ${template ? 'template ' : ''}${protocol} ${state} ${expiresInMs / 1000} ${client.address}:${client.port} :${port} ${destination.address}:${destination.port}`,
      )
      .sort(),
  /** counts PORT: of that IPv4 service, connections active inactive for each destination */
  counts: ({ router }, rest) => {
    const found = router.stats().services.find(({ name }) => name.startsWith('[203.0.113.10]:') && name.endsWith(`:${rest}`));
    return (found?.destinations ?? []).map(
      (one) =>
        `    ${one.address} connections ${one.connections} active ${one.active} inactive ${one.inactive} in ${one.packetsIn}/${one.bytesIn} out ${one.packetsOut}/${one.bytesOut}`,
    );
  },
  /** verdicts: how many packets had which so far */
  verdicts: ({ router }) =>
    router
      .stats()
      .verdicts.filter(({ packets }) => packets > 0)
      .map(({ verdict, packets }) => `    ${verdict} ${packets}`),
  /** entries: flows in the table */
  entries: ({ router }) => [`    ${router.stats().flows.entries} of ${router.stats().flows.capacity}`],
  /** learn ADDRESS ethN MAC: a neighbour */
  learn: (world, rest) => {
    const [address, name, mac] = rest.split(' ');
    const neighbour = { address: address!, interface: Number(name![3]), mac: mac! };
    return reroute(world, { ...world.surroundings, neighbours: [...world.surroundings.neighbours, neighbour] });
  },
  /** forget ADDRESS: its neighbour entry */
  forget: (world, rest) =>
    reroute(world, { ...world.surroundings, neighbours: world.surroundings.neighbours.filter(({ address }) => address !== rest) }),
  /** reach PREFIX/LENGTH ethN [via GATEWAY] */
  reach: (world, rest) => {
    const [, prefix, length, name, gateway] = /^(\S+)\/(\d+) eth(\d)(?: via (\S+))?$/.exec(rest)!;
    const route = { prefix: prefix!, length: Number(length), interface: Number(name), ...(gateway === undefined ? {} : { gateway }) };
    return reroute(world, { ...world.surroundings, routes: [route, ...world.surroundings.routes] });
  },
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
  /** hold ADDRESS ethN: it is the host's from now on */
  hold: (world, rest) => {
    const [address, name] = rest.split(' ');
    const interfaces = world.surroundings.interfaces.map((one, at) =>
      `eth${at}` === name ? { ...one, addresses: [...one.addresses, address!] } : one,
    );
    return reroute(world, { ...world.surroundings, interfaces });
  },
  /** room ethN FRAMES: what its transmit ring takes */
  room: ({ router }, rest) => {
    router.transmitRoom(Number(rest[3]), Number(rest.split(' ')[1]));
    return [];
  },
  /** weights PORT W [W …] of the destinations of an IPv4 service; fewer weights, fewer destinations */
  weights: (world, rest) => {
    const [port, ...weights] = rest.split(' ').map(Number);
    return changeService(world, '[203.0.113.10]', String(port), (before) => {
      const to = before.destinations[0]!.port;
      return { ...before, destinations: weights.map((weight, at) => ({ address: `10.11.12.${at + 1}`, port: to, weight })) };
    });
  },
  /** down PORT N: the N-th destination of an IPv4 service fails its checks, and is inhibited */
  down: (world, rest) => {
    const [port, which] = rest.split(' ').map(Number);
    return changeService(world, '[203.0.113.10]', String(port), (before) => ({
      ...before,
      destinations: before.destinations.map((one, at) => (at + 1 === which ? { ...one, weight: 0, down: true } : one)),
    }));
  },
  /** set [ADDRESS] PORT NAME VALUE: how a service behaves, of 203.0.113.10 if nothing else is said; SETTINGS has the names */
  set: (world, rest) => {
    const words = rest.split(' ');
    const address = /[:.]/.test(words[0]!) ? words.shift()! : '203.0.113.10';
    const [port, name, ...values] = words;
    return changeService(world, `[${address}]`, port!, (before) => ({ ...before, ...SETTINGS[name!]!(before, values) }));
  },
  /** half_open SERVICE SOURCE: how many half-open flows a service may have, and a client network with it */
  half_open: (world, rest) => {
    const [service, source] = rest.split(' ').map(Number);
    world.halfOpen = { service: service!, source: source! };
    return reconfigure(world, world.services);
  },
  /** ended: flows that the router ended by itself */
  ended: ({ router }) => {
    const { resetsSent, halfOpenShed } = router.stats().ended;
    return [`    resets sent ${resetsSent}, half-open flows shed ${halfOpenShed}`];
  },
  /** takeover: an address of a service has just come to this router */
  takeover: ({ router }) => {
    router.takeOver();
    return [];
  },
  /** remove ADDRESS PORT: the service */
  remove: (world, rest) => {
    const [address, port] = rest.split(' ');
    return reconfigure(
      world,
      world.services.filter(({ name }) => !name.startsWith(`[${address}]:`) || !name.endsWith(`:${port}`)),
    );
  },
  /** add ADDRESS PORT PROTOCOL TO-PORT W [W …]: a service */
  add: (world, rest) => {
    const [address, port, protocol, to, ...weights] = rest.split(' ');
    const added = service(address!, Number(port), protocol as Protocol, Number(to), weights.map(Number));
    return reconfigure(world, [...world.services, added]);
  },
};

/** What `set` can change. */
const SETTINGS: Readonly<Record<string, (service: Service, values: readonly string[]) => Partial<Service>>> = {
  resets: (_, [value]) => ({ resets: value === 'on' }),
  sloppy: (_, [value]) => ({ sloppy: value as Service['sloppy'] }),
  no_destination: (_, [value]) => ({ noDestination: value as Service['noDestination'] }),
  one_packet: (_, [value]) => ({ onePacket: value === 'on' }),
  /** SECONDS PREFIX-LENGTH */
  persistence: (_, [seconds, prefixLength]) => ({
    persistence: { timeoutMs: Number(seconds) * 1000, prefixLength: Number(prefixLength) },
  }),
  /** STATE SECONDS */
  timeout: ({ timeouts }, [state, seconds]) => ({ timeouts: { ...timeouts, [state!]: Number(seconds) * 1000 } }),
  /** ADDRESS PROTOCOL FIRST-PORT LAST-PORT: one more */
  listener: ({ listeners }, [address, protocol, firstPort, lastPort]) => ({
    listeners: [
      ...listeners,
      { address: address!, protocol: protocol as Protocol, firstPort: Number(firstPort), lastPort: Number(lastPort ?? firstPort) },
    ],
  }),
  /** PORT of all destinations */
  to: ({ destinations }, [port]) => ({ destinations: destinations.map((one) => ({ ...one, port: Number(port) })) }),
  /** HOST …: the destinations, of weight 1 */
  servers: ({ destinations }, hosts) => ({
    destinations: hosts.map((host) => ({ address: `10.11.12.${host}`, port: destinations[0]!.port, weight: 1 })),
  }),
  /** NAME [FLAG …] */
  scheduler: (_, [name, ...flags]) => ({ scheduler: name!, schedulerFlags: flags as SchedulerFlag[] }),
  /** UPPER LOWER of all destinations */
  thresholds: ({ destinations }, [upper, lower]) => ({
    destinations: destinations.map((one) => ({ ...one, upperThreshold: Number(upper), lowerThreshold: Number(lower) })),
  }),
  /** ftp */
  helper: (_, [value]) => ({ helper: value as 'ftp' }),
  /** MARK: it is named by a firewall mark */
  mark: (_, [mark]) => ({ identity: { kind: 'fwmark', mark: Number(mark), family: 4 } }),
};

function changeService(world: World, address: string, port: string, change: (service: Service) => Service): readonly string[] {
  const before = world.services.find(({ name }) => name.startsWith(`${address}:`) && name.endsWith(`:${port}`))!;
  return reconfigure(
    world,
    world.services.map((one) => (one === before ? change(one) : one)),
  );
}

function sent(world: World, frames: readonly SentFrame[]): readonly string[] {
  const lines = frames.flatMap((frame) => [describe(world, frame), ...together(world, frame)]);
  return repeated(lines).map((line) => `    ${line}`);
}

/** What the receiver has when the last fragment of a datagram has left. */
function together({ reassembly }: World, { device, frame }: SentFrame): readonly string[] {
  const whole = reassembly.add(frame);
  return whole === undefined ? [] : [`together eth${device} ${show(whole)}`];
}

function verdictsOf(router: MemoryRouter, device: number, frames: readonly Buffer[]): readonly string[] {
  return repeated(frames.flatMap((frame) => router.send(device, [frame]).verdicts)).map((run) => `    ${run}`);
}

/** Runs of equal lines as one. */
function repeated(lines: readonly string[]): readonly string[] {
  const starts = lines.flatMap((line, at) => (line === lines[at - 1] ? [] : [at]));
  return starts.map((at, run) => {
    const times = (starts[run + 1] ?? lines.length) - at;
    return times === 1 ? lines[at]! : `${times} x ${lines[at]}`;
  });
}

/** The link-layer addresses are told where they are not those of the gateway on eth0 and of the packet's target on eth1. */
function describe({ surroundings }: World, { device, frame: sent, partialChecksum, gsoSize }: SentFrame): string {
  const { frame, tags } = untag(sent);
  const target = addressText(frame[12] === 0x08 ? frame.subarray(30, 34) : frame.subarray(38, 54));
  const mac = (at: number) => frame.toString('hex', at, at + 6).replace(/(..)(?!$)/g, '$1:');
  const neighbour = surroundings.neighbours.find(({ address }) => address === target);
  const isPublic = device === 0 && surroundings.interfaces[neighbour?.interface ?? 0]?.device === undefined;
  const expected = isPublic ? GATEWAY : (neighbour?.mac ?? GATEWAY);
  const size = gsoSize > 0 ? ` gso ${gsoSize}` : '';
  const next = mac(0) === expected ? '' : ` to ${mac(0)}`;
  const source = mac(6) === MACS[device] ? '' : ` bad source mac ${mac(6)}`;
  return `out eth${device} ${tags}${show(frame, partialChecksum)}${size}${next}${source}`;
}

/** `vlan 100,5` in words: numbers with their protocol and priority, where those are not the usual, as `88a8:7` and `100/3`. */
function vlanTags(words: string | undefined): readonly Buffer[] {
  return (words ?? '')
    .split(',')
    .filter(Boolean)
    .map((word) => {
      const [, protocol, number, priority] = /^(?:(\w+):)?(\d+)(?:\/(\d))?$/.exec(word)!;
      const control = Number(number) | (Number(priority ?? 0) << 13);
      return Buffer.from([...Buffer.from(protocol ?? '8100', 'hex'), control >> 8, control & 255]);
    });
}

function tag(frame: Buffer, words: string | undefined): Buffer {
  return Buffer.concat([frame.subarray(0, 12), ...vlanTags(words), frame.subarray(12)]);
}

function untag(frame: Buffer): { readonly frame: Buffer; readonly tags: string } {
  const words: string[] = [];
  let at = 12;
  for (; [0x8100, 0x88a8].includes(frame.readUInt16BE(at)); at += 4) {
    const protocol = frame.readUInt16BE(at) === 0x8100 ? '' : '88a8:';
    words.push(`${protocol}${frame.readUInt16BE(at + 2)}`);
  }
  const rest = Buffer.concat([frame.subarray(0, 12), frame.subarray(at)]);
  return { frame: rest, tags: words.length === 0 ? '' : `vlan ${words.join(',')} ` };
}

export function offloadOf(text: string | undefined, frame: Buffer, tags = 0) {
  const start = 14 + (frame[12] === 0x08 ? (frame[14]! & 15) * 4 : 40);
  const protocol = frame[start - (frame[12] === 0x08 ? 11 : 34)];
  const checksumOffset = protocol === 132 ? 8 : protocol === 17 ? 6 : 16;
  const partial = { checksumStart: start + 4 * tags, checksumOffset };
  if (text === undefined) return undefined;
  if (text === 'unknown') return { unknown: true as const };
  return text.startsWith('gso') ? { ...partial, gsoSize: Number(text.slice(4)) } : partial;
}

function reroute(world: World, surroundings: Surroundings): readonly string[] {
  world.surroundings = surroundings;
  world.router.route(surroundings);
  return [];
}

function reconfigure(world: World, services: readonly Service[]): readonly string[] {
  world.services = services;
  return sent(world, world.router.configure({ ...snapshotOf(services), halfOpen: world.halfOpen }));
}

/** A router in the guide's network, with all services. */
export function guideRouter(maxFlows: number, takesOffload: boolean): MemoryRouter {
  const router = new MemoryRouter({ ...SURROUNDINGS, maxFlows, takesOffload });
  router.configure(snapshotOf(SERVICES));
  return router;
}

/** Plays the commands of a transcript; indented lines are effects and come out as they really are. */
export function play(transcript: string): string {
  const lines = transcript.split('\n').filter((line) => line.trim() !== '');
  const settings = lines.filter((line) => line.startsWith('with '));
  const maxFlows = Number(/with max_flows (\d+)/.exec(settings.join('\n'))?.[1] ?? 1024);
  const takesOffload = !settings.includes('with af_xdp');
  const world: World = {
    router: guideRouter(maxFlows, takesOffload),
    reassembly: new Reassembly(),
    surroundings: SURROUNDINGS,
    services: SERVICES,
    halfOpen: { service: 0, source: 0 },
  };
  return lines
    .filter((line) => !line.startsWith('    '))
    .flatMap((line) => {
      const [, command, rest] = /^(\S+)\s*(.*)$/.exec(line)!;
      return line.startsWith('#') || command === 'with' ? [line] : [line, ...COMMANDS[command!]!(world, rest!)];
    })
    .join('\n');
}
