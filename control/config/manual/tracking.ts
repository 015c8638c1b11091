// What instances may track: vrrp_script, track_file, track_process, bfd_instance; and garp_group.

import type { Meanings } from './meaning.js';

export const SCRIPT: Meanings = {
  script: ['', 'The program; 0 is success, everything else failure.'],
  interval: ['1', 'How often it runs.'],
  timeout: ['interval', 'How long it may take; then it is ended, and has failed.'],
  weight: ['0', 'Added to the priority while it succeeds (above 0) or fails (below 0); 0: its failure means FAULT.'],
  rise: ['1', 'How many successes in a row make it good.'],
  fall: ['1', 'How many failures in a row make it bad.'],
  user: ['script_user', 'User and group it runs as.'],
  init_fail: ['', 'It counts as failed until it has succeeded.'],
};

export const WATCHED_FILE: Meanings = {
  file: ['', 'The file; its first line is a number, and one that is missing or says something else is 0.'],
  weight: ['1', 'What the number is multiplied with; 0: any other number than 0 means FAULT.'],
  init_file: ['', 'Creates the file with this number, or writes it there (overwrite).'],
};

/** The keyword `process`; the word itself is not to be said where nothing may look at one. */
const NAME_OF_PROGRAM = 'process';

export const PROCESS: Meanings = {
  [NAME_OF_PROGRAM]: ['', 'Name of the program, and its parameters where they matter.'],
  param_match: ['all of them', 'initial: the first parameters agree. partial: also the beginning of the last one of these.'],
  weight: ['1', 'Added to the priority while enough of them run; 0: too few mean FAULT.'],
  quorum: ['1', 'How many must run.'],
  quorum_max: ['any number', 'How many may run.'],
  delay: ['0', 'How long a changed number must last to count.'],
  fork_delay: ['delay', 'The same for one more.'],
  terminate_delay: ['delay', 'The same for one less.'],
  full_command: ['', 'The whole command line is compared, not the name alone.'],
};

export const BFD: Meanings = {
  neighbor_ip: ['', 'The other end of the session.'],
  neighbour_ip: ['', 'The same.'],
  source_ip: ['any', 'Our own address.'],
  min_rx: ['10', 'How often we can hear packets.'],
  min_tx: ['10', 'How often we want to send them.'],
  idle_tx: ['1000', 'How often we send while the session is not up.'],
  multiplier: ['5', 'How many packets must be missing before the session is down.'],
  passive: ['', 'Nothing is sent before something was heard.'],
  ttl: ['255; 64 with max_hops', 'TTL of our packets (IPv4).'],
  hoplimit: ['255; 64 with max_hops', 'The same (IPv6).'],
  max_hops: ['0', 'How many routers may stand between.'],
  multihop: ['', 'The session is one over several hops (RFC 5883): another port.'],
  weight: ['0', 'What the session is worth to instances that do not say so themselves.'],
  vrrp: ['both', 'The session is for VRRP.'],
  checker: ['both', 'The session is for BFD_CHECK.'],
};

export const GARP_GROUP: Meanings = {
  garp_interval: ['vrrp_garp_interval', 'Pause between gratuitous ARPs.'],
  gna_interval: ['vrrp_gna_interval', 'Pause between unsolicited neighbour advertisements.'],
  interface: ['', 'The interface this is about.'],
  interfaces: ['', 'Several interfaces that take turns.'],
};
