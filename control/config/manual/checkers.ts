// What stands in the blocks of checkers.

import type { Meanings } from './meaning.js';
import { TIMING } from './servers.js';

const { connect_timeout, ...WITHOUT_CONNECTION } = TIMING;

const CHECK: Meanings = {
  ...WITHOUT_CONNECTION,
  log_all_failures: ['checker_log_all_failures', 'Every failed check is logged.'],
};

export const CONNECTION: Meanings = {
  ...CHECK,
  connect_timeout,
  connect_ip: ['the server’s', 'Address to check.'],
  connect_port: ['the server’s', 'Port to check.'],
  bindto: ['any', 'Own address to check from.'],
  bind_port: ['any', 'Own port to check from.'],
  bind_if: ['by the routes', 'Interface to check by.'],
  fwmark: ['0', 'Mark of the packets of the check.'],
};

export const HTTP: Meanings = {
  ...CONNECTION,
  http_protocol: ['1.0', 'Version of HTTP; 1.0C asks to keep the connection, 1.1 closes it.'],
  virtualhost: ['that of the server', 'The host that is asked for.'],
  nb_get_retry: ['', 'The old name of retry.'],
  fast_recovery: ['false', 'A server that must prove itself is asked for all its urls in a row, not for one each delay_loop.'],
  url: ['', 'What is asked for; several are asked for one after the other.'],
  enable_sni: ['false', 'The virtual host is named in the TLS handshake.'],
  sni_name: ['virtualhost', 'The name in the TLS handshake.'],
};

export const SSL: Meanings = {
  ...HTTP,
  tls_compliant: ['false', 'A connection that ends without the end of TLS is an error.'],
};

export const URL: Meanings = {
  path: ['/', 'What is asked for.'],
  digest: ['none', 'MD5 of what must come, see natlb genhash.'],
  status_code: ['200-299', 'Which status is right.'],
  virtualhost: ['that of the checker', 'The host that is asked for.'],
  regex: ['none', 'A pattern, as JavaScript has them, that the first MiB of what comes must match, within 25 ms.'],
  regex_no_match: ['', 'It must not match.'],
  regex_options: ['none', 'caseless, dotall, multiline, utf or ucp; others that change what matches are errors.'],
  regex_stack: ['', 'Nothing: the matcher is bounded in time instead.'],
  regex_min_offset: ['0', 'Where in the text a match may begin, at the earliest.'],
  regex_max_offset: ['anywhere', 'And at the latest.'],
};

export const TLS_FILES: Meanings = {
  password: ['none', 'Password of the key.'],
  ca: ['none', 'Certificates that servers’ must be signed by; without any, theirs are not looked at, and their names never are.'],
  certificate: ['none', 'Our own certificate.'],
  key: ['none', 'Its key.'],
};

export const SMTP: Meanings = {
  ...CONNECTION,
  helo_name: ['smtp_helo_name', 'How we greet.'],
  host: ['', 'Another address, port or way to check, in the old form.'],
};

export const DNS: Meanings = {
  ...CONNECTION,
  type: ['SOA', 'Type of the query.'],
  name: ['.', 'Name of the query.'],
};

export const UDP: Meanings = {
  ...CONNECTION,
  payload: ['a few bytes', 'What is sent.'],
  require_reply: ['', 'It must be answered, with a mask if one is given.'],
  min_reply_length: ['0', 'The shortest answer that is right.'],
  max_reply_length: ['255', 'The longest.'],
};

export const MISC: Meanings = {
  ...CHECK,
  misc_path: ['', 'The program; 0 is success.'],
  misc_timeout: ['delay_loop', 'How long it may take.'],
  misc_dynamic: ['', 'It exits with 0 (up), 1 (down) or 2 to 255 (up, with a weight two less).'],
  user: ['script_user', 'User and group it runs as.'],
};

export const BFD_CHECK: Meanings = {
  name: ['', 'The bfd_instance.'],
  alpha: ['false', 'Down until the session is up.'],
};

export const FILE_CHECK: Meanings = {
  track_file: ['', 'The track_file.'],
  weight: ['that of the track_file', 'What its number is multiplied with; 0: any other number than 0 is a failure.'],
  dynamic: ['', 'Nothing: the number, times the weight, is always added to the server’s weight.'],
};
