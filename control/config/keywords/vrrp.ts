// `vrrp_instance { … }` and `vrrp_sync_group { … }`.

import type { AuthenticationDraft, InstanceDraft, SyncGroupDraft } from '../draft.js';
import { type Arguments, block, type Keyword, type Patch } from '../keyword.js';
import { virtualAddress } from './address-line.js';
import { authHmac } from './auth-hmac.js';
import { instanceNotices, stateNotices } from './notices.js';
import { route } from './route.js';
import { rule } from './rule.js';
import { trackingKeywords } from './track.js';
import { extraInterfaces, multicastGroup, oldUnicastChecksum, timerExpiredBackup, unicastPeer } from './unicast.js';
import { virtualMac } from './virtual-mac.js';

const STATES: ReadonlyMap<string, 'master' | 'backup'> = new Map([
  ['MASTER', 'master'],
  ['BACKUP', 'backup'],
]);
const VERSIONS: ReadonlyMap<string, 2 | 3> = new Map([
  ['2', 2],
  ['3', 3],
]);
const DAY = 86_400;
const COUNT = 2 ** 31 - 1;

const keywords: readonly Keyword<InstanceDraft>[] = [
  { name: 'state', takes: 'MASTER|BACKUP', set: (arg) => ({ initialState: arg.oneOf(STATES) }) },
  { name: 'interface', takes: 'INTERFACE', set: (arg) => ({ interface: arg.word('the name of an interface') }) },
  { name: 'virtual_router_id', takes: '1-255', set: (arg) => ({ virtualRouterId: arg.integer(1, 255) }) },
  { name: 'priority', takes: '1-255', set: (arg) => ({ priority: arg.integer(1, 255) }) },
  { name: 'advert_int', takes: 'SECONDS', set: (arg) => ({ advertIntervalMs: arg.seconds(0.01, 255) }) },
  { name: 'version', takes: '2|3', set: (arg) => ({ version: arg.oneOf(VERSIONS) }) },
  { name: 'native_ipv6', takes: '', set: () => ({ nativeIpv6: true }) },
  { name: 'virtual_ipaddress', takes: '{ ADDRESS… }', set: (arg) => ({ addresses: arg.lines(virtualAddress) }) },
  // keepalived 2.4: an instance without addresses is meant.
  { name: 'no_virtual_ipaddress', takes: '', set: () => ({}) },
  { name: 'virtual_ipaddress_excluded', takes: '{ ADDRESS… }', set: (arg) => ({ excludedAddresses: arg.lines(virtualAddress) }) },
  { name: 'nopreempt', takes: '', set: () => ({ preempt: false }) },
  { name: 'preempt', takes: '', set: () => ({ preempt: true }), alias: 'nopreempt' },
  { name: 'preempt_delay', takes: 'SECONDS', set: (arg) => ({ preemptDelayMs: arg.seconds(0, 1000) }) },
  { name: 'authentication', takes: '{ auth_type PASS, auth_pass PASSWORD }', set: (arg) => ({ authentication: authentication(arg) }) },
  { name: 'garp_master_delay', takes: 'SECONDS', set: (arg) => ({ garpMasterDelayMs: arg.seconds(0, DAY) }) },
  { name: 'garp_master_repeat', takes: 'COUNT', set: (arg) => ({ garpMasterRepeat: arg.integer(1, COUNT) }) },
  { name: 'garp_master_refresh', takes: 'SECONDS', set: (arg) => ({ garpMasterRefreshMs: arg.seconds(0, DAY) }) },
  { name: 'garp_master_refresh_repeat', takes: 'COUNT', set: (arg) => ({ garpMasterRefreshRepeat: arg.integer(1, COUNT) }) },
  { name: 'accept', takes: '', set: () => ({ accept: true }) },
  { name: 'down_timer_adverts', takes: 'COUNT', set: (arg) => ({ downTimerAdverts: arg.integer(1, 100) }) },
  { name: 'vrf', takes: 'INTERFACE', without: 'adverts go by the interface itself' },
  { name: 'use_vmac', takes: '[[name] INTERFACE] [MAC] [group GROUP]', set: (arg) => ({ virtualMac: virtualMac(arg) }) },
  { name: 'use_vmac_addr', takes: '', set: () => ({ useVirtualMacForAddresses: true }) },
  { name: 'vmac_xmit_base', takes: '', set: () => ({ transmitsByBase: true }) },
  {
    name: 'use_ipvlan',
    takes: '[INTERFACE] [ADDRESS] [MODE]',
    without: 'virtual addresses and adverts stay on the interface itself, whose MAC address an ipvlan would have too',
  },
  { name: 'dont_track_primary', takes: '', set: () => ({ dontTrackPrimary: true }) },
  ...trackingKeywords,
  { name: 'track_src_ip', takes: '', set: () => ({ trackSource: true }) },
  { name: 'mcast_src_ip', takes: 'ADDRESS', set: (arg) => ({ sourceAddress: arg.address() }) },
  { name: 'mcast_dst_ip', takes: 'ADDRESS', set: (arg) => ({ multicastGroup: multicastGroup(arg) }) },
  { name: 'unicast_src_ip', takes: 'ADDRESS', set: (arg) => ({ sourceAddress: arg.address() }) },
  { name: 'unicast_peer', takes: '{ ADDRESS [min_ttl N] [max_ttl N]… }', set: (arg) => ({ unicastPeers: arg.lines(unicastPeer) }) },
  { name: 'unicast_ttl', takes: 'TTL', set: (arg) => ({ unicastTtl: arg.integer(0, 255) }) },
  { name: 'unicast_fault_no_peer', takes: '', set: () => ({ unicastFaultWithoutPeer: true }) },
  { name: 'old_unicast_checksum', takes: '[never]', set: (arg) => ({ oldUnicastChecksum: oldUnicastChecksum(arg) }) },
  { name: 'check_unicast_src', takes: '', set: () => ({ checkUnicastSource: true }) },
  { name: 'garp_lower_prio_delay', takes: 'SECONDS', set: (arg) => ({ garpLowerPriorityDelayMs: arg.seconds(0, DAY) }) },
  { name: 'garp_lower_prio_repeat', takes: 'COUNT', set: (arg) => ({ garpLowerPriorityRepeat: arg.integer(0, COUNT) }) },
  { name: 'garp_extra_if', takes: '[all] SECONDS', set: (arg) => ({ garpExtraInterfaces: extraInterfaces(arg) }) },
  {
    name: 'vmac_garp_intvl',
    takes: '[all] SECONDS',
    set: (arg) => ({ garpExtraInterfaces: extraInterfaces(arg) }),
    alias: 'garp_extra_if',
  },
  { name: 'v3_checksum_as_v2', takes: '[BOOL]', set: (arg) => ({ v3ChecksumAsV2: arg.flag() }) },
  { name: 'lower_prio_no_advert', takes: '[BOOL]', set: (arg) => ({ lowerPriorityNoAdvert: arg.flag() }) },
  { name: 'higher_prio_send_advert', takes: '[BOOL]', set: (arg) => ({ higherPrioritySendAdvert: arg.flag() }) },
  { name: 'owner_ignore_adverts', takes: '[BOOL]', set: (arg) => ({ ownerIgnoreAdverts: arg.flag() }) },
  { name: 'virtual_routes', takes: '{ ROUTE… }', set: (arg) => ({ routes: arg.lines((line) => route(line, 'virtual')).flat() }) },
  { name: 'virtual_rules', takes: '{ RULE… }', set: (arg) => ({ rules: arg.lines((line) => rule(line, 'virtual')) }) },
  { name: 'promote_secondaries', takes: '', set: () => ({ promoteSecondaries: true }) },
  { name: 'no_accept', takes: '', set: () => ({ accept: false }) },
  { name: 'skip_check_adv_addr', takes: '[BOOL]', set: (arg) => ({ skipCheckAdvertAddresses: arg.flag() }) },
  { name: 'strict_mode', takes: '[BOOL]', set: (arg) => ({ strict: arg.flag() }) },
  { name: 'debug', takes: 'LEVEL', happens: 'what happens is logged anyway' },
  ...stateNotices,
  ...instanceNotices,
  { name: 'kernel_rx_buf_size', takes: 'BYTES', happens: 'adverts are few; the buffers of the kernel hold them' },
  { name: 'linkbeat_use_polling', takes: '', happens: 'netlink tells of every carrier' },
  { name: 'lvs_sync_daemon_interface', takes: 'INTERFACE', without: 'connections are not copied to the other router' },
  { name: 'auth_hmac', takes: '{ key, active_key, anti_replay, time_window, mode }', set: (arg) => ({ hmac: authHmac(arg) }) },
  { name: 'timer_expired_backup', takes: '[1-254]', set: (arg) => ({ timerExpiredPriority: timerExpiredBackup(arg) }) },
  {
    name: 'thread_timer_expired',
    takes: '[1-254]',
    set: (arg) => ({ timerExpiredPriority: timerExpiredBackup(arg) }),
    alias: 'timer_expired_backup',
  },
];

const AUTHENTICATION_TYPES: ReadonlyMap<string, 'pass' | 'ah'> = new Map([
  ['PASS', 'pass'],
  ['AH', 'ah'],
]);
const PASSWORD_LENGTH = 8;

const authenticationKeywords: readonly Keyword<AuthenticationDraft>[] = [
  { name: 'auth_type', takes: 'PASS|AH', set: (arg) => ({ type: arg.oneOf(AUTHENTICATION_TYPES) }) },
  { name: 'auth_pass', takes: 'PASSWORD', set: (arg) => ({ password: password(arg) }) },
];

const syncGroupKeywords: readonly Keyword<SyncGroupDraft>[] = [
  { name: 'group', takes: '{ INSTANCE… }', set: (arg) => ({ members: arg.lines((line) => line.rest('names of instances')).flat() }) },
  ...stateNotices,
  ...trackingKeywords,
  { name: 'global_tracking', takes: '', set: globalTracking, alias: 'sync_group_tracking_weight' },
  { name: 'sync_group_tracking_weight', takes: '', set: () => ({ trackingWeight: true }) },
];

export const instanceBlock = block('vrrp_instance', keywords);
export const authenticationBlock = block('authentication', authenticationKeywords);
export const syncGroupBlock = block('vrrp_sync_group', syncGroupKeywords);

function authentication(arg: Arguments): AuthenticationDraft {
  return arg.block(authenticationBlock, { places: { block: arg.place } });
}

/** The password travels in a field of eight bytes. */
function password(arg: Arguments): string {
  const written = arg.word('a password');
  if (written.length > PASSWORD_LENGTH) arg.modified(`only the first ${PASSWORD_LENGTH} characters of auth_pass count`);
  return written.slice(0, PASSWORD_LENGTH);
}

function globalTracking(arg: Arguments): Patch<SyncGroupDraft> {
  arg.modified("'global_tracking' is an old word", 'write sync_group_tracking_weight, and track_interface and the like in the group');
  return { trackingWeight: true };
}
