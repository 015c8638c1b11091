// What the receiver of fragments makes of them, so that a row can show that together they are a packet with right checksums.

interface Part {
  readonly begin: number;
  readonly more: boolean;
  readonly bytes: Buffer;
}

interface Dissected extends Part {
  readonly datagram: string;
  /** The frame up to what it carries, made the header of a whole packet when `length` bytes are to follow. */
  readonly whole: (length: number) => Buffer;
}

/** Takes frames as they come; answers with the whole packet's frame when one completes it. */
export class Reassembly {
  readonly #datagrams = new Map<string, Part[]>();

  add(frame: Buffer): Buffer | undefined {
    const part = frame[12] === 0x08 ? dissectV4(frame) : dissectV6(frame);
    if (part === undefined) return undefined;
    const parts = [...(this.#datagrams.get(part.datagram) ?? []), part].sort((a, b) => a.begin - b.begin);
    this.#datagrams.set(part.datagram, parts);
    const ends = [0, ...parts.map(({ begin, bytes }) => begin + bytes.length)];
    if (parts.at(-1)!.more || parts.some(({ begin }, at) => begin !== ends[at])) return undefined;
    this.#datagrams.delete(part.datagram);
    return Buffer.concat([part.whole(ends.at(-1)!), ...parts.map(({ bytes }) => bytes)]);
  }
}

function dissectV4(frame: Buffer): Dissected | undefined {
  const field = frame.readUInt16BE(20);
  const header = 14 + (frame[14]! & 15) * 4;
  if ((field & 0x3fff) === 0) return undefined;
  const whole = (length: number) => {
    const head = Buffer.from(frame.subarray(0, header));
    const sum = frame.readUInt16BE(24) + frame.readUInt16BE(16) + frame.readUInt16BE(20);
    head.writeUInt16BE(header - 14 + length, 16);
    head.writeUInt16BE(field & 0x4000, 20);
    const adjusted = sum + 2 * 0xffff - head.readUInt16BE(16) - head.readUInt16BE(20);
    head.writeUInt16BE(adjusted % 0xffff || 0xffff, 24);
    return head;
  };
  return {
    datagram: frame.toString('hex', 26, 34) + frame.toString('hex', 18, 20) + frame[23],
    begin: (field & 0x1fff) * 8,
    more: (field & 0x2000) !== 0,
    bytes: frame.subarray(header, 14 + frame.readUInt16BE(16)),
    whole,
  };
}

function dissectV6(frame: Buffer): Dissected | undefined {
  if (frame[20] !== 44 || (frame.readUInt16BE(56) & 0xfff9) === 0) return undefined;
  const whole = (length: number) => {
    const head = Buffer.from(frame.subarray(0, 54));
    head.writeUInt16BE(length, 18);
    head[20] = frame[54]!;
    return head;
  };
  return {
    datagram: frame.toString('hex', 22, 54) + frame.toString('hex', 58, 62),
    begin: frame.readUInt16BE(56) & 0xfff8,
    more: (frame.readUInt16BE(56) & 1) !== 0,
    bytes: frame.subarray(62, 54 + frame.readUInt16BE(18)),
    whole,
  };
}
