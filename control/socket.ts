// The control socket: one JSON line asks, one JSON line answers, on a unix socket only its owner may open. Flows are answered with a line each
// and a last one that says how many there were; without it the list is not whole.

import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Explanation, FlowPiece, FlowQuestion, PacketQuestion, Trace } from '../dataplane/protocol.js';
import type { ConfigDiff } from './reload/diff.js';
import type { ReloadOutcome } from './reload/reloader.js';
import { type ControlRequest, type DiffRequest, type DumpRequest, type FlowsRequest, type ReloadRequest, readRequest } from './requests.js';
import type { Status } from './status.js';

/** What is answered in one line. */
export interface Answers {
  readonly status: Status;
  readonly reload: ReloadOutcome;
  readonly confirm: ReloadOutcome;
  readonly diff: ConfigDiff;
  /** The files that were written. */
  readonly dump: readonly string[];
  readonly explain: Explanation;
  readonly trace: Trace;
}

/** The last line of a list of flows. */
export interface FlowsEnd {
  readonly end: true;
  readonly matched: number;
}

export interface Handlers {
  readonly status: () => Promise<Status>;
  readonly reload: (request: ReloadRequest) => Promise<ReloadOutcome>;
  readonly confirm: () => Promise<ReloadOutcome>;
  readonly diff: (request: DiffRequest) => Promise<ConfigDiff>;
  readonly dump: (request: DumpRequest) => Promise<readonly string[]>;
  readonly explain: (question: PacketQuestion) => Promise<Explanation>;
  readonly trace: (verdicts: readonly string[]) => Promise<Trace>;
  /** Asked for one piece after the other, each when the one before it has been taken. */
  readonly flows: (question: FlowQuestion) => Promise<FlowPiece>;
}

export interface ControlSocket {
  close(): Promise<void>;
}

export const REQUEST_LIMIT_BYTES = 4096;
const IDLE_LIMIT_MS = 5_000;
const CONNECTION_LIMIT = 32;
/** Whoever looks at flows page by page may read a while. */
const READER_LIMIT_MS = 600_000;
/** Flows in a piece: a million of them must not hold up an advert. */
const PIECE_FLOWS = 2000;
/** sun_path holds 108 bytes with the final zero; longer paths would be cut without a word. */
const PATH_LIMIT_BYTES = 107;

export function controlSocketPath(runDir: string): string {
  const path = join(runDir, 'control.sock');
  if (Buffer.byteLength(path) > PATH_LIMIT_BYTES) {
    throw new Error(
      `${path}: longer than the ${PATH_LIMIT_BYTES} bytes the path of a unix socket may have; choose a shorter run directory`,
    );
  }
  return path;
}

export async function startControlSocket(options: { readonly path: string; readonly handlers: Handlers }): Promise<ControlSocket> {
  await removeStale(options.path);
  const open = new Set<Socket>();
  // Half-open, so that `echo … | nc -U` still gets its answer after it has closed its side.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, options.handlers);
  });
  server.maxConnections = CONNECTION_LIMIT;
  await listen(server, options.path);
  // A connection that cannot be accepted for want of memory is lost, and nothing else.
  server.on('error', () => {});
  return { close: () => close(server, open) };
}

function serve(socket: Socket, handlers: Handlers): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const finish = () => {
    socket.off('data', receive).off('end', finish).resume();
    void answer(socket, Buffer.concat(chunks), handlers);
  };
  const receive = (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > REQUEST_LIMIT_BYTES || chunk.includes('\n')) finish();
  };
  socket.on('error', () => socket.destroy());
  socket.setTimeout(IDLE_LIMIT_MS, () => socket.destroy());
  socket.on('data', receive).on('end', finish);
}

async function answer(socket: Socket, received: Buffer, handlers: Handlers): Promise<void> {
  try {
    const request = parseRequest(received);
    socket.setTimeout(0); // the handler has limits of its own
    if (request.what === 'flows') {
      await writeFlows(socket, request, handlers.flows);
    } else {
      const value = await answerTo(request, handlers);
      socket.setTimeout(IDLE_LIMIT_MS);
      socket.write(`${JSON.stringify({ value })}\n`);
    }
  } catch (error) {
    socket.write(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`);
  }
  // destroySoon: what was written goes out, and a peer that keeps its own side open does not keep ours.
  socket.destroySoon();
}

function answerTo(request: Exclude<ControlRequest, FlowsRequest>, handlers: Handlers): Promise<Answers[keyof Answers]> {
  switch (request.what) {
    case 'status':
      return handlers.status();
    case 'reload':
      return handlers.reload(request);
    case 'confirm':
      return handlers.confirm();
    case 'diff':
      return handlers.diff(request);
    case 'dump':
      return handlers.dump(request);
    case 'explain':
      return handlers.explain(request.packet);
    case 'trace':
      return handlers.trace(request.verdicts);
    default:
      return request satisfies never;
  }
}

function parseRequest(received: Buffer): ControlRequest {
  const end = received.indexOf('\n');
  const line = received.subarray(0, end < 0 ? received.length : end);
  if (line.length > REQUEST_LIMIT_BYTES) throw new Error(`request longer than ${REQUEST_LIMIT_BYTES} bytes`);
  return readRequest(parseLine(line.toString()));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error('a request is one line of JSON, such as {"what":"status"}');
  }
}

/** The next piece is read only when this one is on its way, so a reader who is slow or gone costs one piece. */
async function writeFlows(socket: Socket, { filter, listed }: FlowsRequest, read: Handlers['flows']): Promise<void> {
  socket.setTimeout(READER_LIMIT_MS);
  let matched = 0;
  for (let cursor: number | undefined = 0; cursor !== undefined && !socket.destroyed; ) {
    const piece: FlowPiece = await read({ cursor, count: PIECE_FLOWS, listed, filter });
    matched += piece.matched;
    cursor = piece.next;
    if (piece.lines !== '' && !socket.write(piece.lines)) await drained(socket);
  }
  socket.write(`${JSON.stringify({ end: true, matched } satisfies FlowsEnd)}\n`);
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
    if (socket.destroyed) done();
  });
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path}: expected a socket or nothing, found another kind of file`);
  if (await answers(path)) throw new Error(`${path}: another natlb is running with this run directory`);
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(new Error(`${path}: cannot find out whether another natlb uses it: ${error.message}`));
    });
    socket.once('connect', () => socket.destroy());
  });
}

async function listen(server: Server, path: string): Promise<void> {
  // The file is made inside listen(), so the mask holds from its first moment: no chmod afterwards that somebody could be faster than.
  const mask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await once(server, 'listening').catch((error: Error) => {
    throw new Error(`cannot listen on control socket ${path}: ${error.message}`);
  });
}

async function close(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of open) socket.destroy();
  await closed;
}
