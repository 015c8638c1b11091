// What natlb.conf(5) says of each block, in the order it says it.

import { BFD_CHECK, CONNECTION, DNS, FILE_CHECK, HTTP, MISC, SMTP, SSL, TLS_FILES, UDP, URL } from './checkers.js';
import { GLOBAL } from './global.js';
import type { Meanings } from './meaning.js';
import { NATLB } from './natlb.js';
import { REAL_SERVER, SERVICE_OPTIONS, VIRTUAL_SERVER } from './servers.js';
import { TOP } from './top.js';
import { BFD, GARP_GROUP, PROCESS, SCRIPT, WATCHED_FILE } from './tracking.js';
import { AUTH_HMAC, AUTHENTICATION, INSTANCE, SYNC_GROUP } from './vrrp.js';

/** By the name of the block. */
export const MANUAL: Readonly<Record<string, Meanings>> = {
  'the top of the file': TOP,
  natlb: NATLB,
  global_defs: GLOBAL,
  vrrp_instance: INSTANCE,
  authentication: AUTHENTICATION,
  auth_hmac: AUTH_HMAC,
  vrrp_sync_group: SYNC_GROUP,
  garp_group: GARP_GROUP,
  vrrp_script: SCRIPT,
  track_file: WATCHED_FILE,
  track_process: PROCESS,
  bfd_instance: BFD,
  virtual_server: VIRTUAL_SERVER,
  'natlb within virtual_server': SERVICE_OPTIONS,
  real_server: REAL_SERVER,
  TCP_CHECK: CONNECTION,
  HTTP_GET: HTTP,
  SSL_GET: SSL,
  url: URL,
  SSL: TLS_FILES,
  SMTP_CHECK: SMTP,
  DNS_CHECK: DNS,
  MISC_CHECK: MISC,
  UDP_CHECK: UDP,
  PING_CHECK: CONNECTION,
  BFD_CHECK,
  FILE_CHECK,
};
