// Which interfaces the data plane takes where the configuration does not say.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HostInterface } from '../../control/config/host-check.js';
import { DataplaneInterfaces } from '../../control/config/interfaces.js';
import { atOnce } from '../../control/slices.js';
import { config, realServer, virtualServer } from '../health/models.js';

function onHost(...all: readonly (readonly [name: string, address: string, prefixLength: number])[]): { interfaces: HostInterface[] } {
  return { interfaces: all.map(([name, address, prefixLength]) => ({ name, addresses: [{ address, prefixLength }] })) };
}

/** Its listener is 203.0.113.10. */
function towards(...addresses: readonly string[]) {
  return virtualServer({ realServers: addresses.map((address) => realServer({ address })) });
}

describe('the interface towards', () => {
  const host = onHost(['eth0', '203.0.113.9', 24], ['eth1', '10.0.0.9', 8], ['eth2', '10.1.2.3', 32], ['eth3', 'fd00::9', 64]);
  const rows: readonly (readonly [what: string, servers: readonly string[], interfaces: readonly string[]])[] = [
    ['a service is that of its subnet', [], ['eth0']],
    ['a server is that of its subnet', ['10.1.2.3'], ['eth0', 'eth1']],
    ['an IPv6 server likewise', ['fd00::1:2', '10.1.2.3'], ['eth0', 'eth3', 'eth1']],
    ['what is in no subnet is none', ['192.0.2.1', 'fd01::1'], ['eth0']],
  ];
  for (const [what, servers, expected] of rows)
    test(what, () => assert.deepEqual(atOnce(new DataplaneInterfaces().of(config([towards(...servers)]), host)), expected));
});

test('what was found for a service is forgotten when the addresses of the host are others', () => {
  const [interfaces, all] = [new DataplaneInterfaces(), config([towards('10.1.2.3')])];
  const found = (name: string) => atOnce(interfaces.of(all, onHost(['eth0', '203.0.113.9', 24], [name, '10.0.0.9', 8])));
  assert.deepEqual(
    [found('eth1'), found('eth1'), found('eth7')],
    [
      ['eth0', 'eth1'],
      ['eth0', 'eth1'],
      ['eth0', 'eth7'],
    ],
  );
});
