// Keeps the guard in step with the services: puts it in place when they change, and again and again when that fails.

import { applyGuard, type GuardedService, guardRules } from './guard.js';
import type { GuardedInstance } from './guard-vrrp.js';

export interface GuardKeeperOptions {
  /** Those the guard covers from the start: every configured server, up or down, for replies of one that just went down must not leave either. */
  readonly services: readonly GuardedService[];
  readonly instances?: readonly GuardedInstance[];
  readonly log: (text: string) => void;
  readonly apply?: (rules: string) => Promise<void>;
  readonly retryMs?: number;
}

const RETRY_MS = 5_000;

export class GuardKeeper {
  readonly #log: (text: string) => void;
  readonly #apply: (rules: string) => Promise<void>;
  readonly #retryMs: number;
  #services: readonly GuardedService[];
  #instances: readonly GuardedInstance[];
  #wanted: string;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;

  constructor({ services, instances = [], log, apply = applyGuard, retryMs = RETRY_MS }: GuardKeeperOptions) {
    this.#log = log;
    this.#apply = apply;
    this.#retryMs = retryMs;
    this.#services = services;
    this.#instances = instances;
    this.#wanted = guardRules(services, instances);
  }

  keep(services: readonly GuardedService[], instances: readonly GuardedInstance[] = []): void {
    if (services === this.#services && instances === this.#instances) return;
    const [servicesBefore, instancesBefore] = [this.#services, this.#instances];
    this.#services = services;
    this.#instances = instances;
    if (instances === instancesBefore && areAlike(services, servicesBefore)) return;
    const rules = guardRules(services, instances);
    if (rules === this.#wanted) return;
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

/** Weights and checks are nothing to the guard; to write its rules for thousands of services takes a while. */
function areAlike(services: readonly GuardedService[], before: readonly GuardedService[]): boolean {
  return services.length === before.length && services.every((service, at) => isAlike(service, before[at]));
}

function isAlike(service: GuardedService, before: GuardedService | undefined): boolean {
  return service === before || (before !== undefined && guarded(service) === guarded(before));
}

function guarded({ listeners, realServers, sorryServer }: GuardedService): string {
  const servers = realServers.map(({ address, port }) => `${address} ${port}`);
  return JSON.stringify([listeners, servers, sorryServer?.address, sorryServer?.port]);
}
