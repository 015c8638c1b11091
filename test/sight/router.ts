// A router between a public and a private network, in memory, for what can be asked of it.

import { MemoryRouter } from '../../dataplane/addon.js';
import type { Protocol, Service } from '../../dataplane/protocol.js';

const INTERFACES = [
  { mac: '02:00:00:00:00:01', mtu: 1500, addresses: ['203.0.113.10', '2001:db8::10'] },
  { mac: '02:00:00:00:00:02', mtu: 1500, addresses: ['10.11.12.9', 'fd00::9'] },
];
const ROUTES = [
  { prefix: '203.0.113.0', length: 24, interface: 0 },
  { prefix: '10.11.12.0', length: 24, interface: 1 },
  { prefix: '0.0.0.0', length: 0, interface: 0, gateway: '203.0.113.254' },
  { prefix: 'fd00::', length: 64, interface: 1 },
  { prefix: '2000::', length: 3, interface: 0, gateway: '2001:db8::fe' },
];
const NEIGHBOURS = [
  { address: '203.0.113.254', interface: 0, mac: '02:00:00:00:00:fe' },
  { address: '2001:db8::fe', interface: 0, mac: '02:00:00:00:00:fe' },
  { address: '10.11.12.1', interface: 1, mac: '02:00:00:00:01:01' },
  { address: '10.11.12.2', interface: 1, mac: '02:00:00:00:01:02' },
  { address: 'fd00::1', interface: 1, mac: '02:00:00:00:01:01' },
];

export function service(name: string, weights: readonly number[], more: Partial<Service> = {}): Service {
  const [protocol, address, port] = name.split(' ') as [Protocol, string, string];
  const network = address.includes(':') ? 'fd00::' : '10.11.12.';
  return {
    name,
    identity: { kind: 'address', protocol, address, port: Number(port) },
    listeners: [{ address, protocol, firstPort: Number(port), lastPort: Number(port) }],
    scheduler: 'rr',
    schedulerFlags: [],
    onePacket: false,
    timeouts: {},
    noDestination: 'default',
    resets: true,
    sloppy: 'never',
    destinations: weights.map((weight, at) => ({ address: `${network}${at + 1}`, port: 8080, weight })),
    ...more,
  };
}

const LIMITED = [{ address: '10.11.12.1', port: 8080, weight: 1, upperThreshold: 1 }];

export const SERVICES: readonly Service[] = [
  service('tcp 203.0.113.10 80', [3, 0, 1]),
  service('tcp 203.0.113.10 443', [1, 1], { persistence: { timeoutMs: 300_000, prefixLength: 24 } }),
  service('tcp 203.0.113.10 81', []),
  service('tcp 203.0.113.10 82', [], { destinations: LIMITED }),
  service('tcp 203.0.113.11 80', [1]),
  service('udp 203.0.113.10 53', [1, 1]),
  service('sctp 203.0.113.10 9', [1]),
  service('tcp 2001:db8::10 80', [1]),
];

export function router(services = SERVICES): MemoryRouter {
  const made = new MemoryRouter({ interfaces: INTERFACES, routes: ROUTES, neighbours: NEIGHBOURS, maxFlows: 8192, takesOffload: false });
  made.configure({ generation: 1, services, timeouts: {}, takeoverMs: 0, halfOpen: { service: 0, source: 0 } });
  return made;
}

/** What `explain` would send, sent: a SYN of TCP, a datagram of UDP. */
export function connect(
  router: MemoryRouter,
  protocol: Protocol,
  client: string,
  port: number,
  service: string,
  servicePort: number,
): void {
  const packet = { protocol, client: { address: client, port }, service: { address: service, port: servicePort } };
  router.send(0, [Buffer.from(router.explain(packet).in.frame, 'hex')]);
}
