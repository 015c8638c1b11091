// The blocks themselves.

import type { Meanings } from './meaning.js';

export const TOP: Meanings = {
  global_defs: ['', 'What holds for everything.'],
  natlb: ['', 'What only natlb knows.'],
  vrrp_instance: ['', 'A virtual router: addresses that one of several machines holds.'],
  vrrp_sync_group: ['', 'Instances that change together.'],
  static_ipaddress: ['', 'Addresses that are held as long as natlb runs.'],
  static_routes: ['', 'Routes likewise.'],
  static_rules: ['', 'Rules likewise.'],
  track_group: ['', 'Instances that fail when a static address, route or rule with this track_group goes.'],
  garp_group: ['', 'Pauses between announcements on some interfaces.'],
  virtual_server_group: ['', 'Addresses, ranges, ports and marks that are one service.'],
  virtual_server: ['', 'A service: an address and port, fwmark MARK, or group NAME.'],
  vrrp_script: ['', 'A program whose result instances track.'],
  track_file: ['', 'A file whose number instances and FILE_CHECK track.'],
  vrrp_track_file: ['', 'The old name of track_file.'],
  track_process: ['', 'Processes that instances track.'],
  vrrp_track_process: ['', 'The old name of track_process.'],
  bfd_instance: ['', 'A BFD session that instances and BFD_CHECK track.'],
  interface_up_down_delays: ['', 'How long an interface must be down, or up, to count as that.'],
  SSL: ['', 'Certificates for SSL_GET.'],
  linkbeat_interfaces: ['none', 'Interfaces that are asked by ioctl whether they have a carrier.'],
  linkbeat_use_polling: ['false', 'All interfaces are.'],
  net_namespace: ['none', 'The network namespace keepalived enters.'],
  net_namespace_ipvs: ['none', 'The network namespace of its virtual servers.'],
  namespace_with_ipsets: ['false', 'Lets it use ipsets there.'],
  instance: ['none', 'Name of this one of several that run on a machine.'],
  use_pid_dir: ['false', 'Where keepalived writes its process numbers.'],
  child_wait_time: ['5', 'How long keepalived waits for its processes to end.'],
};
