// Reads an HTTP/1.x response as it arrives, piece by piece: the head, then a body by length, by chunks or up to the end. RFC 9112.

export interface Head {
  readonly status: number;
  readonly contentLength?: number;
  readonly chunked: boolean;
}

/** `body`: the head is complete, and what was asked for is not yet. */
export type Progress =
  | { readonly kind: 'head' }
  | { readonly kind: 'body'; readonly head: Head }
  | { readonly kind: 'complete'; readonly head: Head }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Where the bytes of a body go: as they came (chunk sizes included), and decoded. */
export interface BodySink {
  readonly raw: (bytes: Uint8Array) => void;
  readonly content: (bytes: Uint8Array) => void;
}

export interface ResponseReader {
  push(bytes: Uint8Array): Progress;
  /** The server has closed: whether what came until now is a response. */
  end(): Progress;
}

/** More head than any server sends; less than a check should keep in memory. */
const LONGEST_HEAD = 64 * 1024;
const LONGEST_CHUNK_LINE = 1024;
const LF = 10;

/** Without a sink the response is complete with its head. */
export function readResponse(sink?: BodySink): ResponseReader {
  let text = '';
  let head: Head | undefined;
  let body: Body | undefined;

  const start = (bytes: Uint8Array): Progress => {
    const before = text.length;
    text += latin1(bytes);
    const end = endOfHead(text, before);
    if (end === undefined) return text.length > LONGEST_HEAD ? malformed('head longer than 64 KiB') : earlyVerdict(text);
    head = parseHead(text.slice(0, end));
    if (head === undefined) return malformed(NO_STATUS_LINE);
    if (sink === undefined) return { kind: 'complete', head };
    body = bodyOf(head, sink);
    return proceed(head, body, bytes.subarray(end - before));
  };

  return {
    push: (bytes) => (head !== undefined && body !== undefined ? proceed(head, body, bytes) : start(bytes)),
    end: () => (head !== undefined && body !== undefined ? finish(head, body) : malformed(endedEarly(text.length))),
  };
}

interface Body {
  readonly push: (bytes: Uint8Array) => 'more' | 'complete' | 'malformed';
  /** Nothing, if the body may end here; else what is missing. */
  readonly missing: () => string | undefined;
}

const NO_STATUS_LINE = 'the answer is not HTTP';

/** Where the body begins. The empty line may have begun with the last bytes of what was there before. */
function endOfHead(text: string, before: number): number | undefined {
  const emptyLine = /\r?\n\r?\n/g;
  emptyLine.lastIndex = Math.max(0, before - 3);
  return emptyLine.test(text) ? emptyLine.lastIndex : undefined;
}

/** What cannot become a status line any more need not be waited for. */
function earlyVerdict(text: string): Progress {
  return 'HTTP/1.'.startsWith(text.slice(0, 7)) ? { kind: 'head' } : malformed(NO_STATUS_LINE);
}

function parseHead(text: string): Head | undefined {
  const [statusLine = '', ...fields] = text.split(/\r?\n/);
  const status = /^HTTP\/1\.\d ([1-9]\d\d)(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) return undefined;
  const contentLength = Number(field(fields, 'content-length') ?? Number.NaN);
  const chunked = /(^|,)\s*chunked$/i.test(field(fields, 'transfer-encoding') ?? '');
  return { status: Number(status), chunked, ...(Number.isSafeInteger(contentLength) && contentLength >= 0 && { contentLength }) };
}

function field(fields: readonly string[], name: string): string | undefined {
  const line = fields.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

function bodyOf(head: Head, sink: BodySink): Body {
  if (head.status === 204 || head.status === 304) return sizedBody(0, sink);
  if (head.chunked) return chunkedBody(sink);
  return head.contentLength === undefined ? endlessBody(sink) : sizedBody(head.contentLength, sink);
}

function sizedBody(length: number, sink: BodySink): Body {
  let left = length;
  return {
    push: (bytes) => {
      const taken = bytes.subarray(0, left);
      left -= taken.length;
      sink.raw(taken);
      sink.content(taken);
      return left === 0 ? 'complete' : 'more';
    },
    missing: () => (left > 0 ? `the body ended after ${length - left} of ${length} bytes` : undefined),
  };
}

function endlessBody(sink: BodySink): Body {
  return {
    push: (bytes) => {
      sink.raw(bytes);
      sink.content(bytes);
      return 'more';
    },
    missing: () => undefined,
  };
}

type ChunkPart = 'size' | 'data' | 'gap' | 'trailer' | 'end' | 'malformed';

function chunkedBody(sink: BodySink): Body {
  let part: ChunkPart = 'size';
  let line = '';
  let left = 0;

  const takeData = (bytes: Uint8Array): number => {
    const taken = bytes.subarray(0, left);
    sink.content(taken);
    left -= taken.length;
    if (left === 0) part = 'gap';
    return taken.length;
  };
  const takeLineByte = (byte: number): void => {
    if (byte !== LF) line += String.fromCharCode(byte);
    if (line.length > LONGEST_CHUNK_LINE) part = 'malformed';
    if (byte === LF) endLine();
  };
  const endLine = (): void => {
    const text = line.trimEnd();
    line = '';
    if (part === 'size') left = chunkSize(text);
    part = afterLine(part, text, left);
  };
  return {
    push: (bytes) => {
      let at = 0;
      while (at < bytes.length && part !== 'end' && part !== 'malformed') {
        if (part === 'data') at += takeData(bytes.subarray(at));
        else takeLineByte(bytes[at++] ?? 0);
      }
      sink.raw(bytes.subarray(0, at));
      return part === 'end' ? 'complete' : part === 'malformed' ? 'malformed' : 'more';
    },
    missing: () => (part === 'end' ? undefined : 'the body ended within a chunk'),
  };
}

/** −1 for what is no size. */
function chunkSize(text: string): number {
  const digits = /^([0-9a-f]{1,8})[ \t]*(;|$)/i.exec(text)?.[1];
  return digits === undefined ? -1 : Number.parseInt(digits, 16);
}

function afterLine(part: ChunkPart, text: string, size: number): ChunkPart {
  if (part === 'size') return size < 0 ? 'malformed' : size === 0 ? 'trailer' : 'data';
  if (part === 'gap') return text === '' ? 'size' : 'malformed';
  return text === '' ? 'end' : 'trailer';
}

function proceed(head: Head, body: Body, bytes: Uint8Array): Progress {
  const pushed = body.push(bytes);
  if (pushed === 'malformed') return malformed('the chunks of the body do not follow RFC 9112');
  return { kind: pushed === 'complete' ? 'complete' : 'body', head };
}

function finish(head: Head, body: Body): Progress {
  const missing = body.missing();
  return missing === undefined ? { kind: 'complete', head } : malformed(missing);
}

function endedEarly(received: number): string {
  return received === 0 ? 'closed without an answer' : `the head ended after ${received} bytes`;
}

function malformed(reason: string): Progress {
  return { kind: 'malformed', reason };
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
