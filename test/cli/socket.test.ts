// The control socket in use and in misuse, over a real unix socket.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, streamFlows } from '../../control/cli/client.js';
import { type ControlSocket, type Handlers, REQUEST_LIMIT_BYTES, startControlSocket } from '../../control/socket.js';
import type { FlowEntry, FlowQuestion } from '../../dataplane/protocol.js';
import { EXPLANATION, FLOW, HANDLERS, piece } from './handlers.js';
import { STATUS } from './sample-status.js';

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

const ALL = { filter: {}, listed: true } as const;
const PACKET = {
  protocol: 'tcp',
  client: { address: '192.0.2.1', port: 40_000 },
  service: { address: '203.0.113.10', port: 80 },
} as const;

async function listed(runDir: string): Promise<readonly FlowEntry[]> {
  const flows: FlowEntry[] = [];
  for await (const some of streamFlows(runDir, ALL)) flows.push(...some);
  return flows;
}

test('socket: what is asked is answered with what the handlers give', async (t) => {
  const { runDir } = await started(t);
  assert.deepEqual(await ask(runDir, { what: 'status' }), STATUS);
  assert.deepEqual(await listed(runDir), [FLOW]);
  assert.deepEqual(await ask(runDir, { what: 'explain', packet: PACKET }), EXPLANATION);
  assert.deepEqual(await ask(runDir, { what: 'reload' }), { applied: false, message: 'line 3: unknown keyword' });
});

test('socket: only its owner may open it', async (t) => {
  const { path } = await started(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

/** A table of `size` flows, read as the data plane would be; tells what it was asked. */
function table(size: number) {
  const asked: FlowQuestion[] = [];
  const flows = async (question: FlowQuestion) => {
    asked.push(question);
    const { cursor, count } = question;
    const ports = Array.from({ length: Math.min(count, size - cursor) }, (_, at) => cursor + at);
    const some = ports.map((port) => ({ ...FLOW, client: { address: '192.0.2.1', port } }));
    return piece(some, cursor + count < size ? cursor + count : undefined);
  };
  return { asked, flows };
}

test('socket: a long list arrives whole and in order, piece by piece', async (t) => {
  const { asked, flows } = table(20_000);
  const { runDir } = await started(t, { flows });
  const ports = (await listed(runDir)).map(({ client }) => client.port);
  assert.deepEqual(
    ports,
    Array.from({ length: 20_000 }, (_, at) => at),
  );
  assert.ok(asked.length >= 10, `${asked.length} pieces`);
});

test('socket: a reader who takes nothing is read no further for', async (t) => {
  const { asked, flows } = table(1_000_000);
  const { runDir, socket } = await started(t, { flows });
  const reading = streamFlows(runDir, ALL);
  await reading.next();
  for (let before = -1; before !== asked.length; ) {
    before = asked.length;
    for (let turn = 0; turn < 50; turn++) await ask(runDir, { what: 'reload' });
  }
  assert.ok(asked.length < 100, `${asked.length} pieces read for a reader who stands still`);
  await socket.close();
});

test('socket: a reader who leaves ends the reading', async (t) => {
  const { asked, flows } = table(1_000_000);
  const { runDir } = await started(t, { flows });
  for await (const _ of streamFlows(runDir, ALL)) break;
  for (let turn = 0; turn < 50; turn++) await ask(runDir, { what: 'reload' });
  assert.ok(asked.length < 100, `${asked.length} pieces read for nobody`);
});

test('socket: an empty list is an empty list, and says how many there were', async (t) => {
  const { runDir, path } = await started(t, { flows: async () => piece([]) });
  assert.deepEqual(await listed(runDir), []);
  assert.equal(await raw(path, '{"what":"flows"}\n'), '{"end":true,"matched":0}\n');
});

test('socket: what flows are asked for is passed on, and their number comes back', async (t) => {
  const asked: FlowQuestion[] = [];
  const count = async (question: FlowQuestion) => {
    asked.push(question);
    return { lines: '', matched: 5, ...(question.cursor === 0 ? { next: 7 } : {}) };
  };
  const { runDir } = await started(t, { flows: count });
  const filter = {
    name: 'web',
    service: { address: '2001:db8::10', port: 80 },
    client: { address: '2001:db8:1::', port: 0, prefixLength: 48 },
    server: { address: 'fd00::1', port: 8080 },
    state: 'ESTABLISHED',
  };
  const pieces = streamFlows(runDir, { filter, listed: false });
  let next = await pieces.next();
  while (!next.done) next = await pieces.next();
  assert.equal(next.value, 10);
  assert.deepEqual(
    asked.map(({ cursor, listed, filter }) => ({ cursor, listed, filter })),
    [0, 7].map((cursor) => ({ cursor, listed: false, filter })),
  );
});

test('socket: a list that breaks off is an error, whatever came before', async (t) => {
  const { flows } = table(20_000);
  const breaking = (question: FlowQuestion) => (question.cursor === 0 ? flows(question) : Promise.reject(new Error('the data plane died')));
  const { runDir } = await started(t, { flows: breaking });
  await assert.rejects(listed(runDir), /^Error: the data plane died$/);
});

test('socket: a handler that fails is an error with its message', async (t) => {
  const { runDir } = await started(t, { explain: () => Promise.reject(new Error('the data plane is starting')) });
  await assert.rejects(ask(runDir, { what: 'explain', packet: PACKET }), /^Error: the data plane is starting$/);
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
    error: /one of status, flows, explain, trace, reload, confirm, dump, diff\}, found .*explode/,
  },
  { name: 'a name every object has', bytes: '{"what":"constructor"}\n', error: /expected/ },
  { name: 'a request without what', bytes: '{}\n', error: /expected .* found undefined/ },
  { name: 'what that is no name', bytes: '{"what":["status"]}\n', error: /expected/ },
  { name: 'a field nobody knows', bytes: '{"what":"status","colour":1}\n', error: /the request: expected what, found .*colour/ },
  { name: 'a filter that is none', bytes: '{"what":"flows","filter":[]}\n', error: /filter: expected an object/ },
  { name: 'a filter by something else', bytes: '{"what":"flows","filter":{"age":1}}\n', error: /filter: expected name, .*found .*age/ },
  { name: 'a filter with a name that is none', bytes: '{"what":"flows","filter":{"name":7}}\n', error: /filter\.name: expected a text/ },
  { name: 'listed that is neither true nor false', bytes: '{"what":"flows","listed":"no"}\n', error: /listed: expected true or false/ },
  {
    name: 'a client that is no address',
    bytes: '{"what":"flows","filter":{"client":{"address":"x","port":0,"prefixLength":8}}}\n',
    error: /filter\.client\.address: expected an IP address/,
  },
  {
    name: 'a prefix longer than the address',
    bytes: '{"what":"flows","filter":{"client":{"address":"192.0.2.1","port":0,"prefixLength":33}}}\n',
    error: /filter\.client\.prefixLength: expected a number from 0 to 32, found 33/,
  },
  {
    name: 'a port that is none',
    bytes: '{"what":"flows","filter":{"server":{"address":"10.0.0.1","port":65536}}}\n',
    error: /filter\.server\.port: expected a number from 0 to 65535/,
  },
  { name: 'a packet that is missing', bytes: '{"what":"explain"}\n', error: /packet: expected an object, found undefined/ },
  {
    name: 'a packet of an unknown protocol',
    bytes: '{"what":"explain","packet":{"protocol":"icmp"}}\n',
    error: /packet\.protocol: expected one of tcp, udp, sctp, found .*icmp/,
  },
  {
    name: 'a packet between two families',
    bytes: `{"what":"explain","packet":{"protocol":"tcp","client":{"address":"::1","port":1},"service":{"address":"10.0.0.1","port":80}}}\n`,
    error: /::1 and 10\.0\.0\.1 are not of one family/,
  },
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
  const asked = assert.rejects(listed(runDir), /closed .* before its answer was complete/);
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
