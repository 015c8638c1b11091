// How long an address does not answer when its router dies or is stopped: a pair of natlb and a pair of keepalived on the same network, with the
// same file, in turns. A client asks from outside, every few milliseconds.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Program, run, until } from '../test/lab/process.js';
import { KeepalivedRouter, NatlbRouter, type Router } from '../test/lab/router.js';
import { type Host, Network, runDirectory, sweep, TWO_ROUTERS, VIP } from '../test/lab/topology.js';
import type { Options } from './options.js';
import { progress, type Result } from './report.js';
import { type Summary, summarize } from './statistics.js';
import { table } from './table.js';

const RUN_ROOT = '/run';
const NATLB = join(import.meta.dirname, '../../natlb');
const ASKER = join(import.meta.dirname, 'asker.js');
const ASK_EVERY_MS = 3;
/** Who follows an announcement does not follow another for a second (the kernel's `locktime`). */
const PEACE_MS = 1200;
/** What comes after the takeover may belong to it. */
const SETTLED_MS = 300;
const CHANGE_LIMIT_MS = 20_000;
/** A pause that is the machine's. */
const HICCUP_MS = 150;
const INTERVALS: readonly { readonly seconds: string; readonly trialsOf: (trials: number) => number }[] = [
  { seconds: '1', trialsOf: (trials) => Math.ceil(trials / 2) },
  { seconds: '0.1', trialsOf: (trials) => trials },
  { seconds: '0.01', trialsOf: (trials) => trials },
];

const KINDS = ['natlb', 'keepalived'] as const;
type Kind = (typeof KINDS)[number];

interface Story {
  readonly name: string;
  readonly happen: (pair: Pair) => Promise<unknown>;
  readonly mend: (pair: Pair) => Promise<unknown>;
}

const STORIES: readonly Story[] = [
  { name: 'host death', happen: (pair) => pair.die(), mend: (pair) => pair.riseAgain() },
  { name: 'graceful stop', happen: (pair) => pair.active.stop(), mend: (pair) => pair.active.start() },
];

interface Cell {
  readonly story: string;
  readonly advertInterval: string;
  readonly kind: Kind;
  readonly gapsMs: readonly number[];
}

export async function benchFailover({ trials }: Options): Promise<Result> {
  if (process.getuid?.() !== 0) throw new Error('the failover benchmark makes network namespaces: run it as root');
  await sweep(RUN_ROOT);
  const dir = runDirectory(RUN_ROOT, process.pid);
  mkdirSync(dir, { recursive: true });
  const network = await Network.build(TWO_ROUTERS.filter(({ name }) => ['client', 'active', 'standby'].includes(name)));
  const remove = async (): Promise<void> => {
    await network.remove();
    rmSync(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void remove().finally(() => process.exit(1)));
  try {
    return resultOf(await measureAll(network, dir, trials), trials);
  } finally {
    await remove();
  }
}

async function measureAll(network: Network, dir: string, trials: number): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const { seconds, trialsOf } of INTERVALS) {
    for (const kind of KINDS) {
      const pair = new Pair(kind, seconds, network, dir);
      try {
        await pair.start();
        for (const story of STORIES) cells.push(await measure(pair, story, { advertInterval: seconds, trials: trialsOf(trials) }));
      } finally {
        await pair.close();
      }
    }
  }
  return cells;
}

async function measure(pair: Pair, story: Story, { advertInterval, trials }: { advertInterval: string; trials: number }): Promise<Cell> {
  const gapsMs: number[] = [];
  for (let trial = 0; trial < trials; trial++) gapsMs.push(await pair.play(story));
  const { median } = summarize(gapsMs);
  progress(`failover: ${story.name}, advert_int ${advertInterval}, ${pair.kind}: ${median.toFixed(0)} ms`);
  return { story: story.name, advertInterval, kind: pair.kind, gapsMs };
}

/** Two routers of a kind, and who asks for their address. */
class Pair {
  readonly kind: Kind;
  readonly active: Router;
  readonly #standby: Router;
  readonly #network: Network;
  readonly #asking: Program;
  readonly #answeredMs: number[] = [];

  constructor(kind: Kind, advertInterval: string, network: Network, dir: string) {
    this.kind = kind;
    this.#network = network;
    this.active = router(kind, network.host('active'), { dir, priority: 150, advertInterval });
    this.#standby = router(kind, network.host('standby'), { dir, priority: 100, advertInterval });
    this.#asking = this.#ask(network.host('client').namespace, join(dir, 'asker.log'));
  }

  async start(): Promise<void> {
    await this.active.start();
    await this.#standby.start();
  }

  /** The longest time without an answer around what happens; afterwards all is as before. */
  async play({ happen, mend }: Story): Promise<number> {
    await this.#isAt(this.active.host);
    await this.#peace();
    const startedMs = Date.now();
    const happening = happen(this);
    await this.#isAt(this.#standby.host);
    await happening;
    await until('the address answers', CHANGE_LIMIT_MS, () => (this.#answeredMs.at(-1) ?? 0) > startedMs);
    await sleep(SETTLED_MS);
    const gapMs = this.#longestGapMs(startedMs);
    await mend(this);
    return gapMs;
  }

  /** Dead is who is heard by nobody; who saw its cables cut might say farewell by the last of them. */
  die(): Promise<void> {
    return this.#network.isolate(this.active.host.name, true);
  }

  riseAgain(): Promise<void> {
    return this.#network.isolate(this.active.host.name, false);
  }

  async close(): Promise<void> {
    await this.#asking.stop();
    await Promise.allSettled([this.active.stop(), this.#standby.stop()]);
  }

  async #isAt({ name, namespace }: Host): Promise<void> {
    await until(`${name} holds ${VIP}`, CHANGE_LIMIT_MS, async () => (await holds(namespace)) || undefined);
  }

  /** Answers all the time. */
  async #peace(): Promise<void> {
    await until(
      'nobody but the active router holds the address',
      CHANGE_LIMIT_MS,
      async () => !(await holds(this.#standby.host.namespace)),
    );
    await until('the address answers without a break', 3 * CHANGE_LIMIT_MS, async () => {
      const sinceMs = Date.now();
      await sleep(PEACE_MS);
      const alone = !(await holds(this.#standby.host.namespace));
      return alone && Date.now() - (this.#answeredMs.at(-1) ?? 0) < HICCUP_MS && this.#longestGapMs(sinceMs) < HICCUP_MS;
    });
  }

  #longestGapMs(sinceMs: number): number {
    const since = this.#answeredMs.findIndex((atMs) => atMs >= sinceMs);
    const times = since < 0 ? [] : this.#answeredMs.slice(Math.max(0, since - 1));
    return Math.max(0, ...times.slice(1).map((atMs, i) => atMs - (times[i] ?? atMs)));
  }

  #ask(namespace: string, logFile: string): Program {
    const command = [process.execPath, ASKER, VIP, String(ASK_EVERY_MS)];
    const asking = new Program('asker', command, { namespace, logFile, readStdout: true });
    asking.onLine((line) => this.#answeredMs.push(Number(line)));
    return asking;
  }
}

function router(
  kind: Kind,
  host: Host,
  wanted: { readonly dir: string; readonly priority: number; readonly advertInterval: string },
): Router {
  const dir = join(wanted.dir, `${host.name}-${kind}-${wanted.advertInterval}`);
  mkdirSync(dir);
  const made = kind === 'natlb' ? new NatlbRouter(host, dir, { natlb: NATLB, backend: 'af_packet' }) : new KeepalivedRouter(host, dir);
  writeFileSync(made.configFile, configuration(wanted));
  return made;
}

async function holds(namespace: string): Promise<boolean> {
  return (await run(['ip', '-n', namespace, '-o', 'address'])).includes(` ${VIP}/`);
}

function configuration({ priority, advertInterval }: { readonly priority: number; readonly advertInterval: string }): string {
  const instance = (name: string, nic: string, id: number, address: string): string => `vrrp_instance ${name} {
  state BACKUP
  interface ${nic}
  virtual_router_id ${id}
  priority ${priority}
  advert_int ${advertInterval}
  virtual_ipaddress {
    ${address}
  }
}
`;
  return `global_defs {
  router_id LVS
  vrrp_version 3
}
vrrp_sync_group VG1 {
  group {
    PUBLIC
    PRIVATE
  }
}
${instance('PUBLIC', 'eth0', 50, VIP)}${instance('PRIVATE', 'eth1', 2, '10.11.12.10')}virtual_server ${VIP} 80 {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 10.11.12.1 8080 {
  }
}
`;
}

function resultOf(cells: readonly Cell[], trials: number): Result {
  const rows = cells
    .filter(({ kind }) => kind === 'natlb')
    .map((natlb) => {
      const keepalived = cells.find(
        (cell) => cell.kind === 'keepalived' && cell.story === natlb.story && cell.advertInterval === natlb.advertInterval,
      );
      const [ours, theirs] = [summarize(natlb.gapsMs), summarize(keepalived?.gapsMs ?? [])];
      return { story: natlb.story, advertInterval: natlb.advertInterval, trials: natlb.gapsMs.length, natlb: ours, keepalived: theirs };
    });
  const spread = ({ median, min, max }: Summary): string => `${median.toFixed(0)} (${min.toFixed(0)}-${max.toFixed(0)})`;
  const lines = rows.map(({ story, advertInterval, trials: played, natlb, keepalived }) => [
    story,
    advertInterval,
    `${played}`,
    spread(natlb),
    spread(keepalived),
    (natlb.median / keepalived.median).toFixed(2),
  ]);
  const text = table(['', 'advert_int', 'trials', 'natlb ms', 'keepalived ms', 'ratio'], lines);
  return {
    name: 'failover',
    text: `Longest time without an answer, asked every ${ASK_EVERY_MS} ms: median (min-max)\n${text}`,
    figures: { trials, rows, cells },
  };
}
