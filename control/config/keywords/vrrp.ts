// `vrrp_instance { … }` and `vrrp_sync_group { … }`.

import { widthOf } from '../address.js';
import type { AuthenticationDraft, InstanceDraft, SyncGroupDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import type { VirtualAddress } from '../model.js';
import { instanceNotices, stateNotices } from './notices.js';

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
  { name: 'virtual_ipaddress_excluded', takes: '{ ADDRESS… }', set: (arg) => ({ excludedAddresses: arg.lines(virtualAddress) }) },
  { name: 'nopreempt', takes: '', set: () => ({ preempt: false }) },
  { name: 'preempt', takes: '', set: () => ({ preempt: true }), alias: 'nopreempt' },
  { name: 'preempt_delay', takes: 'SECONDS', set: (arg) => ({ preemptDelayMs: arg.seconds(0, 1000) }) },
  { name: 'authentication', takes: '{ auth_type PASS, auth_pass PASSWORD }', set: (arg) => ({ authentication: authentication(arg) }) },
  { name: 'garp_master_delay', takes: 'SECONDS', set: (arg) => ({ garpMasterDelayMs: arg.seconds(0, DAY) }) },
  { name: 'garp_master_repeat', takes: 'COUNT', set: (arg) => ({ garpMasterRepeat: arg.integer(1, COUNT) }) },
  { name: 'garp_master_refresh', takes: 'SECONDS', set: (arg) => ({ garpMasterRefreshMs: arg.seconds(0, DAY) }) },
  { name: 'garp_master_refresh_repeat', takes: 'COUNT', set: (arg) => ({ garpMasterRefreshRepeat: arg.integer(1, COUNT) }) },
  // What an address of the host does anyway.
  { name: 'accept', takes: '', set: () => ({}) },
  { name: 'down_timer_adverts', takes: 'COUNT', set: (arg) => ({ downTimerAdverts: arg.integer(1, 100) }) },
  { name: 'vrf', takes: 'INTERFACE' },
  { name: 'use_vmac', takes: '[INTERFACE] [MAC]', without: 'virtual addresses use the MAC address of their interface' },
  { name: 'use_vmac_addr', takes: '' },
  { name: 'vmac_xmit_base', takes: '' },
  { name: 'use_ipvlan', takes: '[INTERFACE] [ADDRESS] [MODE]' },
  { name: 'dont_track_primary', takes: '' },
  { name: 'track_interface', takes: '{ INTERFACE [weight N]… }', without: 'only the instance’s own interface is watched' },
  { name: 'track_script', takes: '{ NAME [weight N]… }' },
  { name: 'track_file', takes: '{ NAME [weight N]… }' },
  { name: 'track_process', takes: '{ NAME [weight N]… }' },
  { name: 'track_bfd', takes: '{ NAME [weight N]… }' },
  { name: 'track_src_ip', takes: '' },
  { name: 'mcast_src_ip', takes: 'ADDRESS' },
  { name: 'mcast_dst_ip', takes: 'ADDRESS' },
  { name: 'unicast_src_ip', takes: 'ADDRESS' },
  { name: 'unicast_peer', takes: '{ ADDRESS [min_ttl N] [max_ttl N]… }', without: 'adverts are multicast' },
  { name: 'unicast_ttl', takes: 'TTL' },
  { name: 'unicast_fault_no_peer', takes: '' },
  { name: 'old_unicast_checksum', takes: '[never]' },
  { name: 'check_unicast_src', takes: '' },
  { name: 'garp_lower_prio_delay', takes: 'SECONDS' },
  { name: 'garp_lower_prio_repeat', takes: 'COUNT' },
  { name: 'garp_extra_if', takes: '[all] SECONDS' },
  { name: 'lower_prio_no_advert', takes: '[BOOL]' },
  { name: 'higher_prio_send_advert', takes: '[BOOL]' },
  { name: 'owner_ignore_adverts', takes: '[BOOL]' },
  { name: 'virtual_routes', takes: '{ ROUTE… }', without: 'these routes are not added' },
  { name: 'virtual_rules', takes: '{ RULE… }', without: 'these rules are not added' },
  { name: 'promote_secondaries', takes: '' },
  { name: 'no_accept', takes: '' },
  { name: 'skip_check_adv_addr', takes: '[BOOL]' },
  { name: 'strict_mode', takes: '[BOOL]' },
  { name: 'debug', takes: 'LEVEL' },
  ...stateNotices,
  ...instanceNotices,
  { name: 'kernel_rx_buf_size', takes: 'BYTES' },
  { name: 'linkbeat_use_polling', takes: '' },
  { name: 'lvs_sync_daemon_interface', takes: 'INTERFACE', without: 'connections are not copied to the other router' },
  { name: 'auth_hmac', takes: '{ KEY… }' },
  { name: 'timer_expired_backup', takes: '' },
  { name: 'thread_timer_expired', takes: '' },
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
  { name: 'track_interface', takes: '{ INTERFACE [weight N]… }' },
  { name: 'track_script', takes: '{ NAME [weight N]… }' },
  { name: 'track_file', takes: '{ NAME [weight N]… }' },
  { name: 'track_process', takes: '{ NAME [weight N]… }' },
  { name: 'track_bfd', takes: '{ NAME [weight N]… }' },
  { name: 'global_tracking', takes: '' },
  { name: 'sync_group_tracking_weight', takes: '' },
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
  if (written.length > PASSWORD_LENGTH) arg.warn(`only the first ${PASSWORD_LENGTH} characters of auth_pass count`);
  return written.slice(0, PASSWORD_LENGTH);
}

/** Options of `ip address add` that keepalived passes on, with the number of words after each. */
const UNHONOURED_OPTIONS: ReadonlyMap<string, number> = new Map([
  ['brd', 1],
  ['broadcast', 1],
  ['scope', 1],
  ['label', 1],
  ['peer', 1],
  ['preferred_lft', 1],
  ['track_group', 1],
  ['use_vmac', 0],
  ['home', 0],
  ['-nodad', 0],
  ['mngtmpaddr', 0],
  ['noprefixroute', 0],
  ['autojoin', 0],
  ['no_track', 0],
]);

/** `ADDRESS[/PREFIX] [dev INTERFACE] …` */
function virtualAddress(line: Arguments): VirtualAddress {
  const [text = '', prefix] = line.word('an address').split('/', 2);
  const address = line.toAddress(text);
  const width = widthOf(address.family);
  const prefixLength = prefix === undefined ? width : line.toInteger(prefix, 0, width);
  const place = line.valuePlace;
  const device = addressOptions(line);
  return { address: address.text, family: address.family, prefixLength, ...(device === undefined ? {} : { device }), place };
}

function addressOptions(line: Arguments): string | undefined {
  let device: string | undefined;
  while (line.more()) {
    const option = line.word('an option');
    const words = UNHONOURED_OPTIONS.get(option);
    if (option === 'dev') device = line.word('the name of an interface');
    else if (words === undefined) line.error(`unknown option '${option}' of a virtual address`, 'ADDRESS[/PREFIX] [dev INTERFACE]');
    else line.warn(`'${option}' of a virtual address is not honoured yet`);
    for (let skipped = 0; skipped < (words ?? 0); skipped += 1) line.word(`a value after '${option}'`);
  }
  return device;
}
