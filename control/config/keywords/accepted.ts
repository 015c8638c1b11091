// Keywords that are read and need nothing done: what they ask for is so anyway, or has no meaning where the packets are not the kernel's.

import { checkOf } from '../include.js';
import type { Arguments, Keyword, Placed } from '../keyword.js';

type Read = (arg: Arguments) => void;

const UNSIGNED = 2 ** 32 - 1;
const SIGNED = 2 ** 31;

const nothing: Read = () => undefined;
const word: Read = (arg) => void arg.word('a value');
const optionalWord: Read = (arg) => void (arg.more() && arg.word(''));
const anyWords: Read = (arg) => void (arg.more() && arg.rest('values'));
const boolean: Read = (arg) => void arg.flag();
const size = whole(0, UNSIGNED);

function whole(from: number, to: number): Read {
  return (arg) => void arg.integer(from, to);
}

/** keepalived has one of each for its processes. */
function each(names: readonly string[], rest: string, takes: string, read: Read, happens: string): Keyword<Placed>[] {
  return names.map((name) => accepted(`${name}_${rest}`, takes, read, happens));
}

function accepted(name: string, takes: string, read: Read, happens: string): Keyword<Placed> {
  const set = (arg: Arguments): Record<string, never> => {
    read(arg);
    return {};
  };
  return { name, takes, set, happens };
}

const PROCESSES = ['vrrp', 'checker', 'bfd'];
const NETLINK = ['vrrp_netlink_cmd', 'vrrp_netlink_monitor', 'lvs_netlink_cmd', 'lvs_netlink_monitor', 'process_monitor'];

const UNNAMED = 'the processes are named natlb';
const NO_SNMP = 'there is no SNMP agent; the metrics page has these numbers';
const NO_IPTABLES = 'no_accept needs no rules of iptables';
const OWN_TABLE = 'the guard has a table of its own, inet natlb';
const NO_MARKS = 'services need no rules that set firewall marks';
const NOT_RAISED = 'the timers of VRRP need no priority above other programs: packets have a process of their own';
const OWN_BUFFERS = 'natlb asks the kernel again for whatever a full buffer lost';
const FEW_ADVERTS = 'adverts are few; the buffers of the kernel hold them';
const NO_IPVS = 'no service of IPVS is touched; the flow table is in a file of the run directory';
const BY_NETLINK = 'the kernel tells when a link goes down';
const NOT_SWAPPED = 'nothing waits for the memory of the control process';

export const acceptedGlobals: readonly Keyword<Placed>[] = [
  accepted('process_names', '', nothing, UNNAMED),
  accepted('process_name', 'NAME', word, UNNAMED),
  ...each([...PROCESSES, 'lvs'], 'process_name', 'NAME', word, UNNAMED),
  accepted('tmp_config_directory', 'DIRECTORY', word, 'no copy of the configuration is needed'),
  accepted('config_save_dir', 'DIRECTORY', word, 'natlb diff shows what a reload changes'),
  accepted('use_symlink_paths', '[BOOL]', boolean, 'programs are run by the name they are given'),
  accepted('iproute_etc_dir', 'DIRECTORY', word, 'names are looked up where iproute2 has them'),
  accepted('iproute_usr_dir', 'DIRECTORY', word, 'names are looked up where iproute2 has them'),
  accepted('vrrp_vmac_garp_intvl', '[all] SECONDS', anyWords, 'write vrrp_garp_extra_if'),
  accepted('lvs_flush', '', nothing, NO_IPVS),
  accepted('lvs_flush_on_stop', '[VS]', optionalWord, NO_IPVS),
  accepted('lvs_flush_onstop', '[VS]', optionalWord, NO_IPVS),
  accepted('vrrp_iptables', '[CHAIN [CHAIN]]', anyWords, NO_IPTABLES),
  accepted('vrrp_ipsets', '[NAME…]', anyWords, NO_IPTABLES),
  accepted('nftables', '[TABLE]', optionalWord, OWN_TABLE),
  accepted('nftables_priority', 'PRIORITY', whole(-SIGNED, SIGNED - 1), OWN_TABLE),
  accepted('nftables_counters', '', nothing, OWN_TABLE),
  accepted('nftables_ifindex', '', nothing, OWN_TABLE),
  accepted('nftables_ipvs', '[TABLE]', optionalWord, NO_MARKS),
  accepted('nftables_ipvs_priority', 'PRIORITY', whole(-SIGNED, SIGNED - 1), NO_MARKS),
  accepted('nftables_ipvs_start_fwmark', 'MARK', whole(1, UNSIGNED), NO_MARKS),
  accepted('disable_local_igmp', '', nothing, 'membership of the group of VRRP is left to the kernel'),
  accepted('max_auto_priority', '[PRIORITY]', (arg) => void (arg.more() && arg.integer(-1, 99)), NOT_RAISED),
  accepted('min_auto_priority_delay', 'MICROSECONDS', whole(1, 10_000_000), NOT_RAISED),
  ...each(PROCESSES, 'priority', 'NICE', whole(-20, 19), NOT_RAISED),
  ...each(PROCESSES, 'rt_priority', 'PRIORITY', whole(-SIGNED, SIGNED - 1), NOT_RAISED),
  ...each(PROCESSES, 'rlimit_rttime', 'MICROSECONDS', whole(1, UNSIGNED), NOT_RAISED),
  ...each(PROCESSES, 'rlimit_rtime', 'MICROSECONDS', whole(1, UNSIGNED), NOT_RAISED),
  ...each(PROCESSES, 'cpu_affinity', 'CPU…', (arg) => void arg.rest('numbers of processors'), 'who runs where is left to the kernel'),
  ...each(PROCESSES, 'no_swap', '', nothing, NOT_SWAPPED),
  ...each(NETLINK, 'rcv_bufs', 'BYTES', size, OWN_BUFFERS),
  ...each(NETLINK, 'rcv_bufs_force', '[BOOL]', boolean, OWN_BUFFERS),
  accepted('vrrp_rx_bufs_policy', 'MTU|ADVERT|BYTES', anyWords, FEW_ADVERTS),
  accepted('vrrp_rx_bufs_multiplier', 'NUMBER', whole(1, UNSIGNED), FEW_ADVERTS),
  accepted('kernel_rx_buf_size', 'BYTES', size, FEW_ADVERTS),
  accepted('rs_init_notifies', '', nothing, 'servers are told of when their state changes'),
  accepted('snmp_socket', 'SOCKET', word, NO_SNMP),
  ...['keepalived', 'vrrp', 'checker', 'rfc', 'rfcv2', 'rfcv3'].map((part) => accepted(`enable_snmp_${part}`, '', nothing, NO_SNMP)),
  accepted('enable_traps', '', nothing, NO_SNMP),
  accepted('snmp_vs_stats_update_interval', 'SECONDS', word, NO_SNMP),
  accepted('snmp_rs_stats_update_interval', 'SECONDS', word, NO_SNMP),
  accepted('umask', 'MASK', word, 'what natlb writes is for its own user only'),
];

/** What stands outside of global_defs. */
export const acceptedAtTheTop: readonly Keyword<Placed>[] = [
  accepted('child_wait_time', 'SECONDS', size, 'the data plane ends with the process that started it'),
  accepted('linkbeat_use_polling', '', nothing, BY_NETLINK),
  accepted('namespace_with_ipsets', '', nothing, NO_IPTABLES),
  accepted('use_pid_dir', '', nothing, 'the run directory is run_dir in natlb { }'),
  accepted('linkbeat_interfaces', '{ INTERFACE… }', (arg) => void arg.lines((line) => line.rest('names of interfaces')), BY_NETLINK),
];

/** What the text layer has done already when the words are read; here they are looked at. */
export const textKeywords: readonly Keyword<Placed>[] = [
  { name: 'random_seed', takes: 'NUMBER', set: randomSeed },
  { name: 'include_check', takes: '[[+|-]readable|match|wildcard_match|brace_match…]', set: includeCheck },
];

function randomSeed(arg: Arguments): Record<string, never> {
  size(arg);
  return {};
}

function includeCheck(arg: Arguments): Record<string, never> {
  while (arg.more()) {
    const check = arg.word('');
    if (checkOf(check) === undefined) arg.error(`expected readable, match, wildcard_match or brace_match, found '${check.slice(0, 60)}'`);
  }
  return {};
}
