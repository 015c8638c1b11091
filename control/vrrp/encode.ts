// VRRP adverts from values to bytes: version 2 (RFC 3768) and 3 (RFC 9568), over IPv4 and IPv6. decode.ts is the way back.

import type { VrrpInstance } from '../config/model.js';
import { addressBytes } from './address-bytes.js';
import { passwordBytes } from './authenticator.js';
import { concatenate, internetChecksum, pseudoHeader } from './packet.js';

export const GROUP_ADDRESS = { 4: '224.0.0.18', 6: 'ff02::12' } as const;
export const HEADER_LENGTH = 8;
/** Version 2 sends it even when it has no authentication. */
export const AUTHENTICATION_LENGTH = 8;
export const TYPE_ADVERTISEMENT = 1;
export const AUTHENTICATION_TYPE = { none: 0, pass: 1, ah: 2 } as const;
const CHECKSUM_OFFSET = 6;

export interface Variant {
  /** Absent: the multicast group. */
  readonly destination?: string;
  /** What auth_hmac has to say of the advert it is given. */
  readonly trailer?: (advert: Uint8Array) => Uint8Array;
  /** The checksum keepalived had until 1.3.6. */
  readonly toMulticastGroup?: boolean;
}

/** The advert that `instance` sends from `source`, as an IP packet carries it; over IPv6 `source` is the link-local address. */
export function encode(instance: VrrpInstance, priority: number, source: string, variant: Variant = {}): Uint8Array {
  const addresses = instance.addresses.filter((address) => address.family === instance.family).map(({ address }) => addressBytes(address));
  const data = instance.version === 2 ? authenticationData(instance) : new Uint8Array();
  const advert = concatenate([header(instance, priority, addresses.length), ...addresses, data]);
  const message = concatenate([advert, variant.trailer?.(advert) ?? new Uint8Array()]);
  // Over IPv6 keepalived leaves the checksum to the kernel, which takes all of the packet.
  const summed = instance.family === 6 ? message : advert;
  const before = checksumPrefix(instance, { source, destination: pseudoDestination(instance, variant), length: summed.length });
  new DataView(message.buffer).setUint16(CHECKSUM_OFFSET, internetChecksum(before, summed));
  return message;
}

function header(instance: VrrpInstance, priority: number, addressCount: number): Uint8Array {
  const start = [(instance.version << 4) | TYPE_ADVERTISEMENT, instance.virtualRouterId, priority, addressCount];
  return Uint8Array.from([...start, ...versionSpecific(instance), 0, 0]);
}

/** Version 2: authentication type, seconds. Version 3: four bits that are reserved, twelve of centiseconds. */
function versionSpecific(instance: VrrpInstance): [number, number] {
  if (instance.version === 2) return [AUTHENTICATION_TYPE[instance.authentication.type], wireInterval(instance)];
  const centiseconds = wireInterval(instance);
  return [centiseconds >> 8, centiseconds & 0xff];
}

export function wireInterval({ version, advertIntervalMs }: Pick<VrrpInstance, 'version' | 'advertIntervalMs'>): number {
  const [unitMs, longest] = version === 2 ? [1000, 255] : [10, 4095];
  return Math.min(longest, Math.max(1, Math.round(advertIntervalMs / unitMs)));
}

/** The password of auth_type PASS; eight zeros otherwise. */
export function authenticationData({ authentication }: Pick<VrrpInstance, 'authentication'>): Uint8Array {
  return authentication.type === 'pass' ? passwordBytes({ authentication }) : new Uint8Array(AUTHENTICATION_LENGTH);
}

function pseudoDestination({ family, target }: VrrpInstance, { destination, toMulticastGroup }: Variant): string {
  if (toMulticastGroup === true) return GROUP_ADDRESS[family];
  return destination ?? (target.kind === 'multicast' ? target.group : GROUP_ADDRESS[family]);
}

interface Ends {
  readonly source: string;
  readonly destination: string;
  readonly length: number;
}

function checksumPrefix({ version, family, v3ChecksumAsV2 }: VrrpInstance, { source, destination, length }: Ends): Uint8Array {
  if (version === 2 || (family === 4 && v3ChecksumAsV2)) return new Uint8Array();
  return pseudoHeader(addressBytes(source), addressBytes(destination), length);
}
