// vrrp_instance, vrrp_sync_group and what stands in them.

import type { Meanings } from './meaning.js';

const NOTIFY: Meanings = {
  notify_master: ['none', 'A program that runs when it becomes MASTER.'],
  notify_backup: ['none', 'A program that runs when it becomes BACKUP.'],
  notify_fault: ['none', 'A program that runs when it enters FAULT.'],
  notify_stop: ['none', 'A program that runs when VRRP ends.'],
  notify: [
    'none',
    'A program that runs at every change, with INSTANCE or GROUP, the name, the state and the priority after its own arguments.',
  ],
  notify_priority_changes: ['vrrp_notify_priority_changes', 'notify is told of changed priorities, too.'],
  smtp_alert: ['smtp_alert_vrrp', 'Mail at every change.'],
};

const TRACK: Meanings = {
  track_interface: [
    'none',
    'Interfaces whose state counts. With a weight the priority changes by it, without one an interface that is down means FAULT; reverse turns both round.',
  ],
  track_script: ['none', 'Scripts (vrrp_script) whose result counts, likewise.'],
  track_file: ['none', 'Files (track_file) whose number, times the weight, is added to the priority; -254 and below, FAULT.'],
  track_process: ['none', 'Processes (track_process) that must run, likewise.'],
  track_bfd: ['none', 'BFD sessions (bfd_instance) that must be up, likewise.'],
  track_virtual_server: ['none', 'Virtual servers that must have their quorum, likewise. Not known to keepalived.'],
  track_dataplane: [
    'none',
    'Whether the data plane forwards: its worker goes on, frames are received or sent on an interface, the flow table is not nearly full (90 percent unless said). Not known to keepalived.',
  ],
};

export const INSTANCE: Meanings = {
  ...NOTIFY,
  ...TRACK,
  state: ['BACKUP', 'The state to begin in, as far as there is no other router; 255 alone begins as MASTER at once.'],
  interface: ['', 'Where adverts are sent and heard, and addresses are held unless they say otherwise.'],
  virtual_router_id: ['', 'Number of the virtual router, the same on all routers of it and unique in the network.'],
  priority: ['100', 'The highest is master; 255, the owner of the addresses.'],
  advert_int: ['1', 'How often a master sends adverts.'],
  version: ['vrrp_version', 'Version of VRRP.'],
  native_ipv6: ['', 'The instance speaks IPv6 though it has no address, or its first is of IPv4.'],
  virtual_ipaddress: ['none', 'Addresses the master holds and advertises, one a line, as of ip-address(8).'],
  no_virtual_ipaddress: ['', 'The instance is meant to have no address: no warning.'],
  virtual_ipaddress_excluded: ['none', 'Addresses the master holds and does not advertise; of either family, and any number.'],
  virtual_routes: ['none', 'Routes the master has, one a line, as of ip-route(8).'],
  virtual_rules: ['none', 'Rules the master has, one a line, as of ip-rule(8).'],
  promote_secondaries: ['false', 'Other addresses of the interface stay when the first of their network goes.'],
  nopreempt: ['', 'A lower master stays master when this router comes back; only with state BACKUP.'],
  preempt: ['', 'The opposite, the default.'],
  preempt_delay: ['0', 'How long a lower master is left alone.'],
  authentication: ['none', 'How adverts are authenticated; VRRPv2 alone.'],
  auth_hmac: ['none', 'Adverts carry a keyed digest (keepalived 2.4).'],
  accept: ['yes, but for vrrp_strict', 'A master takes packets to its addresses.'],
  no_accept: ['', 'A master drops packets to its addresses that are not for a service.'],
  garp_master_delay: ['vrrp_garp_master_delay', 'When a new master announces its addresses for the second time; 0, never.'],
  garp_master_repeat: ['vrrp_garp_master_repeat', 'How many announcements of each address a new master sends at a time.'],
  garp_master_refresh: ['vrrp_garp_master_refresh', 'How often a master announces its addresses again; 0, never.'],
  garp_master_refresh_repeat: ['vrrp_garp_master_refresh_repeat', 'How many announcements of each address it sends then.'],
  garp_lower_prio_delay: ['vrrp_garp_lower_prio_delay', 'As garp_master_delay, after a router of lower priority was heard.'],
  garp_lower_prio_repeat: ['vrrp_garp_lower_prio_repeat', 'As garp_master_repeat, after a router of lower priority was heard.'],
  garp_extra_if: ['vrrp_garp_extra_if', 'How often a virtual MAC address shows itself on the interface below.'],
  vmac_garp_intvl: ['', 'The old name of garp_extra_if.'],
  down_timer_adverts: ['vrrp_down_timer_adverts', 'How many adverts must be missing before a master counts as dead.'],
  lower_prio_no_advert: ['vrrp_lower_prio_no_advert', 'A master does not answer the adverts of a lower priority.'],
  higher_prio_send_advert: ['vrrp_higher_prio_send_advert', 'A master that gives way sends one more advert.'],
  owner_ignore_adverts: ['vrrp_owner_ignore_adverts', 'The owner of the addresses does not listen to others.'],
  skip_check_adv_addr: ['vrrp_skip_check_adv_addr', 'The addresses in adverts are compared once for each master.'],
  strict_mode: ['vrrp_strict', 'What the RFCs do not provide for is refused.'],
  v3_checksum_as_v2: ['v3_checksum_as_v2', 'VRRPv3 over IPv4: the checksum leaves out the pseudo-header.'],
  timer_expired_backup: [
    'none',
    'A router that wakes so late that others must think it dead becomes backup, with this priority if one is given.',
  ],
  thread_timer_expired: ['none', 'The old name of timer_expired_backup.'],
  mcast_src_ip: ['the first address of the interface', 'Where adverts come from.'],
  mcast_dst_ip: ['vrrp_mcast_group4 or 6', 'Where adverts go.'],
  unicast_src_ip: ['the first address of the interface', 'Where adverts by unicast come from.'],
  unicast_peer: ['none', 'The other routers: adverts go to each instead of a group. min_ttl and max_ttl bound what theirs may have.'],
  unicast_ttl: ['255', 'TTL of adverts by unicast.'],
  unicast_fault_no_peer: ['false', 'An instance whose peers are all of the other family is in FAULT.'],
  old_unicast_checksum: ['', 'VRRPv3 by unicast: the checksum as keepalived before 1.3.6 had it. never: not even when a peer sends such.'],
  check_unicast_src: ['vrrp_check_unicast_src', 'Adverts by unicast count only from configured peers.'],
  use_vmac: [
    '',
    'Addresses stand on an interface (macvlan) with the virtual router’s own MAC address, so that no neighbour has to learn another.',
  ],
  use_vmac_addr: ['', 'Likewise for the addresses that say use_vmac.'],
  vmac_xmit_base: ['', 'Adverts go by the interface below, with its own MAC address.'],
  use_ipvlan: ['', 'Addresses stand on an ipvlan.'],
  dont_track_primary: ['', 'The instance does not mind its own interface being down.'],
  track_src_ip: ['', 'FAULT without the configured source address.'],
  vrf: ['none', 'The VRF that adverts are sent and heard in.'],
  debug: ['0', 'keepalived’s debug level.'],
  kernel_rx_buf_size: ['the kernel’s', 'Receive buffers of the socket for adverts.'],
  linkbeat_use_polling: ['false', 'The interface is asked by ioctl whether it has a carrier.'],
  lvs_sync_daemon_interface: ['none', 'Copies connections to the other router by this interface.'],
  notify_deleted: ['none', 'A program that runs when a reload removes it; without one, notify is told DELETED.'],
  notify_master_rx_lower_pri: ['none', 'A program that runs when a master hears an advert of lower priority.'],
};

export const SYNC_GROUP: Meanings = {
  ...NOTIFY,
  ...TRACK,
  group: ['', 'Instances that become master, backup and faulty together.'],
  global_tracking: ['', 'What members track counts for all; the old way to say so.'],
  sync_group_tracking_weight: ['false', 'Members may track with weights, which then change the priorities of all.'],
};

export const AUTHENTICATION: Meanings = {
  auth_type: ['', 'PASS: a password that everybody on the wire can read. AH: IPsec AH with HMAC-MD5-96.'],
  auth_pass: ['', 'The password or key; of PASS eight characters count.'],
};

export const AUTH_HMAC: Meanings = {
  key: ['', 'A number and a key: text, hex digits behind hex:, or the name of a file behind file:.'],
  active_key: ['the first', 'Which of them signs our own adverts.'],
  anti_replay: ['time', 'What the counter in adverts is made of.'],
  time_window: ['', 'How far the clocks of routers may be apart.'],
  mode: ['enforce', 'What happens to adverts without a right digest: dropped; counted and taken; ours are not signed either.'],
};
