// `unicast_peer`, `mcast_dst_ip`, `garp_extra_if`, `old_unicast_checksum`: where adverts and announcements go.

import type { InstanceDraft, VrrpDraft } from '../draft.js';
import type { Arguments } from '../keyword.js';
import type { UnicastPeer } from '../model.js';
import { isMulticast } from '../multicast.js';

const DAY = 86_400;

/** `ADDRESS [min_ttl N] [max_ttl N]` */
export function unicastPeer(line: Arguments): UnicastPeer {
  const { text: address, family } = line.address();
  const place = line.valuePlace;
  const range = { min_ttl: 0, max_ttl: 255 };
  const given = line.more();
  while (line.more()) {
    const name = line.oneOf(TTLS);
    range[name] = line.integer(0, 255);
  }
  if (range.min_ttl > range.max_ttl) line.error(`no TTL is at least ${range.min_ttl} and at most ${range.max_ttl}`);
  return { address, family, minTtl: range.min_ttl, maxTtl: range.max_ttl, rangeGiven: given, place };
}

const TTLS: ReadonlyMap<string, 'min_ttl' | 'max_ttl'> = new Map([
  ['min_ttl', 'min_ttl'],
  ['max_ttl', 'max_ttl'],
]);

/** IPv6: of the link alone, as adverts are. */
export function multicastGroup(arg: Arguments, family?: 4 | 6): NonNullable<InstanceDraft['multicastGroup']> {
  const group = arg.address();
  const wanted = family === undefined ? '' : `IPv${family} `;
  if ((family !== undefined && group.family !== family) || !isMulticast(group.text))
    return arg.refuse(`expected an ${wanted}multicast address, found '${group.text}'`);
  if (group.family === 6 && !/^ff.2:/i.test(group.text))
    return arg.refuse(`expected a multicast address of the link (ff02::…), found '${group.text}'`);
  return { address: group.text, family: group.family };
}

/** `[all] SECONDS`; 0: not at all. */
export function extraInterfaces(arg: Arguments): NonNullable<VrrpDraft['garpExtraInterfaces']> {
  const first = arg.word('[all] SECONDS');
  if (first !== 'all') return { all: false, intervalMs: arg.toInteger(first, 0, DAY) * 1000 };
  return { all: true, intervalMs: arg.integer(0, DAY) * 1000 };
}

export function oldUnicastChecksum(arg: Arguments): NonNullable<InstanceDraft['oldUnicastChecksum']> {
  if (!arg.more()) return 'always';
  const word = arg.word('never');
  return word === 'never' ? 'never' : arg.refuse(`expected 'never' or nothing, found '${word}'`);
}

/** `[HIGHEST-PRIORITY-OF-THE-OTHERS]` */
export function timerExpiredBackup(arg: Arguments): number {
  return arg.more() ? arg.integer(1, 254) : 254;
}
