// What a vrrp_instance inherits about adverts, elections and announcements, and what vrrp_strict makes of it.

import type { GlobalDraft, HmacDraft, InstanceDraft } from './draft.js';
import type { AdvertTarget, AuthHmac, Place, VrrpInstance } from './model.js';
import type { Report } from './report.js';

type Inherited = Announcements &
  Pick<
    VrrpInstance,
    | 'target'
    | 'sourceAddress'
    | 'trackSource'
    | 'authentication'
    | 'hmac'
    | 'preempt'
    | 'preemptDelayMs'
    | 'downTimerAdverts'
    | 'lowerPriorityNoAdvert'
    | 'higherPrioritySendAdvert'
    | 'ownerIgnoreAdverts'
    | 'skipCheckAdvertAddresses'
    | 'timerExpiredPriority'
    | 'strict'
    | 'noAccept'
    | 'v3ChecksumAsV2'
    | 'oldUnicastChecksum'
  >;

export interface Surroundings {
  readonly global: GlobalDraft;
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly priority: number;
  readonly report: Report;
}

const NOWHERE: Place = { file: '', line: 1, column: 1 };
const OWNER = 255;
const WINDOW_FLOOR_SECONDS = 5;
const LONGEST_WINDOW_SECONDS = 300;
const MULTICAST_GROUPS = { 4: '224.0.0.18', 6: 'ff02::12' } as const;
/** keepalived leaves the hop limit of unicast IPv6 to the kernel, and this is the kernel's. */
const UNICAST_TTL = { 4: 255, 6: 64 } as const;

export function election(draft: InstanceDraft, around: Surroundings): Inherited {
  const { global, priority, version } = around;
  const strict = draft.strict ?? global.strict ?? false;
  if (strict) reportUnstrict(draft, around);
  const preempts = (draft.preempt ?? true) || draft.initialState === 'master';
  const hmac = draft.hmac && hmacOf(draft, draft.hmac, around.report);
  const sourceAddress = sourceOf(draft, around);
  if (draft.timerExpiredPriority !== undefined && preempts) reportPreemption(draft, around.report);
  return {
    target: targetOf(draft, around),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(draft.trackSource && { trackSource: true as const }),
    authentication: strict || hmac !== undefined ? { type: 'none' } : authenticationOf(draft, around),
    ...(hmac === undefined ? {} : { hmac: strict ? { ...hmac, mode: 'enforce' as const } : hmac }),
    preempt: preempts,
    preemptDelayMs: strict || !preempts || draft.initialState === 'master' ? 0 : (draft.preemptDelayMs ?? 0),
    ...announcements(draft, global, strict),
    downTimerAdverts: strict ? 3 : (draft.downTimerAdverts ?? global.downTimerAdverts ?? 3),
    lowerPriorityNoAdvert: strict || (draft.lowerPriorityNoAdvert ?? global.lowerPriorityNoAdvert ?? false),
    higherPrioritySendAdvert: !strict && (draft.higherPrioritySendAdvert ?? global.higherPrioritySendAdvert ?? false),
    ownerIgnoreAdverts: priority === OWNER && (strict || (draft.ownerIgnoreAdverts ?? global.ownerIgnoreAdverts ?? false)),
    skipCheckAdvertAddresses: draft.skipCheckAdvertAddresses ?? global.skipCheckAdvertAddresses ?? false,
    ...(draft.timerExpiredPriority === undefined || preempts ? {} : { timerExpiredPriority: draft.timerExpiredPriority }),
    strict,
    ...(strict && priority !== OWNER && (draft.accept !== true || version === 2) && { noAccept: true as const }),
    v3ChecksumAsV2: draft.v3ChecksumAsV2 ?? global.v3ChecksumAsV2 ?? false,
    oldUnicastChecksum: draft.oldUnicastChecksum ?? 'detect',
  };
}

function reportPreemption(draft: InstanceDraft, report: Report): void {
  const hint = 'one that preempts is master again at once';
  report.error(placeOf(draft, 'timer_expired_backup'), 'timer_expired_backup needs nopreempt', hint);
}

/** A unicast keyword without a peer meant multicast to keepalived until 2.2.4, and still does. */
function targetOf(draft: InstanceDraft, { global, family, report }: Surroundings): AdvertTarget {
  const { unicastPeers, places } = draft;
  const peers = unicastPeers.filter((peer) => peer.family === family);
  for (const { address, place } of unicastPeers.filter((peer) => peer.family !== family))
    report.error(place, `${address} is not IPv${family} like vrrp_instance ${draft.name}`);
  if (peers.length > 0 || draft.unicastFaultWithoutPeer) {
    const checkSource = (draft.checkUnicastSource ?? global.checkUnicastSource ?? false) || peers.some(({ rangeGiven }) => rangeGiven);
    if (draft.multicastGroup !== undefined)
      report.error(placeOf(draft, 'mcast_dst_ip'), `vrrp_instance ${draft.name} is unicast: mcast_dst_ip has no effect`);
    return { kind: 'unicast', peers, ttl: draft.unicastTtl ?? UNICAST_TTL[family], checkSource };
  }
  const unicast = ['unicast_peer', 'unicast_src_ip', 'unicast_ttl', 'check_unicast_src'].find((name) => places[name] !== undefined);
  if (unicast !== undefined) {
    const hint = "write unicast_peer { … }, or 'unicast_fault_no_peer' to stay silent without one";
    report.warning(placeOf(draft, unicast), `vrrp_instance ${draft.name} has no unicast peers: it uses multicast`, hint);
  }
  return { kind: 'multicast', group: groupOf(draft, { global, family, report }) };
}

function groupOf(draft: InstanceDraft, { global, family, report }: Pick<Surroundings, 'global' | 'family' | 'report'>): string {
  const own = draft.multicastGroup;
  if (own?.family === family) return own.address;
  if (own !== undefined)
    report.error(placeOf(draft, 'mcast_dst_ip'), `${own.address} is not IPv${family} like vrrp_instance ${draft.name}`);
  return (family === 4 ? global.multicastGroup4 : global.multicastGroup6) ?? MULTICAST_GROUPS[family];
}

function sourceOf({ name, sourceAddress, places }: InstanceDraft, { family, report }: Surroundings): string | undefined {
  if (sourceAddress === undefined || sourceAddress.family === family) return sourceAddress?.text;
  const place = places.unicast_src_ip ?? places.mcast_src_ip ?? NOWHERE;
  report.error(place, `${sourceAddress.text} is not IPv${family} like vrrp_instance ${name}`);
  return undefined;
}

/** Of version 2 alone. The header needs an IPv4 packet to stand in. */
function authenticationOf(draft: InstanceDraft, { family, version, report }: Surroundings): VrrpInstance['authentication'] {
  const { type, password } = draft.authentication ?? {};
  if (type !== undefined && password === undefined && family === 6)
    report.modified(placeOf(draft, 'authentication'), 'authentication has no auth_pass and is left out');
  if (type === undefined || password === undefined || version === 3) return { type: 'none' };
  if (type === 'pass' || family === 4) return { type, password };
  report.error(placeOf(draft, 'authentication'), 'auth_type AH is for IPv4 only');
  return { type: 'none' };
}

/** Undefined: nothing could be signed with it. */
function hmacOf(draft: InstanceDraft, hmac: HmacDraft, report: Report): AuthHmac | undefined {
  const place = placeOf(draft, 'auth_hmac');
  const repeated = hmac.keys.find(({ id }, at) => hmac.keys.findIndex((key) => key.id === id) < at);
  if (repeated !== undefined) report.error(repeated.place, `auth_hmac key ${repeated.id} stands there twice`);
  if (draft.authentication !== undefined) report.error(place, 'auth_hmac takes the place of authentication: only one of them can be');
  const { activeKey } = hmac;
  if (activeKey === undefined || !hmac.keys.some(({ id }) => id === activeKey)) {
    report.error(hmac.places.active_key ?? place, 'auth_hmac needs an active_key that is one of its keys');
    return undefined;
  }
  const { keys, antiReplay = 'time', mode = 'enforce' } = hmac;
  return { keys, activeKey, antiReplay, mode, windowSeconds: hmac.windowSeconds ?? windowOf(draft) };
}

function windowOf({ advertIntervalMs = 1000 }: InstanceDraft): number {
  return Math.min(LONGEST_WINDOW_SECONDS, Math.max(WINDOW_FLOOR_SECONDS, 3 * Math.floor(advertIntervalMs / 1000)));
}

type Announcements = Pick<
  VrrpInstance,
  | 'garpMasterDelayMs'
  | 'garpMasterRepeat'
  | 'garpMasterRefreshMs'
  | 'garpMasterRefreshRepeat'
  | 'garpLowerPriorityDelayMs'
  | 'garpLowerPriorityRepeat'
  | 'garpExtraInterfaces'
>;

/** After a lesser master: as after becoming master, but by what global_defs says of that, not the instance. */
function announcements(draft: InstanceDraft, global: GlobalDraft, strict: boolean): Announcements {
  const delayMs = global.garpMasterDelayMs ?? (global.minimalGarp ? 0 : 5000);
  const repeat = global.garpMasterRepeat ?? (global.minimalGarp ? 1 : 5);
  return {
    garpMasterDelayMs: draft.garpMasterDelayMs ?? delayMs,
    garpMasterRepeat: draft.garpMasterRepeat ?? repeat,
    garpMasterRefreshMs: draft.garpMasterRefreshMs ?? global.garpMasterRefreshMs ?? 0,
    garpMasterRefreshRepeat: draft.garpMasterRefreshRepeat ?? global.garpMasterRefreshRepeat ?? 1,
    garpLowerPriorityDelayMs: strict ? 0 : (draft.garpLowerPriorityDelayMs ?? global.garpLowerPriorityDelayMs ?? delayMs),
    garpLowerPriorityRepeat: strict ? 0 : (draft.garpLowerPriorityRepeat ?? global.garpLowerPriorityRepeat ?? repeat),
    garpExtraInterfaces: draft.garpExtraInterfaces ?? global.garpExtraInterfaces ?? { all: false, intervalMs: 0 },
  };
}

/** keepalived changes these and goes on; so does what comes of it here, once somebody has read why. */
function reportUnstrict(draft: InstanceDraft, { family, version, priority, report }: Surroundings): void {
  const contrary: readonly [keyword: string, breach: boolean, says: string][] = [
    [
      'state',
      (draft.initialState === 'master') !== (priority === OWNER) && draft.initialState === 'master',
      'state MASTER without priority 255',
    ],
    ['authentication', draft.authentication !== undefined, 'authentication'],
    ['preempt_delay', (draft.preemptDelayMs ?? 0) > 0, 'preempt_delay'],
    ['version', family === 6 && version === 2, 'IPv6 with version 2'],
    ['unicast_peer', draft.unicastPeers.length > 0, 'unicast peers'],
    ['virtual_ipaddress', draft.addresses.length === 0, 'an instance without virtual_ipaddress'],
    ['virtual_ipaddress', family === 6 && !isLinkLocal(draft.addresses[0]?.address), 'a first IPv6 address that is not link-local'],
    ['garp_lower_prio_repeat', (draft.garpLowerPriorityRepeat ?? 0) > 0, 'garp_lower_prio_repeat'],
    ['garp_lower_prio_delay', (draft.garpLowerPriorityDelayMs ?? 0) > 0, 'garp_lower_prio_delay'],
    ['lower_prio_no_advert', draft.lowerPriorityNoAdvert === false, 'lower_prio_no_advert off'],
    ['higher_prio_send_advert', draft.higherPrioritySendAdvert === true, 'higher_prio_send_advert'],
    ['down_timer_adverts', (draft.downTimerAdverts ?? 3) !== 3, 'down_timer_adverts other than 3'],
    ['auth_hmac', (draft.hmac?.mode ?? 'enforce') !== 'enforce', 'auth_hmac in another mode than enforce'],
    ['owner_ignore_adverts', priority === OWNER && draft.ownerIgnoreAdverts === false, 'owner_ignore_adverts off'],
  ];
  for (const [keyword, breach, says] of contrary)
    if (breach) report.error(placeOf(draft, keyword), `strict mode does not have ${says}`, 'take it out, or strict_mode off');
}

function isLinkLocal(address: string | undefined): boolean {
  return address === undefined || /^fe[89ab]/i.test(address);
}

function placeOf({ places }: InstanceDraft, keyword: string): Place {
  return places[keyword] ?? places.block ?? NOWHERE;
}
