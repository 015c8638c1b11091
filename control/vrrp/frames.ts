// The Ethernet frames that tell a network where an address lives now: gratuitous ARP (RFC 5227) and unsolicited advertisements (RFC 4861).

import { addressBytes } from './address-bytes.js';
import { internetChecksum } from './packet.js';

const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const ALL_NODES = addressBytes('ff02::1');
const ALL_NODES_MAC = [0x33, 0x33, 0, 0, 0, 1];
const ICMPV6 = 58;
/** Router and override, not solicited (RFC 9568 6.4.1). */
const NEIGHBOUR_FLAGS = 0xa0;

export function announcement(mac: string, address: string): Uint8Array {
  const ip = addressBytes(address);
  return ip.length === 4 ? gratuitousArp(macBytes(mac), ip) : unsolicitedAdvertisement(macBytes(mac), ip);
}

/** A request, as keepalived sends it: hosts that ignore unasked replies still learn from it. */
function gratuitousArp(mac: readonly number[], ip: Uint8Array): Uint8Array {
  const ethernetAndIpv4 = [0, 1, 8, 0, 6, 4];
  const request = [0, 1];
  return Uint8Array.from([...BROADCAST, ...mac, 0x08, 0x06, ...ethernetAndIpv4, ...request, ...mac, ...ip, ...BROADCAST, ...ip]);
}

function unsolicitedAdvertisement(mac: readonly number[], ip: Uint8Array): Uint8Array {
  const targetLinkLayerAddress = [2, 1, ...mac];
  const message = Uint8Array.from([136, 0, 0, 0, NEIGHBOUR_FLAGS, 0, 0, 0, ...ip, ...targetLinkLayerAddress]);
  const pseudoHeader = Uint8Array.from([...ip, ...ALL_NODES, 0, 0, 0, message.length, 0, 0, 0, ICMPV6]);
  new DataView(message.buffer).setUint16(2, internetChecksum(pseudoHeader, message));
  const header = [0x60, 0, 0, 0, 0, message.length, ICMPV6, 255, ...ip, ...ALL_NODES];
  return Uint8Array.from([...ALL_NODES_MAC, ...mac, 0x86, 0xdd, ...header, ...message]);
}

export function macBytes(text: string): number[] {
  const bytes = text.split(':').map((part) => Number.parseInt(part, 16));
  if (bytes.length !== 6 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) throw new Error(`expected a MAC address, found "${text}"`);
  return bytes;
}
