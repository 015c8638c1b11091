// The engine benchmark's native half (native/test/bench_engine.cc): one process that answers a line of JSON to each line it is sent.

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const TOP = join(import.meta.dirname, '..', '..');

export class EngineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];

  constructor() {
    execFileSync('make', ['-s', '-C', join(TOP, 'native', 'test'), 'bench'], { stdio: ['ignore', 'inherit', 'inherit'] });
    this.#child = spawn(join(TOP, 'build', 'native-test', 'bench_engine'), { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(this.#child.stdout).on('line', (line) => this.#waiting.shift()?.resolve(line));
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the engine benchmark ended with exit code ${code}`));
    });
  }

  async ask<Answer>(command: string): Promise<Answer> {
    const line = new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#child.stdin.write(`${command}\n`);
    return JSON.parse(await line) as Answer;
  }

  close(): void {
    this.#child.stdin.end();
  }
}
