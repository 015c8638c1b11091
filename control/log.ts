// Where control's log lines go: standard error or a file, one line each, with the time unless the journal adds its own. Nobody taking them, a
// full disk or a closed end is no reason to lose the router: then lines are lost, and counted.

import { createWriteStream, type WriteStream } from 'node:fs';
import { factsOf } from './log-facts.js';

export type Log = (text: string) => void;

export type LogFormat = 'text' | 'json';

/** What lines are written to, without waiting. */
export interface LogSink {
  write(text: string): unknown;
  /** What nobody has taken yet, in bytes. */
  readonly writableLength: number;
}

/** A sink whose last lines come later than the call that wrote them. */
export interface LogFile extends LogSink {
  /** Resolves when they are written, or cannot be. */
  close(): Promise<void>;
}

export interface LogOptions {
  /** The journal notes the time itself. */
  readonly journal?: boolean;
  readonly format?: LogFormat;
}

/** Lines that wait for a reader that does not read. */
const WAITING_BYTES = 1024 * 1024;
const AGAIN_MS = 1000;

export function openLog(sink: LogSink, { journal = false, format = 'text' }: LogOptions = {}): Log {
  const line = format === 'json' ? asJson : journal ? (text: string) => text : withTime;
  let lost = 0;
  return (text) => {
    if (sink.writableLength > WAITING_BYTES) {
      lost += 1;
      return;
    }
    if (lost > 0) sink.write(`${line(`${lost} log lines were lost: nobody took them`)}\n`);
    lost = 0;
    sink.write(`${line(text)}\n`);
  };
}

export function logToStream(stream: NodeJS.WritableStream & LogSink): LogSink {
  stream.on('error', () => {});
  return stream;
}

/** A file that cannot be written is opened anew, once a second at most: its disk may have room again, or its directory be back. */
export function logToFile(path: string): LogFile {
  let stream: WriteStream | undefined;
  let failedMs = Number.NEGATIVE_INFINITY;
  const open = (): WriteStream | undefined => {
    if (stream !== undefined || performance.now() - failedMs < AGAIN_MS) return stream;
    const opened = createWriteStream(path, { flags: 'a', mode: 0o640 });
    opened.on('error', () => {
      failedMs = performance.now();
      stream = undefined;
    });
    stream = opened;
    return opened;
  };
  return {
    write: (text) => open()?.write(text),
    get writableLength() {
      return stream?.writableLength ?? 0;
    },
    close: () => new Promise((resolve) => (stream === undefined ? resolve() : stream.on('error', () => resolve()).end(resolve))),
  };
}

function withTime(text: string): string {
  return `${new Date().toISOString()} ${text}`;
}

function asJson(text: string): string {
  return JSON.stringify({ time: new Date().toISOString(), ...factsOf(text), message: text });
}
