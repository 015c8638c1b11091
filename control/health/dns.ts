// A DNS question and whether a message answers it: RFC 1035 4.1. So little of DNS that node:dns would be more: it has servers of its own
// choosing, asks again by itself, and tells neither rcodes nor which datagram answered.

import type { DnsCheck, DnsType } from '../config/checker.js';

const TYPES: Readonly<Record<DnsType, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28, RRSIG: 46, DNSKEY: 48 };
const CLASS_INTERNET = 1;
const RECURSION_DESIRED = 0x0100;
const HEADER_BYTES = 12;

export function encodeQuery({ type, name }: DnsCheck, id: number): Uint8Array {
  const labels = name === '' ? [] : name.split('.').map((label) => new TextEncoder().encode(label));
  const question = [...labels.flatMap((label) => [label.length, ...label]), 0, ...uint16(TYPES[type]), ...uint16(CLASS_INTERNET)];
  return Uint8Array.from([
    ...uint16(id),
    ...uint16(RECURSION_DESIRED),
    ...uint16(1),
    ...uint16(0),
    ...uint16(0),
    ...uint16(0),
    ...question,
  ]);
}

export type DnsAnswer = { readonly kind: 'other' } | { readonly kind: 'answer'; readonly rcode: number };

/** What is no response to the question with this id is another's. */
export function readAnswer(message: Uint8Array, id: number): DnsAnswer {
  if (message.length < HEADER_BYTES) return { kind: 'other' };
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const flags = view.getUint16(2);
  const isResponse = flags >> 15 === 1;
  return isResponse && view.getUint16(0) === id ? { kind: 'answer', rcode: flags & 0xf } : { kind: 'other' };
}

function uint16(value: number): [number, number] {
  return [(value >> 8) & 0xff, value & 0xff];
}
