// Which router holds a virtual address, and when: every change the kernels report, to the microsecond, so that no overlap slips between samples.

import { join } from 'node:path';
import { Program, until } from './process.js';
import type { Host } from './topology.js';

/** `host` got or lost `address`. */
export interface Change {
  readonly atMs: number;
  readonly host: string;
  readonly address: string;
  readonly held: boolean;
}

export class Holders {
  readonly #monitors: readonly Program[];
  readonly #changes: Change[] = [];
  readonly #addresses: readonly string[];

  /** To be made before the routers start: it takes nobody to hold anything at first. */
  constructor(hosts: readonly Host[], addresses: readonly string[], dir: string) {
    this.#addresses = addresses;
    this.#monitors = hosts.map((host) => this.#watch(host, join(dir, `${host.name}-addresses.log`)));
  }

  of(address: string): string[] {
    return holdersAt(this.#changes, address, Number.POSITIVE_INFINITY);
  }

  /** Waits until each of the addresses is held by this host, and by no other. */
  async onlyAt(host: string, limitMs: number): Promise<void> {
    await this.#until(`only ${host} holds the virtual addresses`, limitMs, (holders) => holders.join() === host);
  }

  /** Waits until each of the addresses is held by this host, be there others or not. */
  async at(host: string, limitMs: number): Promise<void> {
    await this.#until(`${host} holds the virtual addresses`, limitMs, (holders) => holders.includes(host));
  }

  async #until(what: string, limitMs: number, holds: (holders: readonly string[]) => boolean): Promise<void> {
    await until(what, limitMs, () => {
      const wrong = this.#addresses.filter((address) => !holds(this.of(address)));
      if (wrong.length > 0)
        throw new Error(wrong.map((address) => `${address} is held by ${this.of(address).join(' and ') || 'nobody'}`).join(', '));
      return true;
    });
  }

  /** How long after a moment the last of the addresses came to (or went from) the host; undefined if none did. */
  settledAfterMs(host: string, held: boolean, momentMs: number): number | undefined {
    const times = this.#changes.filter((change) => change.host === host && change.held === held && change.atMs >= momentMs);
    return times.length > 0 ? Math.round(Math.max(...times.map((change) => change.atMs)) - momentMs) : undefined;
  }

  changesSince(momentMs: number): number {
    return this.#changes.filter((change) => change.atMs >= momentMs).length;
  }

  /** For how long since then some address had two holders. */
  overlapMs(sinceMs: number): number {
    return Math.max(...this.#addresses.map((address) => overlapMs(this.#changes, address, sinceMs, Date.now())));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#monitors.map((monitor) => monitor.stop()));
  }

  #watch(host: Host, logFile: string): Program {
    const monitor = new Program('ip monitor', ['ip', '-ts', 'monitor', 'address'], {
      namespace: host.namespace,
      logFile,
      readStdout: true,
    });
    monitor.onLine((line) => {
      const change = parseChange(line, host.name);
      if (change && this.#addresses.includes(change.address)) this.#changes.push(change);
    });
    return monitor;
  }
}

/** A line such as `[2026-01-01T12:00:00.123456] Deleted 2: eth0    inet 203.0.113.10/32 scope global eth0`. */
export function parseChange(line: string, host: string): Change | undefined {
  const [, time = '', deleted, address = ''] = /^\[(\S+)\] (Deleted )?\d+: \S+\s+inet6? ([0-9a-f.:]+)\//.exec(line) ?? [];
  return address ? { atMs: parseTime(time), host, address, held: deleted === undefined } : undefined;
}

// `ip` prints local time without a zone, which is how Date reads it; Date itself would drop the microseconds.
function parseTime(text: string): number {
  const [seconds = '', fraction = '0'] = text.split('.');
  return Date.parse(seconds) + Number(`0.${fraction}`) * 1000;
}

export function holdersAt(changes: readonly Change[], address: string, atMs: number): string[] {
  const holders = new Set<string>();
  for (const change of changes) {
    if (change.address !== address || change.atMs > atMs) continue;
    if (change.held) holders.add(change.host);
    else holders.delete(change.host);
  }
  return [...holders];
}

/** For how long between two moments the address was held by more than one host. */
export function overlapMs(changes: readonly Change[], address: string, fromMs: number, toMs: number): number {
  const between = changes.map((change) => change.atMs).filter((atMs) => atMs > fromMs && atMs < toMs);
  const moments = [fromMs, ...between.sort((a, b) => a - b), toMs];
  return moments.slice(1).reduce((sum, moment, n) => {
    const started = moments[n] ?? moment;
    return holdersAt(changes, address, started).length > 1 ? sum + moment - started : sum;
  }, 0);
}
