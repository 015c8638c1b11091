// The guard with real packets: a client, a router that forwards, a server; and the rules as text.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type GuardedService, guardRules } from '../../control/host/guard.js';
import { cable, Namespace, SKIP } from './namespaces.js';

const SERVICES: readonly GuardedService[] = [
  { address: '192.0.2.10', port: 80, protocol: 'tcp', realServers: [{ address: '198.51.100.1', port: 8080 }] },
  { address: '192.0.2.10', port: 53, protocol: 'udp', realServers: [{ address: '198.51.100.1', port: 5353 }] },
  { address: '2001:db8:1::10', port: 80, protocol: 'tcp', realServers: [], sorryServer: { address: '2001:db8:2::1', port: 8080 } },
  { address: '2001:db8:1::10', port: 53, protocol: 'udp', realServers: [{ address: '2001:db8:2::1', port: 5353 }] },
];
const FAMILIES = [
  { family: 'IPv4', vip: '192.0.2.10', server: '198.51.100.1', other: '192.0.2.1' },
  { family: 'IPv6', vip: '2001:db8:1::10', server: '2001:db8:2::1', other: '2001:db8:1::1' },
];

describe('guard rules', () => {
  test('what several services share stands once', () => {
    const twice = guardRules([...SERVICES, ...SERVICES]);
    assert.equal(twice, guardRules(SERVICES));
    assert.equal(twice.match(/elements = \{ 198\.51\.100\.1 \}/g)?.length, 1);
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

  test('a router that does not hold the service address lets its traffic be', async () => {
    await router.do('guard', [{ address: '192.0.2.10', port: 8081, protocol: 'tcp', realServers: [] }]);
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
