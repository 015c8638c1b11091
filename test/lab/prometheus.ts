// A real Prometheus in a router's namespace that scrapes natlb there, and can be asked what it has seen.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program, run, until } from './process.js';

const BINARY = join(import.meta.dirname, '../../../build/prometheus/usr/bin/prometheus');
const LISTEN = '127.0.0.1:9090';

interface Vector {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

export class Prometheus {
  readonly #namespace: string;
  readonly #program: Program;

  /** `target`: where natlb serves /metrics, seen from the namespace. */
  constructor(namespace: string, dir: string, target: string) {
    mkdirSync(dir, { recursive: true });
    const config = join(dir, 'prometheus.yml');
    writeFileSync(
      config,
      `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: natlb, static_configs: [{targets: ['${target}']}]}]\n`,
    );
    const command = [BINARY, `--config.file=${config}`, `--storage.tsdb.path=${join(dir, 'data')}`, `--web.listen-address=${LISTEN}`];
    this.#namespace = namespace;
    this.#program = new Program('prometheus', command, { namespace, logFile: join(dir, 'log') });
  }

  /** The value of an expression that has one, once it has one. */
  value(expression: string, limitMs = 20_000): Promise<number> {
    return until(`Prometheus knows ${expression}`, limitMs, async () => {
      const url = `http://${LISTEN}/api/v1/query?query=${encodeURIComponent(expression)}`;
      const answer = JSON.parse(await run(['curl', '-sS', '--max-time', '5', url], { namespace: this.#namespace })) as Vector;
      const value = answer.data.result[0]?.value[1];
      return value === undefined ? undefined : Number(value);
    });
  }

  async stop(): Promise<void> {
    await this.#program.stop(5_000);
  }
}
