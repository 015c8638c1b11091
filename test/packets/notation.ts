// Packets as one line of text, both ways. `198.51.100.7:5000 > 203.0.113.10:80 tcp S seq 1 data 10` is a frame; show() prints a frame so, and
// says what is wrong with it: every checksum is worked out again from the bytes.
//
//   SOURCE > TARGET tcp FLAGS | udp | sctp CHUNKS (sctp.ts) | icmp TYPE/CODE | proto N, then any of
//   ttl N, seq N, ack N, window N, mtu N, data N (bytes 0, 1, 2 …), load HEX, text "JSON",
//   sack LEFT-RIGHT[,LEFT-RIGHT …] (TCP), df, id N, part BEGIN-[END] (of what the IP packet carries, as a fragment; shown with `last` when
//   none follows), opt HEX (IPv4 options), ext HEX NEXT… (IPv6: `ext hop`, `ext dst`, `ext routing`, `ext atomic`), nosum (UDP, SCTP
//   without a checksum), tag N, init N (SCTP), about ( PACKET ) quote N (what an ICMP
//   error quotes, and how many bytes of it), mac other, type HEX, pad N, cut N, poke OFFSET HEX, flip OFFSET (of the frame; of the IP header
//   in what is quoted; checksums around it are then worked out as if nothing had happened to it).

import { isIPv6 } from 'node:net';
import { addressBytes, addressText, checksum, pseudoHeader, sum } from './bytes.js';
import { buildSctp, showSctp } from './sctp.js';

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMP6 = 58;
const SCTP = 132;
const FRAGMENT = 44;
const FLAGS = ['F', 'S', 'R', 'P', 'A', 'U'] as const;
const EXTENSIONS: Readonly<Record<string, { number: number; bytes: string }>> = {
  hop: { number: 0, bytes: '0000010400000000' },
  dst: { number: 60, bytes: '0000010400000000' },
  routing: { number: 43, bytes: '0000000000000000' },
  atomic: { number: 44, bytes: '0000000012345678' },
};

/** The MAC address that `mac other` puts in the place of the interface's own. */
export const OTHER_MAC = Buffer.from('02000000dead', 'hex');
const SENDER_MAC = Buffer.from('020000000099', 'hex');

interface Words {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly protocol: string;
  readonly detail: string;
  readonly options: ReadonlyMap<string, string>;
  readonly about?: string;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** `mac`: of the interface the frame arrives at. */
export function build(text: string, mac: string): Buffer {
  const words = read(text);
  const v6 = isIPv6(words.source.address);
  const ethernet = Buffer.concat([
    words.options.get('mac') === 'other' ? OTHER_MAC : Buffer.from(mac.replaceAll(':', ''), 'hex'),
    SENDER_MAC,
    Buffer.from(words.options.get('type') ?? (v6 ? '86dd' : '0800'), 'hex'),
  ]);
  const frame = Buffer.concat([ethernet, buildIp(words), Buffer.alloc(number(words, 'pad', 0))]);
  return spoil(frame, words).subarray(0, number(words, 'cut', frame.length));
}

function spoil(bytes: Buffer, words: Words): Buffer {
  const [at, poked] = (words.options.get('poke') ?? '0 ').split(' ');
  Buffer.from(poked ?? '', 'hex').copy(bytes, Number(at));
  const flip = number(words, 'flip', -1);
  if (flip >= 0) bytes[flip]! ^= 0xff;
  return bytes;
}

const TWO_WORDS = new Set(['poke']);
const NO_WORDS = new Set(['df', 'nosum', 'partial']);

function read(text: string): Words {
  const quoted = /\babout \((.*)\)/.exec(text);
  const [source, , target, protocol, ...rest] = text
    .replace(/\btext ("(?:[^"\\]|\\.)*")/, (_, quotation: string) => `load ${Buffer.from(JSON.parse(quotation)).toString('hex')}`)
    .replace(/\babout \(.*\)/, '')
    .trim()
    .split(/\s+/);
  const detail = protocol === 'udp' ? '' : rest.shift()!;
  const options = new Map<string, string>();
  while (rest.length > 0) {
    const name = rest.shift()!;
    options.set(name, NO_WORDS.has(name) ? '' : TWO_WORDS.has(name) ? `${rest.shift()} ${rest.shift()}` : rest.shift()!);
  }
  const about = quoted?.[1];
  return {
    source: endpoint(source!),
    target: endpoint(target!),
    protocol: protocol!,
    detail,
    options,
    ...(about === undefined ? {} : { about }),
  };
}

function endpoint(text: string): Endpoint {
  const match = /^\[(.*)\]:(\d+)$/.exec(text) ?? /^([^:]+):(\d+)$/.exec(text);
  return match === null ? { address: text, port: 0 } : { address: match[1]!, port: Number(match[2]) };
}

function number(words: Words, name: string, otherwise: number): number {
  return Number(words.options.get(name) ?? otherwise);
}

function buildIp(words: Words): Buffer {
  const [source, target] = [addressBytes(words.source.address), addressBytes(words.target.address)];
  const v6 = source.length === 16;
  const protocol = protocolNumber(words, v6);
  const payload = buildPayload(words, source, target, protocol);
  const part = partOf(words, payload);
  return v6 ? buildV6(words, source, target, protocol, part) : buildV4(words, source, target, protocol, part);
}

interface Part {
  readonly payload: Buffer;
  readonly begin: number;
  readonly more: boolean;
}

function partOf(words: Words, payload: Buffer): Part {
  const [begin, end] = (words.options.get('part') ?? '0-').split('-').map((at) => (at === '' ? payload.length : Number(at)));
  return { payload: payload.subarray(begin!, end!), begin: begin!, more: end! < payload.length };
}

function protocolNumber({ protocol, detail }: Words, v6: boolean): number {
  const named: Readonly<Record<string, number>> = { tcp: TCP, udp: UDP, sctp: SCTP, icmp: v6 ? ICMP6 : ICMP };
  return named[protocol] ?? Number(detail);
}

function buildV4(words: Words, source: Buffer, target: Buffer, protocol: number, { payload, begin, more }: Part): Buffer {
  const options = Buffer.from(words.options.get('opt') ?? '', 'hex');
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(number(words, 'id', 0), 4);
  header.writeUInt16BE((words.options.has('df') ? 0x4000 : 0) | (more ? 0x2000 : 0) | (begin / 8), 6);
  header[8] = number(words, 'ttl', 64);
  header[9] = protocol;
  source.copy(header, 12);
  target.copy(header, 16);
  options.copy(header, 20);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

function buildV6(words: Words, source: Buffer, target: Buffer, protocol: number, { payload, begin, more }: Part): Buffer {
  const extension = EXTENSIONS[words.options.get('ext') ?? ''];
  const fragment = Buffer.alloc(words.options.has('part') ? 8 : 0);
  if (fragment.length > 0) {
    fragment[0] = protocol;
    fragment.writeUInt16BE(begin | (more ? 1 : 0), 2);
    fragment.writeUInt32BE(number(words, 'id', 0), 4);
  }
  const next = fragment.length > 0 ? FRAGMENT : protocol;
  const option = extension === undefined ? Buffer.alloc(0) : Buffer.from(extension.bytes, 'hex');
  if (extension !== undefined) option[0] = next;
  const extended = Buffer.concat([option, fragment]);
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(extended.length + payload.length, 4);
  header[6] = extension?.number ?? next;
  header[7] = number(words, 'ttl', 64);
  source.copy(header, 8);
  target.copy(header, 24);
  return Buffer.concat([header, extended, payload]);
}

function buildPayload(words: Words, source: Buffer, target: Buffer, protocol: number): Buffer {
  const counted = Buffer.alloc(number(words, 'data', 0)).map((_, at) => at & 0xff);
  const data = Buffer.concat([counted, Buffer.from(words.options.get('load') ?? '', 'hex')]);
  const builders: Readonly<Record<string, () => [payload: Buffer, checksumAt: number]>> = {
    tcp: () => [Buffer.concat([buildTcp(words), data]), 16],
    udp: () => [Buffer.concat([buildUdp(words, data.length), data]), 6],
    icmp: () => [buildIcmp(words, data), 2],
  };
  if (words.protocol === 'sctp') return buildSctp(sctpWords(words, data));
  const builder = builders[words.protocol];
  if (builder === undefined) return data;
  const [payload, at] = builder();
  const pseudo = protocol === ICMP ? Buffer.alloc(0) : pseudoHeader(source, target, protocol, payload.length);
  if (words.options.has('partial')) payload.writeUInt16BE(sum(pseudo), at);
  else if (!words.options.has('nosum')) payload.writeUInt16BE(checksum(pseudo, payload) || 0xffff, at);
  return payload;
}

function sctpWords(words: Words, data: Buffer): Parameters<typeof buildSctp>[0] {
  const zero = words.options.has('nosum') || words.options.has('partial');
  return {
    sourcePort: words.source.port,
    targetPort: words.target.port,
    chunks: words.detail,
    tag: number(words, 'tag', 0),
    init: number(words, 'init', 1),
    data,
    checksum: zero ? 'zero' : 'right',
  };
}

/** RFC 2018 3, behind two no-operations as everybody sends it. */
function buildSack(text: string | undefined): Buffer {
  if (text === undefined) return Buffer.alloc(0);
  const edges = text.split(/[-,]/).map(Number);
  const option = Buffer.alloc(4 + edges.length * 4);
  option.set([1, 1, 5, 2 + edges.length * 4]);
  for (const [at, edge] of edges.entries()) option.writeUInt32BE(edge, 4 + at * 4);
  return option;
}

function buildTcp(words: Words): Buffer {
  const sack = buildSack(words.options.get('sack'));
  const header = Buffer.concat([Buffer.alloc(20), sack]);
  header.writeUInt16BE(words.source.port, 0);
  header.writeUInt16BE(words.target.port, 2);
  header.writeUInt32BE(number(words, 'seq', 0), 4);
  header.writeUInt32BE(number(words, 'ack', 0), 8);
  header[12] = (header.length / 4) << 4;
  header[13] = FLAGS.reduce((flags, letter, bit) => flags | (words.detail.includes(letter) ? 1 << bit : 0), 0);
  header.writeUInt16BE(number(words, 'window', 0), 14);
  return header;
}

function buildUdp(words: Words, length: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(words.source.port, 0);
  header.writeUInt16BE(words.target.port, 2);
  header.writeUInt16BE(8 + length, 4);
  return header;
}

function buildIcmp(words: Words, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  const [type, code] = words.detail.split('/').map(Number);
  header[0] = type!;
  header[1] = code!;
  const mtu = number(words, 'mtu', 0);
  if (mtu > 0) header.writeUInt32BE(mtu, 4);
  const about = words.about === undefined ? undefined : read(words.about);
  const quoted = about === undefined ? Buffer.alloc(0) : spoil(buildIp(about), about);
  return Buffer.concat([header, quoted.subarray(0, number(words, 'quote', quoted.length)), data]);
}

/** The frame as the line that would build it, with `bad …` where a checksum is not what it should be. */
export function show(frame: Buffer, partialChecksum = false): string {
  const ip = frame.subarray(14);
  const v4 = ip[0]! >> 4 === 4;
  const padding = ip.length - (v4 ? ip.readUInt16BE(2) : 40 + ip.readUInt16BE(4));
  return (v4 ? showV4(ip, partialChecksum) : showV6(ip, partialChecksum)) + (padding > 0 ? ` pad ${padding}` : '');
}

type Context = {
  readonly source: Buffer;
  readonly target: Buffer;
  readonly partial: boolean;
  readonly words: readonly string[];
  readonly fragment?: Fragment;
};

interface Fragment {
  readonly begin: number;
  readonly more: boolean;
}

function showV4(ip: Buffer, partial: boolean): string {
  const header = (ip[0]! & 15) * 4;
  const total = ip.readUInt16BE(2);
  const fragment = ip.readUInt16BE(6);
  const words = [
    `ttl ${ip[8]}`,
    ...(fragment & 0x4000 ? ['df'] : []),
    ...(ip.readUInt16BE(4) > 0 ? [`id ${ip.readUInt16BE(4)}`] : []),
    ...(header > 20 ? [`opt ${ip.toString('hex', 20, header)}`] : []),
    ...(sum(ip.subarray(0, header)) === 0xffff ? [] : ['bad ip checksum']),
    ...(total > ip.length ? [`cut to ${ip.length} of ${total}`] : []),
  ];
  const part = fragment & 0x3fff ? { fragment: { begin: (fragment & 0x1fff) * 8, more: (fragment & 0x2000) !== 0 } } : {};
  const context = { source: ip.subarray(12, 16), target: ip.subarray(16, 20), partial, words, ...part };
  return showPayload(ip[9]!, ip.subarray(header, total), context, total > ip.length);
}

function showV6(ip: Buffer, partial: boolean): string {
  const total = 40 + ip.readUInt16BE(4);
  const isFragment = (at: number) => ip.readUInt16BE(at + 2) > 0;
  const name = Object.entries(EXTENSIONS).find(([, { number: next }]) => next === ip[6] && (next !== FRAGMENT || !isFragment(40)))?.[0];
  const behind = name === undefined ? 40 : 48;
  const next = name === undefined ? ip[6]! : ip[40]!;
  const fragmented = next === FRAGMENT && isFragment(behind);
  const words = [
    `ttl ${ip[7]}`,
    ...(name === undefined ? [] : [`ext ${name}`]),
    ...(fragmented ? [`id ${ip.readUInt32BE(behind + 4)}`] : []),
    ...(total > ip.length ? [`cut to ${ip.length} of ${total}`] : []),
  ];
  const field = fragmented ? ip.readUInt16BE(behind + 2) : 0;
  const part = fragmented ? { fragment: { begin: field & 0xfff8, more: (field & 1) !== 0 } } : {};
  const context = { source: ip.subarray(8, 24), target: ip.subarray(24, 40), partial, words, ...part };
  const at = fragmented ? behind + 8 : behind;
  return showPayload(fragmented ? ip[behind]! : next, ip.subarray(at, total), context, total > ip.length);
}

/** The L4 header is in the first fragment alone, and no checksum can be proved in parts. */
function showFragment(protocol: number, payload: Buffer, { fragment, ...context }: Context, { begin, more }: Fragment): string {
  const part = `part ${begin}-${begin + payload.length}${more ? '' : ' last'}`;
  if (begin === 0) return `${showPayload(protocol, payload, context, true)} ${part}`;
  const name = protocol === TCP ? 'tcp' : protocol === UDP ? 'udp' : `proto ${protocol}`;
  return [addressText(context.source), '>', addressText(context.target), name, ...context.words, part].join(' ');
}

function showPayload(protocol: number, payload: Buffer, context: Context, cut: boolean): string {
  if (context.fragment !== undefined) return showFragment(protocol, payload, context, context.fragment);
  if (protocol === TCP || protocol === UDP || protocol === SCTP) return showPorts(protocol, payload, context, cut);
  const between = `${addressText(context.source)} > ${addressText(context.target)}`;
  if (protocol !== ICMP && protocol !== ICMP6) return [between, 'proto', protocol, ...context.words].join(' ');
  const pseudo = protocol === ICMP ? Buffer.alloc(0) : pseudoHeader(context.source, context.target, protocol, payload.length);
  const correct = cut || sum(pseudo, payload) === 0xffff;
  const mtu = payload.readUInt32BE(4);
  const words = [
    `icmp ${payload[0]}/${payload[1]}`,
    ...context.words,
    ...(mtu > 0 ? [`mtu ${mtu}`] : []),
    ...(correct ? [] : ['bad checksum']),
  ];
  const quoted = payload.subarray(8);
  if (quoted.length < 20) return [between, ...words].join(' ');
  const about = protocol === ICMP ? showV4(quoted, false) : showV6(quoted, false);
  const behind = quoted.subarray(protocol === ICMP ? quoted.readUInt16BE(2) : 40 + quoted.readUInt16BE(4));
  return [between, ...words, `about ( ${about} )`, ...showBehind(behind)].join(' ');
}

function showBehind(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  return bytes.every((byte, at) => byte === (at & 0xff)) ? [`data ${bytes.length}`] : [`load ${bytes.toString('hex')}`];
}

function showPorts(protocol: number, payload: Buffer, context: Context, cut: boolean): string {
  const name = (address: Buffer, port: number) =>
    address.length === 16 ? `[${addressText(address)}]:${port}` : `${addressText(address)}:${port}`;
  const between = `${name(context.source, payload.readUInt16BE(0))} > ${name(context.target, payload.readUInt16BE(2))}`;
  if (protocol === SCTP) {
    const { words, checksum } = showSctp(payload, cut);
    return [between, 'sctp', ...words, ...context.words, ...checksum].join(' ');
  }
  const known = payload.length >= (protocol === TCP ? 20 : 8);
  const cutTcp = payload.readUInt32BE(4) > 0 ? [`seq ${payload.readUInt32BE(4)}`] : [];
  const l4 = protocol === TCP ? ['tcp', ...(known ? showTcp(payload) : cutTcp)] : ['udp'];
  const data = known ? payload.subarray(protocol === TCP ? (payload[12]! >> 4) * 4 : 8) : Buffer.alloc(0);
  return [between, ...l4, ...context.words, ...showData(data), ...(known ? showChecksum(protocol, payload, context, cut) : [])].join(' ');
}

function showData(data: Buffer): string[] {
  if (data.length === 0) return [];
  if (data.every((byte, at) => byte === (at & 0xff))) return [`data ${data.length}`];
  return [/^[\r\n -~]*$/.test(data.toString('latin1')) ? `text ${JSON.stringify(data.toString())}` : `data ${data.length} changed`];
}

function showSack(options: Buffer): string[] {
  if (options.length < 4 || options[2] !== 5) return [];
  const edges = Array.from({ length: (options[3]! - 2) / 4 }, (_, at) => options.readUInt32BE(4 + at * 4));
  const blocks = edges.flatMap((edge, at) => (at % 2 === 0 ? [`${edge}-${edges[at + 1]}`] : []));
  return [`sack ${blocks.join(',')}`];
}

function showTcp(header: Buffer): string[] {
  const flags = FLAGS.filter((_, bit) => header[13]! & (1 << bit)).join('') || 'none';
  const [sequence, acknowledged] = [header.readUInt32BE(4), header.readUInt32BE(8)];
  return [
    flags,
    ...(sequence > 0 ? [`seq ${sequence}`] : []),
    ...(acknowledged > 0 ? [`ack ${acknowledged}`] : []),
    ...showSack(header.subarray(20, (header[12]! >> 4) * 4)),
  ];
}

function showChecksum(protocol: number, payload: Buffer, { source, target, partial }: Context, cut: boolean): string[] {
  const field = payload.readUInt16BE(protocol === TCP ? 16 : 6);
  if (protocol === UDP && field === 0) return ['nosum'];
  if (cut) return [];
  const pseudo = pseudoHeader(source, target, protocol, payload.length);
  if (partial) return [field === sum(pseudo) ? 'partial' : 'bad partial checksum'];
  return sum(pseudo, payload) === 0xffff ? [] : ['bad checksum'];
}
