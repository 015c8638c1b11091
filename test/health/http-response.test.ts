// HTTP responses, whole and in pieces, well and ill formed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Progress, readResponse } from '../../control/health/http-response.js';

interface Read {
  readonly result: string;
  readonly raw: string;
  readonly content: string;
}

/** Feeds the pieces, then the end of the stream unless the response was complete before. */
function read(pieces: readonly string[], wantsBody = true): Read {
  let raw = '';
  let content = '';
  const sink = {
    raw: (bytes: Uint8Array): void => {
      raw += latin1(bytes);
    },
    content: (bytes: Uint8Array): void => {
      content += latin1(bytes);
    },
  };
  const reader = readResponse(wantsBody ? sink : undefined);
  let progress: Progress = { kind: 'head' };
  for (const piece of pieces) {
    progress = reader.push(Buffer.from(piece, 'latin1'));
    if (progress.kind === 'complete' || progress.kind === 'malformed') return { result: show(progress), raw, content };
  }
  return { result: `${show(reader.end())} at the end`, raw, content };
}

function show(progress: Progress): string {
  if (progress.kind === 'malformed') return progress.reason;
  return progress.kind === 'head' ? 'head' : `${progress.kind} ${progress.head.status}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

interface Row {
  readonly name: string;
  readonly response: string;
  readonly result: string;
  readonly content?: string;
}

const ROWS: readonly Row[] = [
  { name: 'a body up to the end', response: 'HTTP/1.0 200 OK\r\n\r\nhello', result: 'complete 200 at the end', content: 'hello' },
  { name: 'a body by length', response: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', result: 'complete 200', content: 'hello' },
  {
    name: 'bytes beyond the length are not the body',
    response: 'HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello, world',
    result: 'complete 200',
    content: 'hello',
  },
  { name: 'a body of no length', response: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', result: 'complete 200', content: '' },
  {
    name: 'a length that is none counts as none',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello',
    result: 'complete 200 at the end',
    content: 'hello',
  },
  {
    name: 'a body cut short',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello',
    result: 'the body ended after 5 of 9 bytes at the end',
  },
  { name: 'a status that has no body', response: 'HTTP/1.1 204 No Content\r\n\r\n', result: 'complete 204', content: '' },
  { name: 'no reason phrase', response: 'HTTP/1.1 503\r\n\r\n', result: 'complete 503 at the end', content: '' },
  { name: 'line feeds alone', response: 'HTTP/1.0 200 OK\nContent-Length: 2\n\nhi', result: 'complete 200', content: 'hi' },
  {
    name: 'chunks',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n',
    result: 'complete 200',
    content: 'hello, world',
  },
  {
    name: 'chunks with trailers',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    result: 'complete 200',
    content: '0123456789',
  },
  {
    name: 'chunks cut short',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    result: 'the body ended within a chunk at the end',
  },
  {
    name: 'a chunk size that is none',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello',
    result: 'the chunks of the body do not follow RFC 9112',
  },
  {
    name: 'a chunk longer than its size',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n',
    result: 'the chunks of the body do not follow RFC 9112',
  },
  {
    name: 'an endless chunk size',
    response: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(2000)}`,
    result: 'the chunks of the body do not follow RFC 9112',
  },
  {
    name: 'fields in the body are body',
    response: 'HTTP/1.0 200 OK\r\n\r\nContent-Length: 3\r\n',
    result: 'complete 200 at the end',
    content: 'Content-Length: 3\r\n',
  },
  { name: 'nothing', response: '', result: 'closed without an answer at the end' },
  { name: 'half a head', response: 'HTTP/1.1 200 OK\r\nServer: x\r\n', result: 'the head ended after 28 bytes at the end' },
  { name: 'half a status line', response: 'HTTP/1', result: 'the head ended after 6 bytes at the end' },
  { name: 'another protocol', response: 'SSH-2.0-OpenSSH_9.2\r\n', result: 'the answer is not HTTP' },
  { name: 'binary junk', response: '\u0015\u0003\u0001\u0000\u0002', result: 'the answer is not HTTP' },
  { name: 'a status that is none', response: 'HTTP/1.1 2000 OK\r\n\r\n', result: 'the answer is not HTTP' },
  { name: 'an endless head', response: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`, result: 'head longer than 64 KiB' },
];

for (const { name, response, result, content } of ROWS) {
  test(name, () => {
    const seen = read(response === '' ? [] : [response]);
    assert.equal(seen.result, result);
    if (content !== undefined) assert.equal(seen.content, content);
  });
}

test('without interest in the body the head is enough', () => {
  assert.equal(read(['HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n'], false).result, 'complete 404');
});

test('the raw body of chunks keeps their sizes', () => {
  assert.equal(read(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nnext']).raw, '2\r\nhi\r\n0\r\n\r\n');
});

describe('properties of every response', () => {
  test('pieces read as the whole does', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ROWS), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), ({ response }, sizes) => {
        const whole = read(response === '' ? [] : [response]);
        const apart = read(cut(response, sizes));
        assert.deepEqual({ ...apart, raw: '' }, { ...whole, raw: '' });
      }),
    );
  });

  test('junk is a result, never an exception', () => {
    const junk = fc.array(
      fc.oneof(fc.constantFrom('HTTP/1.1 200 OK\r\n', 'Transfer-Encoding: chunked\r\n', '\r\n', '\n', '5\r\n', '0\r\n'), fc.string()),
    );
    fc.assert(
      fc.property(junk, fc.boolean(), (pieces, wantsBody) => assert.ok(read(pieces, wantsBody).result.length > 0)),
      { numRuns: 2000 },
    );
  });
});

function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}
