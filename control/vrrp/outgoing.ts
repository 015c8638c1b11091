// One advert as the IP packets it leaves in: one to the multicast group, or one to each peer.

import type { VrrpInstance } from '../config/model.js';
import type { Authenticator } from './authenticator.js';
import { encode } from './encode.js';
import { ipv6Packet } from './packet.js';

export interface Outgoing {
  readonly destination: string;
  /** With its IP header. */
  readonly packet: Uint8Array;
}

export interface Sending {
  readonly priority: number;
  readonly source: string;
  readonly authenticator: Authenticator;
  /** A peer was heard to compute the checksum as keepalived did until 1.3.6. */
  readonly toMulticastGroup: boolean;
}

/** The hop limit of what must not cross a router. */
const ON_LINK = 255;

export function outgoing(instance: VrrpInstance, { priority, source, authenticator, toMulticastGroup }: Sending): Outgoing[] {
  const { target, family, authentication } = instance;
  const destinations = target.kind === 'multicast' ? [target.group] : target.peers.map(({ address }) => address);
  const ttl = target.kind === 'multicast' ? ON_LINK : target.ttl;
  const sequence = authentication.type === 'ah' ? authenticator.nextHeader() : 0;
  let signed: Uint8Array | undefined;
  const trailer = (advert: Uint8Array) => {
    signed ??= authenticator.trailer(advert, source);
    return signed;
  };
  return destinations.map((destination) => {
    const payload = encode(instance, priority, source, { destination, trailer, toMulticastGroup });
    const header = { source, destination, ttl };
    const packet = family === 6 ? ipv6Packet(header, payload) : authenticator.ipv4(header, payload, sequence);
    return { destination, packet };
  });
}
