// The control socket: one JSON line asks, one JSON line answers, on a unix socket only its owner may open.

import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FlowEntry } from '../dataplane/protocol.js';
import type { Status } from './status.js';

export interface ReloadOutcome {
  readonly applied: boolean;
  /** For the operator: what was applied, or why nothing was. */
  readonly message: string;
}

/** What can be asked, and what comes back. */
export interface Answers {
  readonly status: Status;
  readonly flows: readonly FlowEntry[];
  readonly reload: ReloadOutcome;
}

export interface ControlRequest<What extends keyof Answers = keyof Answers> {
  readonly what: What;
}

export type Handlers = { readonly [What in keyof Answers]: () => Promise<Answers[What]> };

export interface ControlSocket {
  close(): Promise<void>;
}

export const REQUEST_LIMIT_BYTES = 4096;
const IDLE_LIMIT_MS = 5_000;
const CONNECTION_LIMIT = 32;
/** A list is written in slices this long with a turn of the event loop between them: a million flows must not hold up an advert. */
const SLICE_ENTRIES = 500;
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
    const request = parseRequest(received, handlers);
    socket.setTimeout(0); // the handler has limits of its own
    const value = await handlers[request.what]();
    socket.setTimeout(IDLE_LIMIT_MS);
    await writeAnswer(socket, value);
  } catch (error) {
    socket.write(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`);
  }
  // destroySoon: what was written goes out, and a peer that keeps its own side open does not keep ours.
  socket.destroySoon();
}

function parseRequest(received: Buffer, handlers: Handlers): ControlRequest {
  const end = received.indexOf('\n');
  const line = received.subarray(0, end < 0 ? received.length : end);
  if (line.length > REQUEST_LIMIT_BYTES) throw new Error(`request longer than ${REQUEST_LIMIT_BYTES} bytes`);
  const what = parseWhat(line.toString());
  if (typeof what !== 'string' || !Object.hasOwn(handlers, what)) {
    throw new Error(`expected {"what": one of ${Object.keys(handlers).join(', ')}}, found ${JSON.stringify(what)?.slice(0, 80)}`);
  }
  return { what: what as keyof Answers };
}

function parseWhat(line: string): unknown {
  try {
    const request: unknown = JSON.parse(line);
    return typeof request === 'object' && request !== null && 'what' in request ? request.what : undefined;
  } catch {
    throw new Error('a request is one line of JSON, such as {"what":"status"}');
  }
}

async function writeAnswer(socket: Socket, value: Answers[keyof Answers]): Promise<void> {
  if (!Array.isArray(value)) {
    socket.write(`${JSON.stringify({ value })}\n`);
    return;
  }
  socket.write('{"value":[');
  for (let from = 0; from < value.length && !socket.destroyed; from += SLICE_ENTRIES) {
    const text = JSON.stringify(value.slice(from, from + SLICE_ENTRIES)).slice(1, -1);
    const room = socket.write(from === 0 ? text : `,${text}`);
    await (room ? nextTurn() : Promise.race([once(socket, 'drain'), once(socket, 'close')]));
  }
  socket.write(']}\n');
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
