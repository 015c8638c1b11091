// Asks a running natlb through its control socket, and says plainly why when it cannot.

import { connect } from 'node:net';
import { type Answers, type ControlRequest, controlSocketPath } from '../socket.js';

export const DEFAULT_RUN_DIR = '/run/natlb';
const ANSWER_LIMIT_MS = 10_000;

export async function ask<What extends keyof Answers>(
  runDir: string,
  request: ControlRequest<What>,
  limitMs = ANSWER_LIMIT_MS,
): Promise<Answers[What]> {
  const path = controlSocketPath(runDir);
  const answer = parseAnswer(await exchange(path, `${JSON.stringify(request)}\n`, limitMs), path);
  if ('error' in answer) throw new Error(String(answer.error));
  return answer.value as Answers[What];
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
