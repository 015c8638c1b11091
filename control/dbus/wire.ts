// Messages of D-Bus as bytes: the D-Bus specification, "Message Protocol". What natlb sends is little-endian; it reads both orders.

/** By signature: numbers for y n q i u d, text for s o g, arrays for a and (), `Variant` for v. */
export type Value = string | number | boolean | bigint | Variant | readonly Value[];

export interface Variant {
  readonly signature: string;
  readonly value: Value;
}

export const TYPES = { call: 1, reply: 2, error: 3, signal: 4 } as const;
export const NO_REPLY_EXPECTED = 1;

export interface Message {
  readonly type: number;
  readonly flags?: number;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly sender?: string;
  readonly signature?: string;
  readonly body?: readonly Value[];
}

/** Header field by its code. */
const FIELDS: readonly (readonly [code: number, name: keyof Message, signature: string])[] = [
  [1, 'path', 'o'],
  [2, 'interface', 's'],
  [3, 'member', 's'],
  [4, 'errorName', 's'],
  [5, 'replySerial', 'u'],
  [6, 'destination', 's'],
  [7, 'sender', 's'],
  [8, 'signature', 'g'],
];
const VERSION = 1;
const FIXED = 16;
/** Nobody says more than that to natlb; the bus itself allows 128 MiB. */
const LONGEST = 1 << 20;
const DEEPEST = 32;

export function encode(message: Message): Buffer {
  const { signature = '', body = [] } = message;
  const content = new Writer();
  for (const [i, type] of splitSignature(signature).entries()) content.value(type, body[i] ?? '');
  const header = new Writer();
  for (const byte of [0x6c, message.type, message.flags ?? 0, VERSION]) header.value('y', byte);
  header.value('u', content.length);
  header.value('u', message.serial);
  const fields = FIELDS.flatMap(([code, name, type]): Value[] => {
    const value = message[name];
    return value === undefined || value === '' ? [] : [[code, { signature: type, value: value as Value }]];
  });
  header.value('a(yv)', fields);
  header.align(8);
  return Buffer.concat([header.bytes(), content.bytes()]);
}

class Writer {
  readonly #pieces: Buffer[] = [];
  length = 0;

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  align(to: number): void {
    const gap = (to - (this.length % to)) % to;
    if (gap > 0) this.#push(Buffer.alloc(gap));
  }

  value(type: string, value: Value): void {
    const [first = ''] = type;
    this.align(alignmentOf(first));
    if (first === 'y') this.#push(Buffer.from([Number(value)]));
    else if (first === 'u') this.#number(Number(value));
    else if (first === 'b') this.#number(value === true ? 1 : 0);
    else if (first === 's' || first === 'o') this.#text(String(value), 4);
    else if (first === 'g') this.#text(String(value), 1);
    else if (first === 'v') this.#variant(value as Variant);
    else if (first === 'a') this.#array(type.slice(1), value as readonly Value[]);
    else if (first === '(' || first === '{')
      for (const [i, part] of partsOf(type).entries()) this.value(part, (value as readonly Value[])[i] ?? '');
    else throw new Error(`natlb sends no ${type}`);
  }

  #push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.length += piece.length;
  }

  #number(value: number): void {
    const piece = Buffer.alloc(4);
    piece.writeUInt32LE(value);
    this.#push(piece);
  }

  #text(value: string, lengthBytes: 1 | 4): void {
    const text = Buffer.from(value);
    if (lengthBytes === 4) this.#number(text.length);
    else this.#push(Buffer.from([text.length]));
    this.#push(Buffer.concat([text, Buffer.alloc(1)]));
  }

  #variant({ signature, value }: Variant): void {
    this.#text(signature, 1);
    this.value(signature, value);
  }

  /** Its length counts from its first element, which the gap before it does not belong to. */
  #array(type: string, values: readonly Value[]): void {
    const at = this.#pieces.length;
    this.#number(0);
    this.align(alignmentOf(type[0] ?? ''));
    const start = this.length;
    for (const value of values) this.value(type, value);
    const piece = Buffer.alloc(4);
    piece.writeUInt32LE(this.length - start);
    this.#pieces[at] = piece;
  }
}

function alignmentOf(type: string): number {
  if ('ygv'.includes(type)) return 1;
  if ('nq'.includes(type)) return 2;
  return 'xtd({'.includes(type) ? 8 : 4;
}

/** The first message in `bytes` and how long it is; undefined when it has not all come. Throws when it is none. */
export function decode(bytes: Buffer): { readonly message: Message; readonly length: number } | undefined {
  if (bytes.length < FIXED) return undefined;
  const little = bytes[0] === 0x6c;
  if (!little && bytes[0] !== 0x42) throw new Error('no message of D-Bus');
  const numberAt = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const [bodyLength, serial, fieldsLength] = [numberAt(4), numberAt(8), numberAt(12)];
  const bodyAt = FIXED + Math.ceil(fieldsLength / 8) * 8;
  const length = bodyAt + bodyLength;
  if (bodyLength > LONGEST || fieldsLength > LONGEST) throw new Error('a message that is too long');
  if (bytes.length < length) return undefined;
  const fields = new Reader(bytes.subarray(0, FIXED + fieldsLength), little, 12).value('a(yv)', 0) as readonly [number, Variant][];
  const named = Object.fromEntries(
    fields.flatMap(([code, { value }]) => FIELDS.filter(([known]) => known === code).map(([, name]) => [name, value])),
  ) as Partial<Message>;
  const body = new Reader(bytes.subarray(bodyAt, length), little, 0);
  const values = splitSignature(named.signature ?? '').map((type) => body.value(type, 0));
  return { message: { ...named, type: bytes[1] ?? 0, flags: bytes[2] ?? 0, serial, body: values }, length };
}

class Reader {
  constructor(
    private readonly bytes: Buffer,
    private readonly little: boolean,
    private at: number,
  ) {}

  value(type: string, depth: number): Value {
    if (depth > DEEPEST) throw new Error('a message that is too deep');
    const [first = ''] = type;
    this.at += (alignmentOf(first) - (this.at % alignmentOf(first))) % alignmentOf(first);
    switch (first) {
      case 'y':
        return this.take(1)[0] ?? 0;
      case 'n':
        return this.little ? this.take(2).readInt16LE() : this.take(2).readInt16BE();
      case 'q':
        return this.little ? this.take(2).readUInt16LE() : this.take(2).readUInt16BE();
      case 'i':
        return this.little ? this.take(4).readInt32LE() : this.take(4).readInt32BE();
      case 'u':
      case 'h':
        return this.number();
      case 'b':
        return this.number() !== 0;
      case 'x':
      case 't':
        return this.little ? this.take(8).readBigUInt64LE() : this.take(8).readBigUInt64BE();
      case 'd':
        return this.little ? this.take(8).readDoubleLE() : this.take(8).readDoubleBE();
      case 's':
      case 'o':
        return this.text(this.number());
      case 'g':
        return this.text(this.take(1)[0] ?? 0);
      case 'v':
        return this.variant(depth);
      case 'a':
        return this.array(type.slice(1), depth);
      case '(':
      case '{':
        return partsOf(type).map((part) => this.value(part, depth + 1));
      default:
        throw new Error(`there is no type ${type}`);
    }
  }

  private take(count: number): Buffer {
    if (this.at + count > this.bytes.length) throw new Error('a message that ends too early');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  private number(): number {
    return this.little ? this.take(4).readUInt32LE() : this.take(4).readUInt32BE();
  }

  private text(length: number): string {
    return this.take(length + 1).toString('utf8', 0, length);
  }

  private variant(depth: number): Variant {
    const signature = this.text(this.take(1)[0] ?? 0);
    return { signature, value: this.value(signature, depth + 1) };
  }

  private array(type: string, depth: number): Value[] {
    const length = this.number();
    const alignment = alignmentOf(type[0] ?? '');
    this.at += (alignment - (this.at % alignment)) % alignment;
    const end = this.at + length;
    const values: Value[] = [];
    while (this.at < end) {
      const before = this.at;
      values.push(this.value(type, depth + 1));
      if (this.at === before) throw new Error('an array of nothing');
    }
    return values;
  }
}

/** `s(us)a{sv}` → its complete types. */
export function splitSignature(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, start: number): number {
  let at = start;
  while (signature[at] === 'a') at += 1;
  for (let depth = 0; at < signature.length; at += 1) {
    if ('({'.includes(signature[at] ?? '')) depth += 1;
    if (')}'.includes(signature[at] ?? '')) depth -= 1;
    if (depth === 0) return at + 1;
  }
  throw new Error(`${signature} is no signature`);
}

/** Of a struct or an entry of a dictionary. */
function partsOf(type: string): string[] {
  return splitSignature(type.slice(1, -1));
}
