// The control socket in use and in misuse, over a real unix socket.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask } from '../../control/cli/client.js';
import { type ControlSocket, type Handlers, REQUEST_LIMIT_BYTES, startControlSocket } from '../../control/socket.js';
import type { FlowEntry } from '../../dataplane/protocol.js';
import { STATUS } from './sample-status.js';

const FLOW: FlowEntry = {
  name: '[203.0.113.10]:tcp:80',
  protocol: 'tcp',
  template: false,
  expiresInMs: 899_000,
  state: 'ESTABLISHED',
  client: { address: '192.0.2.1', port: 40_000 },
  service: { address: '203.0.113.10', port: 80 },
  destination: { address: '10.11.12.1', port: 8080 },
};

const HANDLERS: Handlers = {
  status: async () => STATUS,
  flows: async () => [FLOW],
  reload: async () => ({ applied: false, message: 'line 3: unknown keyword' }),
};

interface Place {
  readonly runDir: string;
  readonly path: string;
}

function place(t: TestContext): Place {
  const runDir = mkdtempSync(join(tmpdir(), 'natlb-socket-'));
  t.after(() => rmSync(runDir, { recursive: true }));
  return { runDir, path: join(runDir, 'control.sock') };
}

async function started(t: TestContext, handlers: Partial<Handlers> = {}): Promise<Place & { readonly socket: ControlSocket }> {
  const where = place(t);
  const socket = await startControlSocket({ path: where.path, handlers: { ...HANDLERS, ...handlers } });
  t.after(() => socket.close());
  return { ...where, socket };
}

/** Sends bytes as they are, closes its side or not, and reads until the other side closes. */
function raw(path: string, bytes: string | Buffer, end = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true }, () => (end ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => socket.end());
    socket.on('close', () => resolve(Buffer.concat(chunks).toString())).on('error', reject);
  });
}

test('socket: status, flows and reload are answered with what their handlers give', async (t) => {
  const { runDir } = await started(t);
  assert.deepEqual(await ask(runDir, { what: 'status' }), STATUS);
  assert.deepEqual(await ask(runDir, { what: 'flows' }), [FLOW]);
  assert.deepEqual(await ask(runDir, { what: 'reload' }), { applied: false, message: 'line 3: unknown keyword' });
});

test('socket: only its owner may open it', async (t) => {
  const { path } = await started(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('socket: a long list arrives whole, and is written in slices that let the event loop turn', async (t) => {
  let turn = 0;
  const count = setInterval(() => turn++, 0);
  t.after(() => clearInterval(count));
  const turns = new Set<number>();
  const flows = Array.from({ length: 20_000 }, (_, at) => ({ ...FLOW, client: { address: '192.0.2.1', port: at } }));
  const watched = flows.map((flow) => ({ ...flow, toJSON: () => turns.add(turn) && flow }));
  const { runDir } = await started(t, { flows: async () => watched });
  assert.deepEqual(await ask(runDir, { what: 'flows' }), flows);
  assert.ok(turns.size > 5, `written in ${turns.size} turns`);
});

test('socket: an empty list is an empty list', async (t) => {
  const { runDir } = await started(t, { flows: async () => [] });
  assert.deepEqual(await ask(runDir, { what: 'flows' }), []);
});

test('socket: a handler that fails is an error with its message', async (t) => {
  const { runDir } = await started(t, { flows: () => Promise.reject(new Error('the data plane is starting')) });
  await assert.rejects(ask(runDir, { what: 'flows' }), /^Error: the data plane is starting$/);
});

test('socket: a request may come in pieces, and the asking side may be closed before the answer', async (t) => {
  const { path } = await started(t);
  assert.match(await raw(path, '{"what":"reload"}', true), /^\{"value":\{"applied":false/);
  const socket = connect(path, () => socket.write('{"wha'));
  await new Promise((resolve) => socket.once('connect', resolve));
  await raw(path, '{"what":"reload"}\n'); // another asks between the two pieces
  socket.write('t":"reload"}\n');
  const [answer] = await new Promise<[Buffer]>((resolve) => socket.once('data', (chunk: Buffer) => resolve([chunk])));
  assert.match(answer.toString(), /^\{"value":\{"applied":false/);
});

const MISUSE = [
  {
    name: 'a request nobody knows',
    bytes: '{"what":"explode"}\n',
    error: /one of status, flows, reload\}, found .*explode/,
  },
  { name: 'a name every object has', bytes: '{"what":"constructor"}\n', error: /expected/ },
  { name: 'a request without what', bytes: '{}\n', error: /expected .* found undefined/ },
  { name: 'what that is no name', bytes: '{"what":["status"]}\n', error: /expected/ },
  { name: 'null', bytes: 'null\n', error: /expected/ },
  { name: 'an empty line', bytes: '\n', error: /one line of JSON/ },
  { name: 'binary junk', bytes: Buffer.from([0, 255, 128, 10]), error: /one line of JSON/ },
  { name: 'an HTTP request', bytes: 'GET / HTTP/1.1\r\n\r\n', error: /one line of JSON/ },
  { name: 'a request too long', bytes: `{"what":"${'x'.repeat(REQUEST_LIMIT_BYTES)}"}\n`, error: /longer than 4096 bytes/ },
];

for (const { name, bytes, error } of MISUSE) {
  test(`socket: ${name} is an error, and the next request is answered`, async (t) => {
    const { path, runDir } = await started(t);
    const answer = await raw(path, bytes);
    assert.match(answer, /^\{"error":".*\n$/);
    assert.match(answer, error);
    assert.equal((await ask(runDir, { what: 'status' })).version, STATUS.version);
  });
}

test('socket: a request that never ends is cut off, and the next request is answered', async (t) => {
  const { path, runDir } = await started(t);
  const socket = connect(path);
  const pour = setInterval(() => socket.write('x'.repeat(1_000)), 1);
  await new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  clearInterval(pour);
  assert.equal((await ask(runDir, { what: 'status' })).version, STATUS.version);
});

test('socket: who connects and leaves without a word does no harm', async (t) => {
  const { path, runDir } = await started(t);
  await raw(path, '', true);
  const socket = connect(path);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  assert.equal((await ask(runDir, { what: 'status' })).pid, STATUS.pid);
});

test('socket: a second natlb in the same run directory is refused, and the first goes on', async (t) => {
  const { path, runDir } = await started(t);
  await assert.rejects(startControlSocket({ path, handlers: HANDLERS }), /another natlb is running with this run directory/);
  assert.equal((await ask(runDir, { what: 'status' })).pid, STATUS.pid);
});

// What kill -9 leaves behind: a socket file nobody listens on.
function abandonSocket(path: string): void {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', program]);
  assert.ok(existsSync(path), 'no socket was left behind');
}

test('socket: what a killed natlb left behind is replaced', async (t) => {
  const { path, runDir } = place(t);
  abandonSocket(path);
  await assert.rejects(ask(runDir, { what: 'status' }), /natlb is not running: .*control\.sock was left behind/);
  const socket = await startControlSocket({ path, handlers: HANDLERS });
  t.after(() => socket.close());
  assert.equal((await ask(runDir, { what: 'status' })).pid, STATUS.pid);
});

test('socket: a file that is no socket is left alone', async (t) => {
  const { path } = place(t);
  writeFileSync(path, 'precious');
  await assert.rejects(startControlSocket({ path, handlers: HANDLERS }), /expected a socket or nothing, found another kind of file/);
  assert.ok(existsSync(path));
});

test('socket: closing takes the file away and open connections with it', async (t) => {
  const { path, runDir } = place(t);
  const never = new Promise<never>(() => undefined);
  const socket = await startControlSocket({ path, handlers: { ...HANDLERS, flows: () => never } });
  const asked = assert.rejects(ask(runDir, { what: 'flows' }), /closed .* before its answer was complete/);
  await ask(runDir, { what: 'status' }); // so the first has been accepted
  await socket.close();
  await asked;
  assert.equal(existsSync(path), false);
});

test('socket: a directory that does not exist and a path too long are told apart', async (t) => {
  const { runDir } = place(t);
  const path = join(runDir, 'missing', 'control.sock');
  await assert.rejects(startControlSocket({ path, handlers: HANDLERS }), /cannot listen on control socket .*missing/);
  await assert.rejects(ask(join(runDir, 'x'.repeat(100)), { what: 'status' }), /longer than the 107 bytes/);
});

test('client: natlb that does not answer is given up, with the limit in the message', async (t) => {
  const { runDir } = await started(t, { status: () => new Promise<never>(() => undefined) });
  await assert.rejects(ask(runDir, { what: 'status' }, 50), /did not answer on .*control\.sock within 50 ms/);
});

test('client: somebody else who answers is not taken for natlb', async (t) => {
  const { path, runDir } = place(t);
  const server = createServer((socket) => socket.end('hello\n')).listen(path);
  t.after(() => server.close());
  await assert.rejects(ask(runDir, { what: 'status' }), /is not natlb: it sent no JSON/);
});

test('client: without permission the message says whom to ask as', {
  skip: process.getuid?.() !== 0 && 'needs root to give root up',
}, async (t) => {
  const { runDir } = await started(t);
  chmodSync(runDir, 0o755); // the socket itself keeps others out
  const client = new URL('../../control/cli/client.js', import.meta.url);
  const program = `import(${JSON.stringify(client.href)}).then(({ ask }) => { process.setuid(65534); return ask(process.argv[1], { what: 'status' }); }).catch((e) => console.log(e.message))`;
  const { stdout } = spawnSync(process.execPath, ['-e', program, runDir], { encoding: 'utf8' });
  assert.match(stdout, /permission denied for .*control\.sock: ask as root/);
});
