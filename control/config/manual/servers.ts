// virtual_server, real_server and virtual_server_group.

import type { Meanings } from './meaning.js';

/** What a virtual server, a real server and a checker can each say; the innermost counts. */
export const TIMING = {
  delay_loop: ['60', 'How long after one check the next begins.'],
  connect_timeout: ['5', 'How long a connection, and an answer, may take.'],
  retry: ['1; 0 for MISC_CHECK, 3 for DNS_CHECK', 'How many failures in a row are forgiven.'],
  delay_before_retry: ['1; 3 for HTTP_GET and SSL_GET, delay_loop for DNS_CHECK', 'How soon a failed check is repeated.'],
  warmup: ['delay_loop', 'The first check begins at a random moment within this time.'],
  alpha: ['false', 'Servers count as down until a check has succeeded.'],
} satisfies Meanings;

const POOL: Meanings = {
  ...TIMING,
  weight: ['1', 'Share of the connections; 0: no new ones.'],
  inhibit_on_failure: ['false', 'A server that is down stays with weight 0, and its TCP connections go on.'],
  virtualhost: ['none', 'The host that HTTP_GET and SSL_GET ask for.'],
  lvs_method: ['NAT', 'How packets are forwarded; natlb translates them, and can nothing else.'],
  smtp_alert: ['smtp_alert_checker; else true for real servers, false for virtual ones', 'Mail at every change.'],
  snmp_name: ['none', 'Name in SNMP.'],
};

export const VIRTUAL_SERVER: Meanings = {
  ...POOL,
  lb_kind: ['NAT', 'How packets are forwarded.'],
  ip_family: ['that of its address or servers', 'Family of a virtual server that is a firewall mark.'],
  protocol: ['UDP', 'TCP, UDP or SCTP. Say it: hardly anybody means the default, which is IPVS’s.'],
  lb_algo: ['wlc', 'Scheduler: rr, wrr, lc, wlc, sh, dh, mh, sed, nq, fo, ovf or twos.'],
  lvs_sched: ['wlc', 'The same.'],
  quorum: ['1', 'Weight of the servers that must be up; below it the sorry server takes over.'],
  hysteresis: ['0', 'How much more than the quorum gets it back, and how much less loses it.'],
  quorum_up: ['none', 'A program that runs when the quorum is there.'],
  quorum_down: ['none', 'A program that runs when it is lost.'],
  sorry_server: ['none', 'Who serves while the quorum is lost.'],
  sorry_server_inhibit: ['', 'The sorry server stays in the pool, with weight 0 while it is not needed.'],
  sorry_server_lvs_method: ['NAT', 'How packets are forwarded to it.'],
  real_server: ['none', 'A server; without a port, the virtual server’s.'],
  'flag-1': ['', 'The scheduler’s first flag: sh-fallback or mh-fallback.'],
  'flag-2': ['', 'The scheduler’s second flag: sh-port or mh-port.'],
  'flag-3': ['', 'The scheduler’s third flag.'],
  'sh-port': ['', 'Scheduler sh also goes by the client’s port.'],
  'sh-fallback': ['', 'Scheduler sh passes over servers that are down.'],
  'mh-port': ['', 'Scheduler mh also goes by the client’s port.'],
  'mh-fallback': ['', 'Scheduler mh passes over servers that are down.'],
  ops: ['', 'Every packet is scheduled anew; UDP alone.'],
  hashed: ['', 'As IPVS has it of every service anyway.'],
  persistence_engine: ['none', 'An engine that looks for persistence in packets: refused, natlb has none.'],
  persistence_timeout: ['none; 360 without a number', 'How long a client comes to the same server.'],
  persistence_granularity: ['one client', 'Which clients count as one: a mask, or a prefix of IPv6.'],
  natlb: ['', 'What only natlb knows, see natlb within virtual_server.'],
  ha_suspend: ['', 'Servers are checked only while the virtual server’s address is held here.'],
  omega: ['', 'At the end of natlb, notify_down and quorum_down run.'],
};

export const REAL_SERVER: Meanings = {
  ...POOL,
  uthreshold: ['none', 'As many connections it has at most.'],
  lthreshold: ['three quarters of uthreshold', 'Below so many it gets new ones again.'],
  notify_up: ['none', 'A program that runs when it comes up.'],
  notify_down: ['none', 'A program that runs when it goes down.'],
  TCP_CHECK: ['', 'It is up when it takes a TCP connection.'],
  HTTP_GET: ['', 'It is up when it answers HTTP as its urls say.'],
  SSL_GET: ['', 'The same over TLS.'],
  SMTP_CHECK: ['', 'It is up when it greets and takes leave as a mail server.'],
  DNS_CHECK: ['', 'It is up when it answers a DNS query.'],
  MISC_CHECK: ['', 'It is up when a program says so.'],
  UDP_CHECK: ['', 'It is up when it answers a datagram, or at least nobody says that it is unreachable.'],
  PING_CHECK: ['', 'It is up when it answers an echo request.'],
  BFD_CHECK: ['', 'It is up while a BFD session is.'],
  FILE_CHECK: ['', 'Its weight stands in a file.'],
};

export const SERVICE_OPTIONS: Meanings = {
  timeouts: ['those of natlb { timeouts }', 'Idle times of this virtual server’s flows.'],
  no_destination: ['rst for TCP, icmp for UDP', 'What a client is told when there is no server.'],
  resets: ['true', 'A TCP flow that was idle too long, or has lost its server, is ended with RST to both sides.'],
  sloppy: ['never', 'Whether packets in the midst of a TCP connection that is not known may begin a flow.'],
  helper: ['ftp on port 21', 'Whose text is read: FTP’s, so that its data connections are found.'],
};
