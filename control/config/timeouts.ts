// How long a flow may be idle, by state: the two profiles, and what lvs_timeouts and `timeouts { … }` change in them.

import type { Timeouts } from '../../dataplane/protocol.js';

export type Profile = 'rfc' | 'ipvs';

const second = 1000;

/** Linux 6.1 net/netfilter/ipvs/ip_vs_proto_tcp.c, ip_vs_proto_udp.c, ip_vs_proto_sctp.c: what keepalived's users expect. */
const IPVS: Timeouts = {
  NONE: 2 * second,
  ESTABLISHED: 900 * second,
  SYN_SENT: 120 * second,
  SYN_RECV: 60 * second,
  FIN_WAIT: 120 * second,
  TIME_WAIT: 120 * second,
  CLOSE: 10 * second,
  CLOSE_WAIT: 60 * second,
  LAST_ACK: 30 * second,
  LISTEN: 120 * second,
  SYNACK: 120 * second,
  UDP: 300 * second,
  SCTP_NONE: 2 * second,
  SCTP_INIT1: 4 * second,
  SCTP_INIT: 61 * second,
  SCTP_C_SENT: 61 * second,
  SCTP_C_REPLIED: 61 * second,
  SCTP_C_WAIT: 61 * second,
  SCTP_COOKIE: 61 * second,
  SCTP_C_ECHOED: 61 * second,
  SCTP_ESTABLISHED: 900 * second,
  SCTP_S_SENT: 61 * second,
  SCTP_S_RECEIVED: 61 * second,
  SCTP_S_ACK_SENT: 61 * second,
  SCTP_REJECTED: 4 * second,
  SCTP_CLOSED: 61 * second,
};

const TRANSITORY = 240 * second;

/**
 * RFC 5382 REQ-5: two hours and four minutes for an established connection, so that a TCP keepalive comes in time; four minutes for one that
 * is opening or closing, and after an RST (RFC 7857 section 2.2). RFC 4787 REQ-5: five minutes for UDP. LISTEN waits for somebody and is no connection
 * yet; SCTP keeps itself alive (RFC 9260 section 8.3).
 */
const RFC: Timeouts = {
  ...IPVS,
  ESTABLISHED: 7440 * second,
  SYN_SENT: TRANSITORY,
  SYN_RECV: TRANSITORY,
  FIN_WAIT: TRANSITORY,
  TIME_WAIT: TRANSITORY,
  CLOSE: TRANSITORY,
  CLOSE_WAIT: TRANSITORY,
  LAST_ACK: TRANSITORY,
  SYNACK: TRANSITORY,
};

/** As native/core/flow_state.h names them: those of `ipvsadm -Lnc`, SCTP's with SCTP before them. */
export const STATES: readonly string[] = Object.keys(IPVS);

export const PROFILES: Readonly<Record<Profile, Timeouts>> = { rfc: RFC, ipvs: IPVS };

/** What `lvs_timeouts` and `ipvsadm --set` call by names of their own. */
export interface LvsTimeouts {
  readonly tcpMs?: number;
  readonly tcpFinMs?: number;
  readonly udpMs?: number;
}

export function withLvsTimeouts(timeouts: Timeouts, { tcpMs, tcpFinMs, udpMs }: LvsTimeouts): Timeouts {
  return {
    ...timeouts,
    ...(tcpMs === undefined ? {} : { ESTABLISHED: tcpMs }),
    ...(tcpFinMs === undefined ? {} : { FIN_WAIT: tcpFinMs }),
    ...(udpMs === undefined ? {} : { UDP: udpMs }),
  };
}
