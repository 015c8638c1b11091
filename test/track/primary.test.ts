// dont_track_primary: an instance whose own interface goes down stays what it is, as long as it could still speak.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VrrpInstance } from '../../control/config/model.js';
import type { HostInterface } from '../../control/vrrp/host.js';
import { linkFault } from '../../control/vrrp/links.js';
import { vrrpInstance } from '../vrrp/instance.js';

const OWN = { address: '10.0.0.1', prefixLength: 24, family: 4, scope: 'global' } as const;

function link(up: boolean, addresses: HostInterface['addresses'] = [OWN]): HostInterface {
  return { index: 1, mac: '02:00:00:00:00:01', up, addresses };
}

const ROWS: readonly (readonly [
  name: string,
  instance: Partial<VrrpInstance>,
  link: HostInterface | undefined,
  fault: string | undefined,
])[] = [
  ['an interface that is down is a fault', {}, link(false), 'interface eth0 down'],
  ['with dont_track_primary it is none', { dontTrackPrimary: true }, link(false), undefined],
  ['one without an address is a fault all the same', { dontTrackPrimary: true }, link(false, []), 'no IPv4 address for interface eth0'],
  ['and so is one that is not there', { dontTrackPrimary: true }, undefined, 'interface eth0 does not exist'],
];

for (const [name, instance, seen, fault] of ROWS) test(name, () => assert.equal(linkFault(vrrpInstance(instance), seen, new Set()), fault));
