// The states of a TCP flow, its idle times and what moves it, as IPVS documents them, written as the table one reads: rows are what a packet
// says, columns the state before (ip_vs_proto_tcp.c).

export type Side = 'client' | 'server';

/** Seconds a state lasts without a packet, and whether a flow in it counts as active. */
export const STATES: Readonly<Record<string, { readonly seconds: number; readonly active: boolean }>> = {
  NONE: { seconds: 2, active: false },
  ESTABLISHED: { seconds: 900, active: true },
  SYN_SENT: { seconds: 120, active: true },
  SYN_RECV: { seconds: 60, active: true },
  FIN_WAIT: { seconds: 120, active: false },
  TIME_WAIT: { seconds: 120, active: false },
  CLOSE: { seconds: 10, active: false },
  CLOSE_WAIT: { seconds: 60, active: false },
  LAST_ACK: { seconds: 30, active: false },
  LISTEN: { seconds: 120, active: false },
  SYNACK: { seconds: 120, active: true },
  UDP: { seconds: 300, active: false },
};

const SHORT: Readonly<Record<string, string>> = {
  NO: 'NONE',
  ES: 'ESTABLISHED',
  SS: 'SYN_SENT',
  SR: 'SYN_RECV',
  FW: 'FIN_WAIT',
  TW: 'TIME_WAIT',
  CL: 'CLOSE',
  CW: 'CLOSE_WAIT',
  LA: 'LAST_ACK',
  LI: 'LISTEN',
  SA: 'SYNACK',
};

const TABLE = `
client     NO ES SS SR FW TW CL CW LA LI SA
client SYN SR ES ES SR SR SR SR SR SR SR SR
client FIN CL CW SS TW TW TW CL CW LA LI TW
client ACK ES ES SS ES FW TW CL CW CL LI ES
client RST CL CL CL SR CL CL CL CL LA LI SR
server SYN SS ES SS SR SS SS SS SS SS LI SR
server FIN TW FW SS TW FW TW CL TW LA LI TW
server ACK ES ES SS ES FW TW CL CW LA ES ES
server RST CL CL SS CL CL TW CL CL CL CL CL
`;

const ROWS = TABLE.trim()
  .split('\n')
  .map((line) => line.split(/\s+/));
const COLUMNS = ROWS[0]!.slice(1);

/** `flags`: letters of R S F A. RST counts before SYN, SYN before FIN, FIN before ACK; a segment with none of them closes. */
export function nextState(state: string, side: Side, flags: string): string {
  const said = flags.includes('R')
    ? 'RST'
    : flags.includes('S')
      ? 'SYN'
      : flags.includes('F')
        ? 'FIN'
        : flags.includes('A')
          ? 'ACK'
          : undefined;
  if (said === undefined) return 'CLOSE';
  const row = ROWS.find(([who, what]) => who === side && what === said)!;
  return SHORT[row[2 + COLUMNS.findIndex((short) => SHORT[short] === state)]!]!;
}
