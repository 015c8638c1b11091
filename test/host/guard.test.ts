// The guard with real packets: a client, a router that forwards, a server; and the rules as text.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type GuardedService, guardRules } from '../../control/host/guard.js';
import type { Protocol } from '../../dataplane/protocol.js';
import { cable, Namespace, SKIP } from './namespaces.js';

function listener(address: string, protocol: Protocol, firstPort: number, lastPort = firstPort) {
  return { address, protocol, firstPort, lastPort };
}

const SERVICES: readonly GuardedService[] = [
  { listeners: [listener('192.0.2.10', 'tcp', 80)], realServers: [{ address: '198.51.100.1', port: 8080 }] },
  { listeners: [listener('192.0.2.10', 'udp', 53)], realServers: [{ address: '198.51.100.1', port: 5353 }] },
  { listeners: [listener('2001:db8:1::10', 'tcp', 80)], realServers: [], sorryServer: { address: '2001:db8:2::1', port: 8080 } },
  { listeners: [listener('2001:db8:1::10', 'udp', 53)], realServers: [{ address: '2001:db8:2::1', port: 5353 }] },
];
const FAMILIES = [
  { family: 'IPv4', vip: '192.0.2.10', server: '198.51.100.1', other: '192.0.2.1' },
  { family: 'IPv6', vip: '2001:db8:1::10', server: '2001:db8:2::1', other: '2001:db8:1::1' },
];

describe('guard rules', () => {
  test('an instance with no_accept, and one with a virtual MAC, have chains of their own; others have none', () => {
    const plain = { addresses: [], excludedAddresses: [], priority: 100 };
    assert.equal(guardRules(SERVICES, [plain]), guardRules(SERVICES));
    const place = { file: '', line: 1, column: 1 };
    const addresses = [
      { address: '192.0.2.10', family: 4, prefixLength: 32, place },
      { address: '2001:db8::10', family: 6, prefixLength: 128, place },
    ] as const;
    const virtualMacs = [{ name: 'vrrp.5', base: 'eth0', mac: '00:00:5e:00:01:05', family: 4 }] as const;
    assert.equal(guardRules(SERVICES, [{ ...plain, addresses, noAccept: true, priority: 255 }]), guardRules(SERVICES));
    const text = guardRules([], [{ ...plain, addresses, noAccept: true, virtualMacs }]);
    assert.match(text, /chain accepted \{\n.*hook input[^}]*ip daddr \{ 192\.0\.2\.10 \}/);
    assert.match(text, /chain said \{\n.*hook output[^}]*oifname \{ "vrrp\.5" \} ip protocol igmp drop/);
  });

  test('what several services share stands once', () => {
    const twice = guardRules([...SERVICES, ...SERVICES]);
    assert.equal(twice, guardRules(SERVICES));
    assert.equal(twice.match(/elements = \{ 198\.51\.100\.1 \}/g)?.length, 1);
  });

  /** The elements of a set. */
  function elements(set: string, ...services: GuardedService[]): string | undefined {
    return new RegExp(`set ${set} \\{\n[^}]*?elements = \\{ (.*) \\}\n`).exec(guardRules(services))?.[1];
  }

  test('listeners that overlap become one interval, and others stay apart', () => {
    const all = { listeners: [listener('192.0.2.10', 'tcp', 8000, 8999), listener('192.0.2.10', 'udp', 80)], realServers: [] };
    const some = { listeners: [listener('192.0.2.10', 'tcp', 8443), listener('192.0.2.10', 'tcp', 8999, 9001)], realServers: [] };
    assert.equal(elements('services4', all, some), '192.0.2.10 . tcp . 8000-9001, 192.0.2.10 . udp . 80');
  });

  test('a destination without a port listens where the service does, and what it sends from a range may be its own', () => {
    const realServers = [{ address: '198.51.100.1', port: 0 }];
    const listeners = [
      listener('192.0.2.10', 'tcp', 21),
      listener('192.0.2.10', 'tcp', 10_000, 20_000),
      listener('192.0.2.10', 'sctp', 5060),
    ];
    const service = { listeners, realServers };
    assert.equal(elements('destinations4', service), '198.51.100.1 . tcp . 21, 198.51.100.1 . sctp . 5060');
    assert.equal(elements('destination_addresses4', service), '198.51.100.1');
  });

  test('without services the table is there, and empty', () => {
    assert.doesNotMatch(guardRules([]), /elements/);
    assert.match(guardRules([]), /^add table inet natlb\ndelete table inet natlb\ntable inet natlb \{/);
  });
});

describe('guard', { skip: SKIP }, () => {
  let client: Namespace;
  let router: Namespace;
  let server: Namespace;

  before(async () => {
    client = new Namespace('client');
    router = new Namespace('router');
    server = new Namespace('server');
    cable(client, 'eth0', ['192.0.2.1/24', '2001:db8:1::1/64'], router, 'eth0', [
      '192.0.2.254/24',
      '2001:db8:1::fe/64',
      '192.0.2.10/32',
      '2001:db8:1::10/128',
    ]);
    cable(router, 'eth1', ['198.51.100.254/24', '2001:db8:2::fe/64'], server, 'eth0', ['198.51.100.1/24', '2001:db8:2::1/64']);
    for (const [host, gateways] of [
      [client, ['192.0.2.254', '2001:db8:1::fe']],
      [server, ['198.51.100.254', '2001:db8:2::fe']],
    ] as const) {
      for (const gateway of gateways) host.ip(`route add default via ${gateway}`);
    }
    const unlimited = 'net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0';
    router.ip(`netns exec ${router.name} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 ${unlimited}`);
    server.ip(`netns exec ${server.name} sysctl -qw ${unlimited}`);
    await server.do('serve', [8080, 8081], [5353, 5354]);
  });

  after(async () => {
    for (const namespace of [client, router, server]) await namespace?.remove();
  });

  async function outcomes(vip: string, address: string) {
    return {
      service: await client.do('connectTo', vip, 80),
      otherPortOfService: await client.do('connectTo', vip, 81),
      otherProtocolOfService: await client.do('ask', vip, 80),
      udpService: await client.do('ask', vip, 53),
      destination: await client.do('connectTo', address, 8080),
      otherPortOfDestination: await client.do('connectTo', address, 8081),
      udpDestination: await client.do('ask', address, 5353),
      otherUdpPort: await client.do('ask', address, 5354),
      errorOfDestination: await client.do('ask', address, 9999),
      healthCheck: await router.do('connectTo', address, 8080),
      errorToHealthCheck: await router.do('ask', address, 9999),
      serviceFromRouterItself: await router.do('connectTo', vip, 80),
    };
  }

  /** What a server sends of its own accord is forwarded, unless nobody could tell it from an answer. */
  function pings(from: Namespace, to: string, bytes: number): boolean {
    try {
      from.ip(`netns exec ${from.name} ping -c 1 -W 1 -s ${bytes} ${to}`);
      return true;
    } catch {
      return false;
    }
  }

  for (const { family, vip, server: address, other } of FAMILIES) {
    test(`${family}: without it the kernel answers for services and forwards for destinations`, async () => {
      assert.deepEqual(await outcomes(vip, address), {
        service: 'refused',
        otherPortOfService: 'refused',
        otherProtocolOfService: 'refused',
        udpService: 'refused',
        destination: 'answered',
        otherPortOfDestination: 'answered',
        udpDestination: 'answered',
        otherUdpPort: 'answered',
        errorOfDestination: 'refused',
        healthCheck: 'answered',
        errorToHealthCheck: 'refused',
        serviceFromRouterItself: 'refused',
      });
      assert.deepEqual({ whole: pings(server, other, 100), inFragments: pings(server, other, 3000) }, { whole: true, inFragments: true });
    });

    test(`${family}: it keeps the kernel silent about what is the data plane's, and about nothing else`, async () => {
      await router.do('guard', SERVICES);
      assert.deepEqual(await outcomes(vip, address), {
        service: 'silent',
        otherPortOfService: 'refused',
        otherProtocolOfService: 'refused',
        udpService: 'silent',
        destination: 'silent',
        otherPortOfDestination: 'answered',
        udpDestination: 'silent',
        otherUdpPort: 'answered',
        errorOfDestination: 'silent',
        healthCheck: 'answered',
        errorToHealthCheck: 'refused',
        serviceFromRouterItself: 'refused',
      });
      for (const host of [vip, address]) client.ip(`netns exec ${client.name} ping -c 1 -W 2 ${host}`);
      assert.deepEqual({ whole: pings(server, other, 100), inFragments: pings(server, other, 3000) }, { whole: true, inFragments: false });
      await router.do('unguard');
      assert.equal(await client.do('connectTo', vip, 80), 'refused');
    });
  }

  test('a range of ports is silent as a whole, and its servers still send what is their own', async () => {
    const ranges = [
      listener('192.0.2.10', 'tcp', 8000, 8080),
      listener('192.0.2.10', 'tcp', 8050, 8090),
      listener('192.0.2.10', 'sctp', 0, 65_535),
    ];
    await router.do('guard', [{ listeners: ranges, realServers: [{ address: '198.51.100.1', port: 0 }] }]);
    for (const port of [8000, 8060, 8090]) assert.equal(await client.do('connectTo', '192.0.2.10', port), 'silent', `port ${port}`);
    for (const port of [7999, 8091]) assert.equal(await client.do('connectTo', '192.0.2.10', port), 'refused', `port ${port}`);
    assert.equal(await client.do('connectTo', '198.51.100.1', 8081), 'answered', 'the server, on a port of the range');
    await router.do('unguard');
  });

  test('a router that does not hold the service address lets its traffic be', async () => {
    await router.do('guard', [{ listeners: [listener('192.0.2.10', 'tcp', 8081)], realServers: [] }]);
    assert.equal(await client.do('connectTo', '192.0.2.10', 8081), 'silent');
    router.ip('addr del 192.0.2.10/32 dev eth0');
    server.ip('addr add 192.0.2.10/32 dev lo');
    router.ip('route add 192.0.2.10/32 via 198.51.100.1');
    assert.equal(await client.do('connectTo', '192.0.2.10', 8081), 'answered');
    await router.do('unguard');
  });

  test('removing a guard that is not there is no error', async () => {
    await router.do('unguard');
    await router.do('unguard');
  });
});
