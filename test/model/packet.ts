// Packets of the model, and the answers that a packet alone decides.

import type { Service } from '../../dataplane/protocol.js';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Packet {
  readonly protocol: 'tcp' | 'udp';
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** Of TCP: letters of S A F R; none at all is a packet too. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
}

/** What became of a packet: its verdict, and the packet that left, if any. */
export interface Outcome {
  readonly verdict: string;
  readonly sent?: Packet | Unreachable;
}

/** An ICMP error of ours, about the packet that came. */
export interface Unreachable {
  readonly protocol: 'icmp';
  readonly about: Packet;
}

/** TCP's numbers go round at 2^32. */
export function sequence(number: number): number {
  return ((number % 2 ** 32) + 2 ** 32) % 2 ** 32;
}

export function same(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

export function idOf({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}

export function opens({ protocol, flags }: Packet): boolean {
  return protocol === 'udp' || (flags.includes('S') && !/[ARF]/.test(flags));
}

/** What a service says that has nobody to give a first packet to. */
export function refuse(packet: Packet, { noDestination }: Service): Outcome {
  if (noDestination === 'drop') return { verdict: 'no_destination' };
  const resets = packet.protocol === 'tcp' && noDestination !== 'icmp';
  return resets
    ? reset(packet, 'answered_no_destination')
    : { verdict: 'answered_no_destination', sent: { protocol: 'icmp', about: packet } };
}

/** As a host answers a segment of no connection; never a RST. */
export function reset({ protocol, from, to, flags, seq, ack }: Packet, verdict: string): Outcome {
  if (flags.includes('R')) return { verdict: 'no_flow' };
  const taken = (flags.includes('S') ? 1 : 0) + (flags.includes('F') ? 1 : 0);
  const answer = flags.includes('A') ? { flags: 'R', seq: ack, ack: 0 } : { flags: 'RA', seq: 0, ack: sequence(seq + taken) };
  return { verdict, sent: { protocol, from: to, to: from, ...answer } };
}
