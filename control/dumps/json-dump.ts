// keepalived.json: the VRRP instances with keepalived's keys, for programs that read them.

import type { VirtualAddress, VrrpInstance } from '../config/model.js';
import type { InstanceStatus, VrrpCounters, VrrpState } from '../status.js';
import { addressLine } from './address-line.js';

export interface DumpedInstance {
  readonly instance: VrrpInstance;
  readonly status: InstanceStatus;
}

/** keepalived's numbers for them. */
export const STATE_NUMBERS: Readonly<Record<VrrpState, number>> = { init: 0, backup: 1, master: 2, fault: 3 };
const AUTHENTICATION_TYPES: Readonly<Record<VrrpInstance['authentication']['type'], number>> = { none: 0, pass: 1, ah: 2 };

const STATS: Readonly<Record<string, keyof VrrpCounters>> = {
  advert_rcvd: 'advertsReceived',
  advert_sent: 'advertsSent',
  become_master: 'becameMaster',
  release_master: 'releasedMaster',
  packet_len_err: 'lengthErrors',
  advert_interval_err: 'advertIntervalErrors',
  ip_ttl_err: 'ttlErrors',
  invalid_type_rcvd: 'invalidType',
  addr_list_err: 'addressListErrors',
  invalid_authtype: 'authInvalidType',
  authtype_mismatch: 'authTypeMismatch',
  auth_failure: 'authFailure',
  auth_ext_missing: 'authExtMissing',
  auth_ext_malformed: 'authExtMalformed',
  auth_ext_unknown_key: 'authExtUnknownKey',
  auth_ext_invalid_hmac: 'authExtInvalidHmac',
  auth_ext_stale: 'authExtStale',
  auth_ext_replay: 'authExtReplay',
  pri_zero_rcvd: 'priorityZeroReceived',
  pri_zero_sent: 'priorityZeroSent',
};

/** Version 1 is the list alone. */
export function jsonDump(instances: readonly DumpedInstance[], version: 1 | 2): string {
  const list = instances.map((each) => ({ data: dataOf(each), stats: statsOf(each.status) }));
  return `${JSON.stringify(version === 1 ? list : { vrrp: list })}\n`;
}

function dataOf({ instance, status }: DumpedInstance): Readonly<Record<string, unknown>> {
  const { authentication, addresses, excludedAddresses } = instance;
  const state = STATE_NUMBERS[status.state];
  return {
    iname: instance.name,
    vmac_ifname: instance.virtualMac?.interface ?? '',
    ifp_ifname: instance.interface,
    last_transition: status.lastTransitionMs / 1000,
    garp_delay: instance.garpMasterDelayMs / 1000,
    garp_refresh: Math.floor(instance.garpMasterRefreshMs / 1000),
    garp_rep: instance.garpMasterRepeat,
    garp_refresh_rep: instance.garpMasterRefreshRepeat,
    vrid: instance.virtualRouterId,
    base_priority: instance.priority,
    effective_priority: status.priority,
    vipset: status.state === 'master',
    promote_secondaries: instance.promoteSecondaries ?? false,
    adver_int: instance.advertIntervalMs / 1000,
    accept: instance.noAccept ? 0 : 1,
    nopreempt: !instance.preempt,
    preempt_delay: Math.floor(instance.preemptDelayMs / 1000),
    state,
    // What it would be without what keeps it from it.
    wantstate: status.state === 'fault' ? STATE_NUMBERS.backup : state,
    version: instance.version,
    ...scripts(instance),
    ...listed('vips', addresses, instance),
    ...listed('evips', excludedAddresses, instance),
    auth_type: AUTHENTICATION_TYPES[authentication.type],
    ...(authentication.type === 'none' ? {} : { auth_data: '********' }),
  };
}

function scripts({ notices }: VrrpInstance): Readonly<Record<string, unknown>> {
  const named = [
    ...Object.entries(notices?.scripts ?? {}).map(([state, script]) => [`script_${state.toLowerCase()}`, script] as const),
    ['script', notices?.always] as const,
    ['script_master_rx_lower_pri', notices?.masterReceivedLowerPriority] as const,
  ];
  const given = named.flatMap(([name, script]) => (script === undefined ? [] : [[name, script.argv.join(' ')] as const]));
  return { smtp_alert: notices?.mail ?? false, notify_deleted: notices?.tellsDeleted ?? false, ...Object.fromEntries(given) };
}

function listed(name: string, addresses: readonly VirtualAddress[], instance: VrrpInstance): Readonly<Record<string, unknown>> {
  return addresses.length === 0 ? {} : { [name]: addresses.map((address) => addressLine(address, instance)) };
}

function statsOf({ counters }: InstanceStatus): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(STATS).map(([key, counter]) => [key, counters[counter]]));
}
