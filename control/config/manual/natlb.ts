// natlb { … }, which keepalived does not know.

import type { Meanings } from './meaning.js';

export const NATLB: Meanings = {
  interfaces: ['those of instances, and of routes to servers', 'Interfaces that packets are forwarded between.'],
  backend: ['auto', 'af_xdp, af_packet, or auto: the first of them that the interfaces and the kernel allow.'],
  flow_table_size: ['1000000', 'How many flows there are at most; 100 bytes each.'],
  metrics: ['none', 'Where Prometheus finds the metrics.'],
  run_dir: ['/run/natlb', 'Where natlb keeps its socket, flow table and dumps.'],
  firewall_mark: ['', 'What traffic a mark stands for, in virtual servers that are one.'],
  firewall_rules: ['', 'Output of iptables-save or nft -j that says so.'],
  timeouts: ['rfc', 'Idle times: those of RFC 5382 and RFC 4787 or those of IPVS, and single ones by the name of the state.'],
  takeover_window: ['10', 'How long after an address came here packets of unknown connections are dropped in silence, not reset.'],
  half_open_limit: [
    'a quarter of the table, a sixteenth of that',
    'How many TCP connections of a service, and of one network with it, may be unanswered at a time.',
  ],
};
