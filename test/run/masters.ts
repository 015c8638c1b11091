// Who sends adverts, seen on the wire: for how long two routers did at once.

import { Program } from '../lab/process.js';
import type { Host } from '../lab/topology.js';

export interface Advert {
  readonly atMs: number;
  readonly source: string;
  readonly priority: number;
}

interface Reign {
  readonly source: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A line of `tcpdump -tt`. */
export function parseAdvert(line: string, virtualRouterId: number): Advert | undefined {
  const words = /^([\d.]+) IP (\S+) > .*vrid (\d+), prio (\d+),/.exec(line);
  if (words === null || Number(words[3]) !== virtualRouterId) return undefined;
  return { atMs: Number(words[1]) * 1000, source: words[2] ?? '', priority: Number(words[4]) };
}

/** Whoever is silent for `silenceMs`, or resigns, is master no more. */
export function longestOverlapMs(adverts: readonly Advert[], silenceMs: number): number {
  const reigns = reignsOf(adverts, silenceMs);
  const overlaps = reigns.flatMap((one, i) =>
    reigns
      .slice(i + 1)
      .filter(({ source }) => source !== one.source)
      .map((other) => Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs)),
  );
  return Math.max(0, ...overlaps);
}

function reignsOf(adverts: readonly Advert[], silenceMs: number): Reign[] {
  const reigns: Reign[] = [];
  const current = new Map<string, Reign>();
  for (const { atMs, source, priority } of adverts) {
    const reign = current.get(source);
    const goesOn = reign !== undefined && atMs - reign.toMs < silenceMs;
    if (reign !== undefined && (priority === 0 || !goesOn)) {
      reigns.push(reign);
      current.delete(source);
    }
    if (priority > 0) current.set(source, { source, fromMs: goesOn ? reign.fromMs : atMs, toMs: atMs });
  }
  return [...reigns, ...current.values()];
}

/** Listens at a host of the lab. */
export class Masters {
  readonly #capture: Program;
  readonly #adverts: Advert[] = [];

  constructor({ namespace, addressed }: Host, virtualRouterId: number, logFile: string) {
    const command = ['tcpdump', '-tt', '-lnni', addressed[0] ?? 'eth0', 'proto 112'];
    this.#capture = new Program('tcpdump', command, { namespace, logFile, readStdout: true });
    this.#capture.onLine((line) => {
      const advert = parseAdvert(line, virtualRouterId);
      if (advert !== undefined) this.#adverts.push(advert);
    });
  }

  overlapMs(silenceMs: number): number {
    return Math.round(longestOverlapMs(this.#adverts, silenceMs));
  }

  get heard(): number {
    return this.#adverts.length;
  }

  stop(): Promise<boolean> {
    return this.#capture.stop();
  }
}
