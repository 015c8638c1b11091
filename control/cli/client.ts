// Asks a running natlb through its control socket, and says plainly why when it cannot.

import { connect } from 'node:net';
import type { FlowEntry } from '../../dataplane/protocol.js';
import type { ControlRequest, FlowsRequest } from '../requests.js';
import { type Answers, controlSocketPath, type FlowsEnd } from '../socket.js';

export const DEFAULT_RUN_DIR = '/run/natlb';
const ANSWER_LIMIT_MS = 10_000;

export async function ask<What extends keyof Answers>(
  runDir: string,
  request: Extract<ControlRequest, { what: What }>,
  limitMs = ANSWER_LIMIT_MS,
): Promise<Answers[What]> {
  const path = controlSocketPath(runDir);
  const answer = parseAnswer(await exchange(path, `${JSON.stringify(request)}\n`, limitMs), path);
  if ('error' in answer) throw new Error(String(answer.error));
  return answer.value as Answers[What];
}

/** Yields flows as they arrive, and returns how many fitted. Throws when the list does not come to its end. */
export async function* streamFlows(
  runDir: string,
  request: Omit<FlowsRequest, 'what'>,
  limitMs = ANSWER_LIMIT_MS,
): AsyncGenerator<readonly FlowEntry[], number, undefined> {
  const path = controlSocketPath(runDir);
  const socket = connect(path, () => socket.write(`${JSON.stringify({ what: 'flows', ...request })}\n`));
  // Only waiting counts: whoever takes the flows may take its time.
  const wait = () => setTimeout(() => socket.destroy(new Error(`natlb did not answer on ${path} within ${limitMs} ms`)), limitMs);
  let limit = wait();
  let rest = '';
  try {
    for await (const chunk of socket.setEncoding('utf8')) {
      clearTimeout(limit);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      const values = lines.map((line) => parseFlowLine(line, path));
      const end = values.find((value) => 'end' in value);
      yield values.filter((value): value is FlowEntry => !('end' in value));
      if (end !== undefined) return end.matched;
      limit = wait();
    }
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, path);
  } finally {
    clearTimeout(limit);
    socket.destroy();
  }
  throw new Error(`natlb closed ${path} before its answer was complete`);
}

function parseFlowLine(line: string, path: string): FlowEntry | FlowsEnd {
  const value: FlowEntry | FlowsEnd | { readonly error: unknown } = parseJson(line, path);
  if ('error' in value) throw new Error(String(value.error));
  return value;
}

function exchange(path: string, line: string, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path, () => socket.write(line));
    const limit = setTimeout(() => socket.destroy(new Error(`natlb did not answer on ${path} within ${limitMs} ms`)), limitMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => reject(explain(error, path)));
    socket.on('close', () => {
      clearTimeout(limit);
      resolve(Buffer.concat(chunks).toString());
    });
  });
}

function parseAnswer(text: string, path: string): { readonly value: unknown } | { readonly error: unknown } {
  if (!text.endsWith('\n')) throw new Error(`natlb closed ${path} before its answer was complete`);
  return parseJson(text, path);
}

function parseJson<Value>(text: string, path: string): Value {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`what answered on ${path} is not natlb: it sent no JSON`);
  }
}

const REASONS: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `natlb is not running: there is no ${path}; if it runs elsewhere, name its directory with --run-dir`,
  ENOTDIR: (path) => `${path}: the run directory is not a directory`,
  ECONNREFUSED: (path) => `natlb is not running: ${path} was left behind by one that ended`,
  EACCES: (path) => `permission denied for ${path}: ask as root, or as the user natlb runs as`,
};

function explain(error: NodeJS.ErrnoException, path: string): Error {
  const reason = REASONS[error.code ?? '']?.(path);
  return reason === undefined ? error : new Error(reason);
}
