// Names of services and servers, as keepalived's log has them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, serverName } from '../../control/config/service-name.js';
import type { ServiceIdentity } from '../../dataplane/protocol.js';

const SERVER = { address: '10.11.12.1', port: 8080 };

const ROWS: readonly { readonly identity: ServiceIdentity; readonly name: string; readonly server: string }[] = [
  {
    identity: { kind: 'address', protocol: 'tcp', address: '203.0.113.10', port: 80 },
    name: '[203.0.113.10]:tcp:80',
    server: '[10.11.12.1]:tcp:8080',
  },
  {
    identity: { kind: 'address', protocol: 'sctp', address: '2001:db8::1', port: 0 },
    name: '[2001:db8::1]:sctp:0',
    server: '[10.11.12.1]:sctp:8080',
  },
  { identity: { kind: 'fwmark', mark: 80, family: 4 }, name: 'FWM 80', server: '[10.11.12.1]:none:8080' },
  { identity: { kind: 'fwmark', mark: 80, family: 6 }, name: 'FWM 80 IPv6', server: '[10.11.12.1]:none:8080' },
  { identity: { kind: 'group', group: 'web', protocol: 'udp' }, name: '[web]:udp', server: '[10.11.12.1]:udp:8080' },
];

for (const { identity, name, server } of ROWS) {
  test(`a service named ${name} has servers named ${server}`, () => {
    assert.deepEqual([nameOf(identity), serverName(identity, SERVER)], [name, server]);
  });
}
