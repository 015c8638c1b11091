// SCTP packets as words, both ways: `sctp INIT tag 0 init 77`, `sctp COOKIE_ECHO+DATA tag 5 data 10`. Its checksum is worked out here bit by
// bit (RFC 9260 appendix A), unlike in native/core.

const CHUNKS: Readonly<Record<string, number>> = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
};
const NAMES = new Map(Object.entries(CHUNKS).map(([name, type]) => [type, name]));
const HEADER = 12;
const INIT_HEADER = 20;

export interface SctpWords {
  readonly sourcePort: number;
  readonly targetPort: number;
  /** Names of chunks joined by +, each with a T behind a slash when the T bit is set: `ABORT/T`. */
  readonly chunks: string;
  readonly tag: number;
  /** The initiate tag in INIT and INIT_ACK. */
  readonly init: number;
  /** Of the last chunk. */
  readonly data: Buffer;
  /** `zero`: none sent, or left to a NIC. */
  readonly checksum: 'right' | 'zero';
}

export function buildSctp(words: SctpWords): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(words.sourcePort, 0);
  header.writeUInt16BE(words.targetPort, 2);
  header.writeUInt32BE(words.tag, 4);
  const names = words.chunks.split('+');
  const chunks = names.map((name, at) => buildChunk(name, words.init, at === names.length - 1 ? words.data : Buffer.alloc(0)));
  const packet = Buffer.concat([header, ...chunks]);
  if (words.checksum === 'right') packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

function buildChunk(text: string, init: number, data: Buffer): Buffer {
  const [name = '', bit] = text.split('/');
  const type = CHUNKS[name] ?? Number(name);
  const named = name === 'INIT' || name === 'INIT_ACK';
  const chunk = Buffer.concat([Buffer.alloc(named ? INIT_HEADER : 4), data]);
  chunk[0] = type;
  chunk[1] = bit === 'T' ? 1 : 0;
  chunk.writeUInt16BE(chunk.length, 2);
  if (named) chunk.writeUInt32BE(init, 4);
  return Buffer.concat([chunk, Buffer.alloc((4 - (chunk.length % 4)) % 4)]);
}

/** The words of `packet`, an SCTP packet from its header on; `cut` when there was more of it. Data must be 0 1 2 …, or is `changed`. */
export function showSctp(packet: Buffer, cut: boolean): { readonly words: readonly string[]; readonly checksum: readonly string[] } {
  if (packet.length < HEADER) return { words: packet.length >= 8 ? tagWords(packet) : [], checksum: [] };
  const { names, init, data } = readChunks(packet);
  const changed = data.every((byte, at) => byte === (at & 0xff)) ? '' : ' changed';
  const words = [
    ...(names.length > 0 ? [names.join('+')] : []),
    ...tagWords(packet),
    ...(init === undefined ? [] : [`init ${init}`]),
    ...(data.length > 0 ? [`data ${data.length}${changed}`] : []),
  ];
  return { words, checksum: checksumWords(packet, cut) };
}

function tagWords(packet: Buffer): string[] {
  return packet.readUInt32BE(4) > 0 ? [`tag ${packet.readUInt32BE(4)}`] : [];
}

function checksumWords(packet: Buffer, cut: boolean): string[] {
  if (packet.readUInt32LE(8) === 0) return ['nosum'];
  return cut || packet.readUInt32LE(8) === crc32c(packet) ? [] : ['bad checksum'];
}

function readChunks(packet: Buffer): { readonly names: readonly string[]; readonly init: number | undefined; readonly data: Buffer } {
  const names: string[] = [];
  let init: number | undefined;
  let data: Buffer = Buffer.alloc(0);
  for (let at = HEADER; at + 4 <= packet.length; ) {
    const type = packet[at] ?? 0;
    const length = Math.max(4, packet.readUInt16BE(at + 2));
    const named = (type === 1 || type === 2) && length >= INIT_HEADER && at + 8 <= packet.length;
    if (named) init = packet.readUInt32BE(at + 4);
    names.push(`${NAMES.get(type) ?? type}${(packet[at + 1] ?? 0) & 1 ? '/T' : ''}`);
    data = packet.subarray(at + (named ? INIT_HEADER : 4), Math.min(at + length, packet.length));
    at += Math.ceil(length / 4) * 4;
  }
  return { names, init, data };
}

/** Of the packet with zero in its checksum's place. */
function crc32c(packet: Buffer): number {
  let rest = 0xffffffff;
  packet.forEach((byte, at) => {
    rest ^= at >= 8 && at < HEADER ? 0 : byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f63b78 : 0);
  });
  return ~rest >>> 0;
}
