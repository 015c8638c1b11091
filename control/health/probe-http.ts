// HTTP_GET and SSL_GET for one url: the real server is well if it answers with an expected status and, where they are given, the expected
// body. The GET is written here because node:http can neither speak HTTP/1.0 nor hand over a body as it came.

import { createHash, type Hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { BodyRegex, CheckerOf, HttpUrl } from '../config/checker.js';
import type { ProbeResult } from './checker.js';
import { type Conversation, converse, type TlsTerms } from './connection.js';
import { failed } from './failed.js';
import { type BodySink, type Head, type Progress, readResponse } from './http-response.js';
import { findIn } from './regex.js';
import { tlsTerms } from './tls.js';
import type { Cancel, Done } from './watch.js';

export type HttpChecker = CheckerOf<'http'>;

/** More than any page whose digest is worth checking, so that an endless one ends. */
const LONGEST_BODY_BYTES = 16 * 1024 * 1024;
/** A pattern is looked for in so much of a body, kept in memory. */
const SEARCHED_BYTES = 1024 * 1024;
const MANY_PIECES = 1000;

export function probeHttp(checker: HttpChecker, url: HttpUrl, done: Done): Cancel {
  const talk = (conversation: Conversation): void => {
    conversation.socket.write(request(checker, url));
    receive(conversation, checker, url);
  };
  let terms: TlsTerms | undefined;
  try {
    terms = checker.tls && tlsTerms(checker.tls, url, checker.virtualHost);
  } catch (problem) {
    done({ kind: 'unable', reason: (problem as Error).message });
    return () => {};
  }
  return converse(checker, done, talk, terms);
}

function request({ protocol, virtualHost, connect }: HttpChecker, url: HttpUrl): string {
  const address = isIPv6(connect.address) ? `[${connect.address}]` : connect.address;
  const host = url.virtualHost ?? virtualHost ?? `${address}:${connect.port}`;
  const version = protocol === '1.1' ? '1.1' : '1.0';
  const close = protocol === '1.0' ? '' : 'Connection: close\r\n';
  return `GET ${url.path} HTTP/${version}\r\nUser-Agent: KeepAliveClient\r\n${close}Host: ${host}\r\n\r\n`;
}

function receive({ socket, finish, refreshTimeout }: Conversation, checker: HttpChecker, url: HttpUrl): void {
  const body = new Body(url);
  const reader = readResponse(body.wanted ? body : undefined);
  const started = performance.now();
  const conclude = (progress: Progress): void => {
    const result = verdict(url, progress, body);
    if (result !== undefined) finish(result);
  };
  socket.on('data', (bytes) => {
    conclude(reader.push(bytes));
    if (performance.now() - started > longestMs(checker))
      finish(failed('silence', 'the answer was still not complete when the next check was due'));
    refreshTimeout();
  });
  socket.once('end', () => conclude(reader.end()));
}

/** Silence is measured anew with each piece, so a server that sends a byte now and then would keep a check for ever. */
function longestMs({ delayLoopMs, connectTimeoutMs }: HttpChecker): number {
  return Math.max(delayLoopMs, connectTimeoutMs);
}

/** Nothing while more must be read. */
function verdict(url: HttpUrl, progress: Progress, body: Body): ProbeResult | undefined {
  if (progress.kind === 'head') return undefined;
  if (progress.kind === 'malformed') return failed('no response', `${url.path}: ${progress.reason}`);
  if (!statusExpected(url, progress.head)) return failed('status', statusReason(url, progress.head));
  if (progress.kind === 'complete' || body.enough) return bodyVerdict(url, body);
  return body.received > LONGEST_BODY_BYTES ? failed('digest', `${url.path}: the body is longer than 16 MiB`) : undefined;
}

function statusExpected({ statusCodes }: HttpUrl, { status }: Head): boolean {
  return statusCodes.some(({ from, to }) => from <= status && status <= to);
}

function statusReason({ path, statusCodes }: HttpUrl, { status }: Head): string {
  const expected = statusCodes.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
  return `${path}: status ${status}, expected ${expected}`;
}

function bodyVerdict({ path, digest, regex }: HttpUrl, body: Body): ProbeResult {
  const sums = body.digests();
  if (sums !== undefined && digest !== sums.raw && digest !== sums.content)
    return failed('digest', `${path}: MD5 ${sums.content}, expected ${digest}`);
  return regex === undefined ? { kind: 'passed' } : regexVerdict(path, regex, body);
}

function regexVerdict(path: string, regex: BodyRegex, body: Body): ProbeResult {
  const found = findIn(body.beginning(), regex);
  if (found === 'too slow') return failed('regex', `${path}: the pattern takes too long on this body`);
  if ((found === 'found') === (regex.inverted !== true)) return { kind: 'passed' };
  return failed('regex', `${path}: the pattern was ${found} in the first ${body.beginning().length} bytes`);
}

/** Of a chunked body both digests count: `keepalived --genhash` takes the bytes as they come, everybody else decodes them first. */
class Body implements BodySink {
  received = 0;
  readonly #sums: { readonly raw: Hash; readonly content: Hash } | undefined;
  /** How much is kept for the pattern. */
  readonly #kept: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor({ digest, regex }: HttpUrl) {
    this.#sums = digest === undefined ? undefined : { raw: createHash('md5'), content: createHash('md5') };
    this.#kept = regex === undefined ? 0 : SEARCHED_BYTES;
  }

  get wanted(): boolean {
    return this.#sums !== undefined || this.#kept > 0;
  }

  /** Nothing that comes now can change the verdict. */
  get enough(): boolean {
    return this.#sums === undefined && this.#length >= this.#kept;
  }

  readonly raw = (bytes: Uint8Array): void => {
    this.received += bytes.length;
    this.#sums?.raw.update(bytes);
  };

  readonly content = (bytes: Uint8Array): void => {
    this.#sums?.content.update(bytes);
    const piece = bytes.subarray(0, this.#kept - this.#length);
    if (piece.length === 0) return;
    this.#length += piece.length;
    this.#pieces.push(piece);
    // Or a million chunks of one byte each would be a million objects.
    if (this.#pieces.length > MANY_PIECES) this.#pieces = [this.beginning()];
  };

  beginning(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  digests(): { readonly raw: string; readonly content: string } | undefined {
    return this.#sums && { raw: this.#sums.raw.digest('hex'), content: this.#sums.content.digest('hex') };
  }
}
