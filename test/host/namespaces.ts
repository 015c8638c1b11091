// Network namespaces for tests, each with a process inside that does what it is asked to (inside.ts).

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Actions } from './inside.js';

/** With the id of the process that made it, so that runs side by side do not meet, and what a dead one left can be told. */
const PREFIX = 'nh-';

export const SKIP = process.getuid?.() === 0 ? false : 'network namespaces need root';

/** Runs `ip` with these words. */
export function ip(command: string): string {
  return execFileSync('ip', command.split(' '), { encoding: 'utf8' });
}

export class Namespace {
  readonly name: string;
  readonly #inside: ChildProcess;

  constructor(name: string) {
    sweep();
    this.name = `${PREFIX}${process.pid}-${name}`;
    ip(`netns add ${this.name}`);
    this.ip('link set lo up');
    const program = [process.execPath, join(import.meta.dirname, 'inside.js')];
    this.#inside = spawn('ip', ['netns', 'exec', this.name, ...program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  ip(command: string): string {
    return ip(`-n ${this.name} ${command}`);
  }

  /** Runs a command in it, to its end. */
  exec(command: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, ...command], { encoding: 'utf8' });
  }

  /** One at a time: answers come in the order of the questions. */
  async do<Name extends keyof Actions>(name: Name, ...args: Parameters<Actions[Name]>): Promise<Awaited<ReturnType<Actions[Name]>>> {
    this.#inside.send({ name, args });
    const [answer] = await once(this.#inside, 'message');
    if (answer.failure !== undefined) throw new Error(answer.failure);
    return answer.value;
  }

  async remove(): Promise<void> {
    const ended = once(this.#inside, 'exit');
    this.#inside.disconnect();
    await ended;
    ip(`netns del ${this.name}`);
  }
}

/** Joins two namespaces by a cable whose ends have addresses. IPv6 works at once. */
export function cable(
  a: Namespace,
  aLink: string,
  aAddresses: readonly string[],
  b: Namespace,
  bLink: string,
  bAddresses: readonly string[],
): void {
  a.ip(`link add ${aLink} type veth peer name ${bLink} netns ${b.name}`);
  for (const [end, link, addresses] of [
    [a, aLink, aAddresses],
    [b, bLink, bAddresses],
  ] as const) {
    for (const address of addresses) end.ip(`addr add ${address} dev ${link}${address.includes(':') ? ' nodad' : ''}`);
    end.ip(`link set ${link} up`);
  }
}

/** Asks again until the answer satisfies; false after five seconds. */
export async function eventually(satisfied: () => Promise<boolean>): Promise<boolean> {
  const until = Date.now() + 5_000;
  while (Date.now() < until) {
    if (await satisfied()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function sweep(): void {
  const all = JSON.parse(ip('-j netns list') || '[]') as { name: string }[];
  for (const { name } of all) {
    const maker = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (maker !== undefined && !existsSync(`/proc/${maker}`)) ip(`netns del ${name}`);
  }
}
