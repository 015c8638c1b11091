// HTTP_GET for one url: the real server is well if it answers with an expected status and, where one is given, the expected body.
// The GET is written here because node:http can neither speak HTTP/1.0 nor hand over a body as it came.

import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Checker, HttpUrl } from '../config/checker.js';
import type { ProbeResult } from './checker.js';
import { type Conversation, converse } from './connection.js';
import { failed } from './failed.js';
import { type BodySink, type Head, type Progress, readResponse } from './http-response.js';
import type { Cancel, Done } from './watch.js';

export type HttpChecker = Extract<Checker, { kind: 'http' }>;

/** More than any page whose digest is worth checking, so that an endless one ends. */
const LONGEST_BODY_BYTES = 16 * 1024 * 1024;

export function probeHttp(checker: HttpChecker, url: HttpUrl, done: Done): Cancel {
  return converse(checker, done, (conversation) => {
    conversation.socket.write(request(checker, url));
    receive(conversation, checker, url);
  });
}

function request({ protocol, virtualHost, connect }: HttpChecker, url: HttpUrl): string {
  const address = isIPv6(connect.address) ? `[${connect.address}]` : connect.address;
  const host = url.virtualHost ?? virtualHost ?? `${address}:${connect.port}`;
  const version = protocol === '1.1' ? '1.1' : '1.0';
  const close = protocol === '1.0' ? '' : 'Connection: close\r\n';
  return `GET ${url.path} HTTP/${version}\r\nUser-Agent: KeepAliveClient\r\n${close}Host: ${host}\r\n\r\n`;
}

function receive({ socket, finish, refreshTimeout }: Conversation, checker: HttpChecker, url: HttpUrl): void {
  const digests = new Digests();
  const reader = readResponse(url.digest === undefined ? undefined : digests);
  const started = performance.now();
  const conclude = (progress: Progress): void => {
    const result = verdict(url, progress, digests);
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
function verdict(url: HttpUrl, progress: Progress, digests: Digests): ProbeResult | undefined {
  if (progress.kind === 'head') return undefined;
  if (progress.kind === 'malformed') return failed('no response', `${url.path}: ${progress.reason}`);
  if (!statusExpected(url, progress.head)) return failed('status', statusReason(url, progress.head));
  if (progress.kind === 'complete') return digestVerdict(url, digests);
  return digests.received > LONGEST_BODY_BYTES ? failed('digest', `${url.path}: the body is longer than 16 MiB`) : undefined;
}

function statusExpected({ statusCodes }: HttpUrl, { status }: Head): boolean {
  return statusCodes.some(({ from, to }) => from <= status && status <= to);
}

function statusReason({ path, statusCodes }: HttpUrl, { status }: Head): string {
  const expected = statusCodes.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
  return `${path}: status ${status}, expected ${expected}`;
}

function digestVerdict({ path, digest }: HttpUrl, digests: Digests): ProbeResult {
  if (digest === undefined) return { kind: 'passed' };
  const { raw, content } = digests.take();
  if (digest === raw || digest === content) return { kind: 'passed' };
  return failed('digest', `${path}: MD5 ${content}, expected ${digest}`);
}

/** Of a chunked body both digests count: `keepalived --genhash` takes the bytes as they come, everybody else decodes them first. */
class Digests implements BodySink {
  received = 0;
  readonly #raw = createHash('md5');
  readonly #content = createHash('md5');

  readonly raw = (bytes: Uint8Array): void => {
    this.received += bytes.length;
    this.#raw.update(bytes);
  };

  readonly content = (bytes: Uint8Array): void => {
    this.#content.update(bytes);
  };

  take(): { readonly raw: string; readonly content: string } {
    return { raw: this.#raw.digest('hex'), content: this.#content.digest('hex') };
  }
}
