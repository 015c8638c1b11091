// Keeps the guard in step with the services: puts it in place when they change, and again and again when that fails.

import { inSlices, type Steps } from '../slices.js';
import { applyGuard, type GuardedService, guardRules, writeGuardRules } from './guard.js';
import { type GuardedInstance, vrrpChains } from './guard-vrrp.js';

export interface GuardKeeperOptions {
  /** Those the guard covers from the start: every configured server, up or down, for replies of one that just went down must not leave either. */
  readonly services: readonly GuardedService[];
  readonly instances?: readonly GuardedInstance[];
  readonly log: (text: string) => void;
  readonly apply?: (rules: string) => Promise<void>;
  readonly retryMs?: number;
}

const RETRY_MS = 5_000;
const NOTHING: Guarded = { services: [], instances: [] };

export class GuardKeeper {
  readonly #log: (text: string) => void;
  readonly #apply: (rules: string) => Promise<void>;
  readonly #retryMs: number;
  #asked: Guarded;
  /** What `wanted` is made of. */
  #written: Guarded;
  #wanted: string;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;

  constructor({ services, instances = [], log, apply = applyGuard, retryMs = RETRY_MS }: GuardKeeperOptions) {
    this.#log = log;
    this.#apply = apply;
    this.#retryMs = retryMs;
    this.#asked = { services, instances };
    this.#written = this.#asked;
    this.#wanted = guardRules(services, instances);
  }

  /** Resolves when it has begun to put other rules in place, if there are any: with few services at once, with thousands in slices. */
  async keep(services: readonly GuardedService[], instances: readonly GuardedInstance[] = []): Promise<void> {
    if (services === this.#asked.services && instances === this.#asked.instances) return;
    const asked = { services, instances };
    this.#asked = asked;
    const rules = await inSlices(newRules(asked, this.#written));
    // Something newer may have been asked for meanwhile.
    if (asked !== this.#asked) return;
    this.#written = asked;
    if (rules === undefined || rules === this.#wanted) return;
    this.#wanted = rules;
    this.#later();
  }

  /** When what was asked for so far is in place, or has failed. */
  settled(): Promise<void> {
    return this.#work;
  }

  close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#wanted = '';
    this.#asked = NOTHING;
    return this.#work;
  }

  #later(): void {
    clearTimeout(this.#retry);
    const rules = this.#wanted;
    this.#work = this.#work.then(() => this.#set(rules));
  }

  async #set(rules: string): Promise<void> {
    if (rules !== this.#wanted) return; // Something newer waits behind it.
    try {
      await this.#apply(rules);
    } catch (problem) {
      if (rules !== this.#wanted) return;
      this.#log(`The kernel may answer for our services: ${(problem as Error).message}; trying again in ${this.#retryMs / 1000} s`);
      this.#retry = setTimeout(() => this.#later(), this.#retryMs);
    }
  }
}

interface Guarded {
  readonly services: readonly GuardedService[];
  readonly instances: readonly GuardedInstance[];
}

/** Weights and checks are nothing to the guard; to write its rules for thousands of services takes a while. Nothing: they are the same. */
function* newRules({ services, instances }: Guarded, before: Guarded): Steps<string | undefined> {
  const alikeInstances = vrrpChains(instances).join() === vrrpChains(before.instances).join();
  if (alikeInstances && (yield* areAlike(services, before.services))) return undefined;
  return yield* writeGuardRules(services, instances);
}

function* areAlike(services: readonly GuardedService[], before: readonly GuardedService[]): Steps<boolean> {
  if (services.length !== before.length) return false;
  for (const [at, service] of services.entries()) {
    const other = before[at];
    if (service !== other && (other === undefined || guarded(service) !== guarded(other))) return false;
    yield;
  }
  return true;
}

function guarded({ listeners, realServers, sorryServer }: GuardedService): string {
  const servers = realServers.map(({ address, port }) => `${address} ${port}`);
  return JSON.stringify([listeners, servers, sorryServer?.address, sorryServer?.port]);
}
