// `global_defs { … }`, and what every vrrp_instance inherits from it.

import type { GlobalDraft } from '../draft.js';
import { type Arguments, block, type Keyword } from '../keyword.js';
import type { DynamicInterfaces } from '../model.js';
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
  { name: 'enable_script_security', takes: '', set: () => ({ scriptSecurity: true }) },
  { name: 'tmp_config_directory', takes: 'DIRECTORY' },
  { name: 'config_save_dir', takes: 'DIRECTORY' },
  { name: 'process_names', takes: '' },
  { name: 'process_name', takes: 'NAME' },
  { name: 'vrrp_process_name', takes: 'NAME' },
  { name: 'checker_process_name', takes: 'NAME' },
  { name: 'lvs_process_name', takes: 'NAME' },
  { name: 'bfd_process_name', takes: 'NAME' },
  { name: 'checker_log_all_failures', takes: '[BOOL]', set: (arg) => ({ logAllFailures: arg.flag() }) },
  { name: 'vrrp_mcast_group4', takes: 'ADDRESS', set: (arg) => ({ multicastGroup4: multicastGroup(arg, 4).address }) },
  { name: 'vrrp_mcast_group6', takes: 'ADDRESS', set: (arg) => ({ multicastGroup6: multicastGroup(arg, 6).address }) },
  { name: 'default_interface', takes: 'INTERFACE', set: (arg) => ({ defaultInterface: arg.word('the name of an interface') }) },
  {
    name: 'lvs_sync_daemon',
    takes: 'INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]',
    without: 'connections are not copied to the other router',
  },
  { name: 'lvs_flush', takes: '' },
  { name: 'lvs_flush_on_stop', takes: '[VS]' },
  { name: 'lvs_flush_onstop', takes: '[VS]' },
  { name: 'vrrp_garp_lower_prio_delay', takes: 'SECONDS', set: (arg) => ({ garpLowerPriorityDelayMs: arg.seconds(0, DAY) }) },
  { name: 'vrrp_garp_lower_prio_repeat', takes: 'COUNT', set: (arg) => ({ garpLowerPriorityRepeat: arg.integer(0, COUNT) }) },
  { name: 'vrrp_garp_interval', takes: 'SECONDS', set: (arg) => ({ garpIntervalMs: arg.seconds(0, 1000) }) },
  { name: 'vrrp_gna_interval', takes: 'SECONDS', set: (arg) => ({ gnaIntervalMs: arg.seconds(0, 1000) }) },
  { name: 'vrrp_garp_extra_if', takes: '[all] SECONDS', set: (arg) => ({ garpExtraInterfaces: extraInterfaces(arg) }) },
  { name: 'vrrp_lower_prio_no_advert', takes: '[BOOL]', set: (arg) => ({ lowerPriorityNoAdvert: arg.flag() }) },
  { name: 'vrrp_higher_prio_send_advert', takes: '[BOOL]', set: (arg) => ({ higherPrioritySendAdvert: arg.flag() }) },
  { name: 'vrrp_owner_ignore_adverts', takes: '[BOOL]', set: (arg) => ({ ownerIgnoreAdverts: arg.flag() }) },
  { name: 'vrrp_iptables', takes: '[CHAIN [CHAIN]]' },
  { name: 'vrrp_ipsets', takes: '[NAME…]' },
  { name: 'nftables', takes: '[TABLE]' },
  { name: 'nftables_priority', takes: 'PRIORITY' },
  { name: 'nftables_counters', takes: '' },
  { name: 'nftables_ifindex', takes: '' },
  { name: 'nftables_ipvs', takes: '[TABLE]' },
  { name: 'nftables_ipvs_priority', takes: 'PRIORITY' },
  { name: 'nftables_ipvs_start_fwmark', takes: 'MARK' },
  { name: 'disable_local_igmp', takes: '' },
  { name: 'vrrp_check_unicast_src', takes: '', set: () => ({ checkUnicastSource: true }) },
  { name: 'vrrp_skip_check_adv_addr', takes: '', set: () => ({ skipCheckAdvertAddresses: true }) },
  { name: 'vrrp_strict', takes: '', set: () => ({ strict: true }) },
  { name: 'max_auto_priority', takes: '[PRIORITY]' },
  { name: 'min_auto_priority_delay', takes: 'MICROSECONDS' },
  { name: 'vrrp_priority', takes: 'NICE' },
  { name: 'checker_priority', takes: 'NICE' },
  { name: 'bfd_priority', takes: 'NICE' },
  { name: 'vrrp_no_swap', takes: '' },
  { name: 'checker_no_swap', takes: '' },
  { name: 'bfd_no_swap', takes: '' },
  { name: 'vrrp_cpu_affinity', takes: 'CPU…' },
  { name: 'checker_cpu_affinity', takes: 'CPU…' },
  { name: 'bfd_cpu_affinity', takes: 'CPU…' },
  { name: 'vrrp_rt_priority', takes: 'PRIORITY' },
  { name: 'checker_rt_priority', takes: 'PRIORITY' },
  { name: 'bfd_rt_priority', takes: 'PRIORITY' },
  { name: 'vrrp_rlimit_rttime', takes: 'MICROSECONDS' },
  { name: 'checker_rlimit_rttime', takes: 'MICROSECONDS' },
  { name: 'bfd_rlimit_rttime', takes: 'MICROSECONDS' },
  { name: 'vrrp_rlimit_rtime', takes: 'MICROSECONDS' },
  { name: 'checker_rlimit_rtime', takes: 'MICROSECONDS' },
  { name: 'bfd_rlimit_rtime', takes: 'MICROSECONDS' },
  { name: 'snmp_socket', takes: 'SOCKET' },
  { name: 'enable_snmp_keepalived', takes: '' },
  { name: 'enable_snmp_vrrp', takes: '' },
  { name: 'enable_snmp_checker', takes: '' },
  { name: 'enable_snmp_rfc', takes: '' },
  { name: 'enable_snmp_rfcv2', takes: '' },
  { name: 'enable_snmp_rfcv3', takes: '' },
  { name: 'enable_traps', takes: '' },
  { name: 'snmp_vs_stats_update_interval', takes: 'SECONDS' },
  { name: 'snmp_rs_stats_update_interval', takes: 'SECONDS' },
  { name: 'enable_dbus', takes: '' },
  { name: 'dbus_service_name', takes: 'NAME' },
  { name: 'dbus_no_interface_name', takes: '' },
  { name: 'script_user', takes: 'USER [GROUP]', set: (arg) => ({ scriptUser: scriptUser(arg) }) },
  { name: 'dynamic_interfaces', takes: '[allow_if_changes]', set: (arg) => ({ dynamicInterfaces: dynamicInterfaces(arg) }) },
  { name: 'vrrp_netlink_cmd_rcv_bufs', takes: 'BYTES' },
  { name: 'vrrp_netlink_cmd_rcv_bufs_force', takes: 'BOOL' },
  { name: 'vrrp_netlink_monitor_rcv_bufs', takes: 'BYTES' },
  { name: 'vrrp_netlink_monitor_rcv_bufs_force', takes: 'BOOL' },
  { name: 'lvs_netlink_cmd_rcv_bufs', takes: 'BYTES' },
  { name: 'lvs_netlink_cmd_rcv_bufs_force', takes: 'BOOL' },
  { name: 'lvs_netlink_monitor_rcv_bufs', takes: 'BYTES' },
  { name: 'lvs_netlink_monitor_rcv_bufs_force', takes: 'BOOL' },
  { name: 'rs_init_notifies', takes: '' },
  { name: 'process_monitor_rcv_bufs', takes: 'BYTES' },
  { name: 'process_monitor_rcv_bufs_force', takes: 'BOOL' },
  { name: 'vrrp_rx_bufs_policy', takes: 'MTU|ADVERT|BYTES' },
  { name: 'vrrp_rx_bufs_multiplier', takes: 'NUMBER' },
  { name: 'kernel_rx_buf_size', takes: 'BYTES' },
  { name: 'log_unknown_vrids', takes: '', set: () => ({ logUnknownVrids: true }) },
  { name: 'vmac_prefix', takes: 'PREFIX', set: (arg) => ({ virtualMacPrefix: interfaceName(arg, arg.word('a prefix')) }) },
  { name: 'vmac_addr_prefix', takes: 'PREFIX', set: (arg) => ({ virtualMacAddressPrefix: interfaceName(arg, arg.word('a prefix')) }) },
  { name: 'random_seed', takes: 'NUMBER' },
  { name: 'umask', takes: 'MASK' },
  { name: 'child_wait_time', takes: 'SECONDS' },
  { name: 'linkbeat_use_polling', takes: '' },
  { name: 'net_namespace', takes: 'NAME' },
  { name: 'net_namespace_ipvs', takes: 'NAME' },
  { name: 'namespace_with_ipsets', takes: '' },
  { name: 'use_pid_dir', takes: '' },
  { name: 'include_check', takes: '[OPTION…]' },
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
