// BFD Control packets, to bytes and from bytes. Read first: RFC 5880 4.1, and for what is discarded 6.8.6.

export type BfdState = 'admin-down' | 'down' | 'init' | 'up';

/** Times in milliseconds, which the wire has in microseconds. */
export interface Packet {
  readonly state: BfdState;
  readonly diagnostic: number;
  readonly poll: boolean;
  readonly final: boolean;
  readonly demand: boolean;
  readonly multiplier: number;
  /** Of the sender's session, and of the receiver's: 0 when it does not know yet. */
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  readonly desiredMinTxMs: number;
  readonly requiredMinRxMs: number;
}

export type Decoded = { readonly packet: Packet } | { readonly discard: string };

const STATES: readonly BfdState[] = ['admin-down', 'down', 'init', 'up'];
const VERSION = 1;
const LENGTH = 24;
const POLL = 0x20;
const FINAL = 0x10;
const AUTHENTICATION = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;
const MICROSECONDS = 1000;

export function encode(packet: Packet): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  const view = new DataView(bytes.buffer);
  const flags = (packet.poll ? POLL : 0) | (packet.final ? FINAL : 0) | (packet.demand ? DEMAND : 0);
  view.setUint8(0, (VERSION << 5) | packet.diagnostic);
  view.setUint8(1, (STATES.indexOf(packet.state) << 6) | flags);
  view.setUint8(2, packet.multiplier);
  view.setUint8(3, LENGTH);
  view.setUint32(4, packet.myDiscriminator);
  view.setUint32(8, packet.yourDiscriminator);
  view.setUint32(12, Math.round(packet.desiredMinTxMs * MICROSECONDS));
  view.setUint32(16, Math.round(packet.requiredMinRxMs * MICROSECONDS));
  // The last word says that no Echo packets are taken.
  return bytes;
}

export function decode(bytes: Uint8Array): Decoded {
  if (bytes.length < LENGTH) return { discard: `it has ${bytes.length} bytes, ${LENGTH} are the least` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint8(0) >> 5;
  const flags = view.getUint8(1);
  const length = view.getUint8(3);
  const packet: Packet = {
    state: STATES[flags >> 6] ?? 'down',
    diagnostic: view.getUint8(0) & 0x1f,
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    demand: (flags & DEMAND) !== 0,
    multiplier: view.getUint8(2),
    myDiscriminator: view.getUint32(4),
    yourDiscriminator: view.getUint32(8),
    desiredMinTxMs: view.getUint32(12) / MICROSECONDS,
    requiredMinRxMs: view.getUint32(16) / MICROSECONDS,
  };
  if (version !== VERSION) return { discard: `it is of version ${version}` };
  if (length < LENGTH || length > bytes.length) return { discard: `it says it has ${length} bytes and has ${bytes.length}` };
  if ((flags & AUTHENTICATION) !== 0) return { discard: 'it has authentication, and none is in use' };
  const wrong = fault(packet, (flags & MULTIPOINT) !== 0);
  return wrong === undefined ? { packet } : { discard: wrong };
}

function fault({ multiplier, myDiscriminator, yourDiscriminator, state, poll, final }: Packet, multipoint: boolean): string | undefined {
  if (multiplier === 0) return 'its multiplier is 0';
  if (multipoint) return 'its multipoint bit is set';
  if (myDiscriminator === 0) return 'its own discriminator is 0';
  if (yourDiscriminator === 0 && (state === 'init' || state === 'up')) return `it is ${state} and does not know our discriminator`;
  return poll && final ? 'it is both poll and final' : undefined;
}
