// `global_defs { … }`, and what every vrrp_instance inherits from it.

import type { GlobalDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import type { DynamicInterfaces } from '../model.js';
import { acceptedGlobals, textKeywords } from './accepted.js';
import { globalNotices } from './notices.js';
import { operatingKeywords } from './operating.js';
import { scriptUser } from './script.js';
import { extraInterfaces, multicastGroup } from './unicast.js';
import { interfaceName } from './virtual-mac.js';

const VERSIONS: ReadonlyMap<string, 2 | 3> = new Map([
  ['2', 2],
  ['3', 3],
]);
const DAY = 86_400;
const COUNT = 2 ** 31 - 1;

const keywords: readonly Keyword<GlobalDraft>[] = [
  { name: 'router_id', takes: 'NAME', set: (arg) => ({ routerId: arg.word('a name') }) },
  { name: 'vrrp_version', takes: '2|3', set: (arg) => ({ vrrpVersion: arg.oneOf(VERSIONS) }) },
  { name: 'lvs_timeouts', takes: '[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]', set: (arg) => ({ timeouts: timeouts(arg) }) },
  { name: 'vrrp_startup_delay', takes: 'SECONDS', set: (arg) => ({ vrrpStartupDelayMs: arg.seconds(0, 4294) }) },
  { name: 'vrrp_delay_after_boot', takes: 'SECONDS', set: (arg) => ({ vrrpDelayAfterBootMs: arg.seconds(0, 4294) }) },
  { name: 'vrrp_garp_master_delay', takes: 'SECONDS', set: (arg) => ({ garpMasterDelayMs: arg.seconds(0, DAY) }) },
  { name: 'vrrp_garp_master_repeat', takes: 'COUNT', set: (arg) => ({ garpMasterRepeat: arg.integer(1, COUNT) }) },
  { name: 'vrrp_garp_master_refresh', takes: 'SECONDS', set: (arg) => ({ garpMasterRefreshMs: arg.seconds(0, DAY) }) },
  { name: 'vrrp_garp_master_refresh_repeat', takes: 'COUNT', set: (arg) => ({ garpMasterRefreshRepeat: arg.integer(1, COUNT) }) },
  { name: 'vrrp_min_garp', takes: '[BOOL]', set: (arg) => ({ minimalGarp: arg.flag() }) },
  { name: 'vrrp_down_timer_adverts', takes: 'COUNT', set: (arg) => ({ downTimerAdverts: arg.integer(1, 100) }) },
  { name: 'v3_checksum_as_v2', takes: '[BOOL]', set: (arg) => ({ v3ChecksumAsV2: arg.flag() }) },
  ...globalNotices,
  ...operatingKeywords,
  ...acceptedGlobals,
  ...textKeywords,
  { name: 'enable_script_security', takes: '', set: () => ({ scriptSecurity: true }) },
  { name: 'checker_log_all_failures', takes: '[BOOL]', set: (arg) => ({ logAllFailures: arg.flag() }) },
  { name: 'vrrp_mcast_group4', takes: 'ADDRESS', set: (arg) => ({ multicastGroup4: multicastGroup(arg, 4).address }) },
  { name: 'vrrp_mcast_group6', takes: 'ADDRESS', set: (arg) => ({ multicastGroup6: multicastGroup(arg, 6).address }) },
  { name: 'default_interface', takes: 'INTERFACE', set: (arg) => ({ defaultInterface: arg.word('the name of an interface') }) },
  {
    name: 'lvs_sync_daemon',
    takes: 'INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]',
    without: 'connections are not copied to the other router',
  },
  { name: 'vrrp_garp_lower_prio_delay', takes: 'SECONDS', set: (arg) => ({ garpLowerPriorityDelayMs: arg.seconds(0, DAY) }) },
  { name: 'vrrp_garp_lower_prio_repeat', takes: 'COUNT', set: (arg) => ({ garpLowerPriorityRepeat: arg.integer(0, COUNT) }) },
  { name: 'vrrp_garp_interval', takes: 'SECONDS', set: (arg) => ({ garpIntervalMs: arg.seconds(0, 1000) }) },
  { name: 'vrrp_gna_interval', takes: 'SECONDS', set: (arg) => ({ gnaIntervalMs: arg.seconds(0, 1000) }) },
  { name: 'vrrp_garp_extra_if', takes: '[all] SECONDS', set: (arg) => ({ garpExtraInterfaces: extraInterfaces(arg) }) },
  { name: 'vrrp_lower_prio_no_advert', takes: '[BOOL]', set: (arg) => ({ lowerPriorityNoAdvert: arg.flag() }) },
  { name: 'vrrp_higher_prio_send_advert', takes: '[BOOL]', set: (arg) => ({ higherPrioritySendAdvert: arg.flag() }) },
  { name: 'vrrp_owner_ignore_adverts', takes: '[BOOL]', set: (arg) => ({ ownerIgnoreAdverts: arg.flag() }) },
  { name: 'vrrp_check_unicast_src', takes: '', set: () => ({ checkUnicastSource: true }) },
  { name: 'vrrp_skip_check_adv_addr', takes: '', set: () => ({ skipCheckAdvertAddresses: true }) },
  { name: 'vrrp_strict', takes: '', set: () => ({ strict: true }) },
  { name: 'script_user', takes: 'USER [GROUP]', set: (arg) => ({ scriptUser: scriptUser(arg) }) },
  { name: 'dynamic_interfaces', takes: '[allow_if_changes]', set: (arg) => ({ dynamicInterfaces: dynamicInterfaces(arg) }) },
  { name: 'log_unknown_vrids', takes: '', set: () => ({ logUnknownVrids: true }) },
  { name: 'vmac_prefix', takes: 'PREFIX', set: (arg) => ({ virtualMacPrefix: interfaceName(arg, arg.word('a prefix')) }) },
  { name: 'vmac_addr_prefix', takes: 'PREFIX', set: (arg) => ({ virtualMacAddressPrefix: interfaceName(arg, arg.word('a prefix')) }) },
];

export const globalBlock = block('global_defs', keywords);

const INTERFACE_CHANGES: ReadonlyMap<string, DynamicInterfaces> = new Map([['allow_if_changes', 'changing']]);

function dynamicInterfaces(arg: Arguments): DynamicInterfaces {
  return arg.more() ? arg.oneOf(INTERFACE_CHANGES) : 'coming';
}

type Timeouts = NonNullable<GlobalDraft['timeouts']>;

const TIMEOUTS: ReadonlyMap<string, keyof Timeouts> = new Map([
  ['tcp', 'tcpMs'],
  ['tcpfin', 'tcpFinMs'],
  ['udp', 'udpMs'],
]);

/** Any of the three, in any order, at least one. */
function timeouts(arg: Arguments): Timeouts {
  const given: { -readonly [Name in keyof Timeouts]: Timeouts[Name] } = {};
  do {
    const name = arg.oneOf(TIMEOUTS);
    given[name] = arg.integer(1, 2 ** 31 - 1) * 1000;
  } while (arg.more());
  return given;
}
