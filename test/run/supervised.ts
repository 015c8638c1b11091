// A `natlb run` that is started again when it ends, as systemd does with `Restart=always`, and whose processes can be killed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { alive, Program } from '../lab/process.js';
import type { Host } from '../lab/topology.js';

export const VICTIMS = ['control', 'dataplane', 'both'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Run {
  readonly host: Host;
  readonly command: readonly string[];
  readonly runDir: string;
  readonly logFile: string;
}

const RESTART_AFTER_MS = 100;

export class Supervised {
  readonly #run: Run;
  #program: Program;
  #closing = false;

  constructor(run: Run) {
    this.#run = run;
    this.#program = this.#start();
  }

  /** Whatever of it runs at the moment. */
  kill(victim: Victim): void {
    const dataplane = this.dataplane();
    if (victim !== 'control' && dataplane !== undefined) process.kill(dataplane, 'SIGKILL');
    if (victim !== 'dataplane') this.#program.kill('SIGKILL');
  }

  /** The process that its run directory names, if it is one of natlb. */
  dataplane(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.#run.runDir, 'dataplane.pid'), 'utf8'));
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return words.includes('dataplane/main.js') && words.includes(this.#run.runDir) && alive(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#program.stop();
  }

  #start(): Program {
    const { host, command, logFile } = this.#run;
    const program = new Program(host.name, command, { namespace: host.namespace, logFile });
    void program.exited
      .then(() => delay(RESTART_AFTER_MS))
      .then(() => {
        if (!this.#closing) this.#program = this.#start();
      });
    return program;
  }
}
