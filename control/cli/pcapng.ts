// Packets as a pcapng file (draft-ietf-opsawg-pcapng): one section, an interface for each name, each packet with a comment.

export interface CapturedPacket {
  readonly atUs: number;
  readonly interface: string;
  /** In hexadecimal: the first bytes of a frame of `length` bytes. */
  readonly frame: string;
  readonly length: number;
  readonly comment: string;
  readonly direction: 'in' | 'out';
}

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET = 6;
const ETHERNET = 1;
const OPTION = { end: 0, comment: 1, interfaceName: 2, packetFlags: 2 } as const;
const DIRECTIONS = { in: 1, out: 2 } as const;

/** Writes a file piece by piece: what it returns is to be appended. */
export class Pcapng {
  readonly #interfaces = new Map<string, number>();

  start(): Buffer {
    const body = Buffer.alloc(16);
    body.writeUInt32LE(0x1a2b3c4d, 0); // tells the byte order
    body.writeUInt16LE(1, 4); // version 1.0
    body.writeBigInt64LE(-1n, 8); // length unknown
    return block(SECTION, body);
  }

  packet({ atUs, interface: name, frame, length, comment, direction }: CapturedPacket): Buffer {
    const [number, described] = this.#numberOf(name);
    const bytes = Buffer.from(frame, 'hex');
    const body = Buffer.alloc(20);
    body.writeUInt32LE(number, 0);
    body.writeUInt32LE(Math.floor(atUs / 2 ** 32), 4);
    body.writeUInt32LE(atUs % 2 ** 32, 8);
    body.writeUInt32LE(bytes.length, 12);
    body.writeUInt32LE(length, 16);
    const flags = Buffer.alloc(4);
    flags.writeUInt32LE(DIRECTIONS[direction]);
    const options = [option(OPTION.comment, Buffer.from(comment)), option(OPTION.packetFlags, flags), option(OPTION.end)];
    return Buffer.concat([described, block(PACKET, Buffer.concat([body, padded(bytes), ...options]))]);
  }

  /** An interface is described before its first packet. */
  #numberOf(name: string): [number, Buffer] {
    const known = this.#interfaces.get(name);
    if (known !== undefined) return [known, Buffer.alloc(0)];
    const number = this.#interfaces.size;
    this.#interfaces.set(name, number);
    const body = Buffer.alloc(8);
    body.writeUInt16LE(ETHERNET, 0); // and the default resolution, microseconds
    return [number, block(INTERFACE, Buffer.concat([body, option(OPTION.interfaceName, Buffer.from(name)), option(OPTION.end)]))];
  }
}

function block(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  const length = body.length + 12;
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length);
  return Buffer.concat([head, body, tail]);
}

function option(code: number, value: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
