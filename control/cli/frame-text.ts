// A frame in a few words: who sends what to whom.

import { addressOf } from '../config/address.js';

const IPV6 = 0x86dd;

/** `hex`: an Ethernet frame with an IP packet without extension headers, such as natlb makes. */
export function frameText(hex: string): string {
  const ip = Buffer.from(hex, 'hex').subarray(14);
  const isV6 = Buffer.from(hex, 'hex').readUInt16BE(12) === IPV6;
  const [protocol, ttl] = isV6 ? [ip.readUInt8(6), ip.readUInt8(7)] : [ip.readUInt8(9), ip.readUInt8(8)];
  const [source, target] = isV6 ? [address(ip, 8, 16), address(ip, 24, 16)] : [address(ip, 12, 4), address(ip, 16, 4)];
  const l4 = ip.subarray(isV6 ? 40 : (ip.readUInt8(0) & 15) * 4);
  const layer = LAYERS[protocol];
  if (layer === undefined) return `${source} > ${target}, protocol ${protocol}, TTL ${ttl}`;
  const ends = layer.hasPorts ? [endpoint(source, l4.readUInt16BE(0)), endpoint(target, l4.readUInt16BE(2))] : [source, target];
  return `${ends.join(' > ')}, ${layer.text(l4)}, TTL ${ttl}`;
}

function address(ip: Buffer, at: number, length: 4 | 16): string {
  return addressOf(length === 4 ? 4 : 6, BigInt(`0x${ip.toString('hex', at, at + length)}`)).text;
}

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

interface Layer {
  readonly hasPorts: boolean;
  readonly text: (l4: Buffer) => string;
}

const LAYERS: Readonly<Record<number, Layer>> = {
  1: { hasPorts: false, text: (l4) => icmp('ICMP', ICMP_TYPES, l4) },
  6: { hasPorts: true, text: (l4) => `TCP ${flags(l4.readUInt8(13))}` },
  17: { hasPorts: true, text: () => 'UDP' },
  58: { hasPorts: false, text: (l4) => icmp('ICMPv6', ICMP6_TYPES, l4) },
  132: { hasPorts: true, text: (l4) => `SCTP ${CHUNKS[l4.readUInt8(12)] ?? `chunk ${l4.readUInt8(12)}`}` },
};

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const;

function flags(bits: number): string {
  return TCP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(' ');
}

const CHUNKS: Readonly<Record<number, string>> = { 1: 'INIT', 4: 'HEARTBEAT', 6: 'ABORT', 14: 'SHUTDOWN COMPLETE' };
const ICMP_TYPES: Readonly<Record<number, string>> = { 3: 'unreachable', 11: 'time exceeded' };
const ICMP6_TYPES: Readonly<Record<number, string>> = { 1: 'unreachable', 2: 'packet too big', 3: 'time exceeded' };

function icmp(name: string, types: Readonly<Record<number, string>>, l4: Buffer): string {
  const type = l4.readUInt8(0);
  return `${name} ${types[type] ?? `type ${type}`}, code ${l4.readUInt8(1)}`;
}
