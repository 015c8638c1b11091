// Whatever comes in on the control socket is a request as it should be, or refused with a sentence; the socket goes on. Seeded.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ask } from '../../control/cli/client.js';
import { LONGEST_TRIAL_MS, readRequest } from '../../control/requests.js';
import { startControlSocket } from '../../control/socket.js';
import { HANDLERS } from './handlers.js';
import { STATUS } from './sample-status.js';

const SEED = 20_260_101;

const NAMES = ['status', 'flows', 'explain', 'trace', 'reload', 'confirm', 'dump', 'diff'] as const;
const FIELDS = ['filter', 'listed', 'packet', 'verdicts', 'rollbackAfterMs', 'name', 'file', '__proto__', 'constructor'] as const;

/** Close to a request: the right words with any values. */
const likely = fc
  .tuple(fc.constantFrom(...NAMES), fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue(), { maxKeys: 3 }))
  .map(([what, fields]) => ({ what, ...fields }));

function read(value: unknown): ReturnType<typeof readRequest> | Error {
  try {
    return readRequest(value);
  } catch (error) {
    assert.ok(error instanceof Error && error.constructor === Error, `a plain Error, not ${String(error)}`);
    assert.ok(error.message.length < 400, 'short enough for one line');
    return error;
  }
}

test('requests: any value is a request or an Error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), likely), (value) => {
      const request = read(value);
      if (request instanceof Error) return;
      assert.ok((NAMES as readonly string[]).includes(request.what));
      assert.deepEqual(readRequest(JSON.parse(JSON.stringify(request))), request, 'it reads the same again');
    }),
    { seed: SEED, numRuns: 5_000 },
  );
});

test('requests: a trial is as long as may be, a path absolute, a dump one there is', () => {
  fc.assert(
    fc.property(fc.double(), fc.string(), (rollbackAfterMs, text) => {
      const reload = read({ what: 'reload', rollbackAfterMs });
      const fits = Number.isInteger(rollbackAfterMs) && rollbackAfterMs > 0 && rollbackAfterMs <= LONGEST_TRIAL_MS;
      assert.equal(reload instanceof Error, !fits);
      assert.equal(read({ what: 'diff', file: text }) instanceof Error, !text.startsWith('/') || text.includes('\0'));
      assert.equal(read({ what: 'dump', name: text }) instanceof Error, !['DATA', 'STATS', 'STATS_CLEAR', 'JSON'].includes(text));
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

test('requests: bytes of any kind leave the socket as it was', async (t) => {
  const runDir = mkdtempSync(join(tmpdir(), 'natlb-requests-'));
  const path = join(runDir, 'control.sock');
  const socket = await startControlSocket({ path, handlers: HANDLERS });
  t.after(() => socket.close().then(() => rmSync(runDir, { recursive: true })));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 6_000 }).map((some) => Buffer.from(some)),
    fc.tuple(likely, fc.nat(40)).map(([value, cut]) => Buffer.from(JSON.stringify(value).slice(0, -cut || undefined))),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const answer = await exchange(path, sent);
      const lines = answer.split('\n').filter(Boolean);
      for (const line of lines) assert.equal(typeof JSON.parse(line), 'object');
      assert.ok(lines.length > 0, 'there is always an answer');
    }),
    { seed: SEED, numRuns: 300 },
  );
  assert.deepEqual(await ask(runDir, { what: 'status' }), STATUS);
});

function exchange(path: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true }, () => socket.end(bytes));
    socket.on('data', (chunk) => chunks.push(chunk)).once('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.once('error', reject);
  });
}
