// Adverts as they arrive, for tests to bend.

import type { VrrpInstance } from '../../control/config/model.js';
import { addressBytes } from '../../control/vrrp/address-bytes.js';
import { encode } from '../../control/vrrp/encode.js';
import { internetChecksum, type Received } from '../../control/vrrp/packet.js';

export interface Ipv4Header {
  readonly source?: string;
  readonly destination?: string;
  readonly ttl?: number;
  /** Beside what the header says: padding, or a packet cut short. */
  readonly totalLength?: number;
}

export function overIpv4(message: Uint8Array, header: Ipv4Header = {}): Received & { family: 4 } {
  const { source = '10.0.0.2', destination = '224.0.0.18', ttl = 255, totalLength = 20 + message.length } = header;
  const start = [0x45, 0xc0, totalLength >> 8, totalLength & 0xff, 0, 0, 0, 0, ttl, 112, 0, 0];
  return { family: 4, packet: Uint8Array.from([...start, ...addressBytes(source), ...addressBytes(destination), ...message]) };
}

export function overIpv6(message: Uint8Array, source = 'fe80::2', hopLimit = 255): Received & { family: 6 } {
  return { family: 6, message, source, destinations: ['ff02::12', 'fe80::1'], hopLimits: { lowest: hopLimit, highest: hopLimit } };
}

/** With its header, as it stands on the wire. */
export function ipv6Packet(message: Uint8Array, source: string, hopLimit: number, destination = 'ff02::12'): Uint8Array {
  const header = [0x6c, 0, 0, 0, 0, message.length, 112, hopLimit];
  return Uint8Array.from([...header, ...addressBytes(source), ...addressBytes(destination), ...message]);
}

/** What `instance` would send, changed, and with its checksum right again: over the message alone. */
export function crafted(instance: VrrpInstance, change: (message: Uint8Array) => Uint8Array): Uint8Array {
  const message = change(encode({ ...instance, v3ChecksumAsV2: true }, instance.priority, '10.0.0.2'));
  message.set([0, 0], 6);
  const checksum = internetChecksum(message);
  message.set([checksum >> 8, checksum & 0xff], 6);
  return message;
}
