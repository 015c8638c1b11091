// The real servers of a world, and what each router's checkers and reconciler make of them.

import { Balancer, type Watched } from './balancer.js';
import { expectVerdict, HealthRules, verdictMs } from './health-rules.js';
import type { SimRouter, Surroundings } from './router.js';
import type { Answer, Happening, World } from './world.js';

export type ServerHappening = Extract<Happening, { kind: 'server' | 'reach' | 'ports' }>;

export function isServerHappening(happening: Happening): happening is ServerHappening {
  return happening.kind === 'server' || happening.kind === 'reach' || happening.kind === 'ports';
}

/** Of one router: ends with its process. */
interface Office {
  readonly router: SimRouter;
  readonly life: number;
  readonly balancer: Balancer;
  /** What became due while the process stood still. */
  readonly waiting: (() => void)[];
}

export class Servers {
  readonly #world: World;
  readonly #around: Surroundings;
  readonly #offices: (Office | undefined)[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #unreachable = new Set<string>();
  readonly #withoutPorts = new Set<number>();
  /** For each router and server: how often something happened between them. */
  readonly #epochs = new Map<string, number>();

  constructor(world: World, around: Surroundings) {
    this.#world = world;
    this.#around = around;
  }

  started(router: SimRouter): void {
    const { services } = this.#world;
    if (services.length === 0) return;
    const rules = new HealthRules(router.spec.name);
    const { random } = this.#around;
    const balancer = new Balancer(services, {
      localNow: () => router.localNow,
      later: (delayMs, task) => this.#later(office, delayMs, task),
      random: () => random.word() / 2 ** 32,
      answer: (address) => this.#answer(router.index, address),
      concluded: (watched, result) => rules.concluded(watched, result),
      applied: (applied) => rules.applied(applied),
      note: (text) => this.#around.note(() => `${router.spec.name} ${text()}`),
    });
    const office: Office = { router, life: router.life, balancer, waiting: [] };
    this.#offices[router.index] = office;
    balancer.start();
    this.#beginAgain(() => true, router.index);
  }

  resumed(router: SimRouter): void {
    const office = this.#offices[router.index];
    if (office === undefined || !isAlive(office)) return;
    for (const task of office.waiting.splice(0)) task();
    this.#beginAgain(() => true, router.index);
  }

  happen(happening: ServerHappening): void {
    switch (happening.kind) {
      case 'server':
        this.#answers.set(happening.address, happening.answer);
        for (const router of this.#world.routers.keys()) this.#beginAgain((address) => address === happening.address, router);
        break;
      case 'reach':
        if (happening.open) this.#unreachable.delete(pair(happening.router, happening.address));
        else this.#unreachable.add(pair(happening.router, happening.address));
        this.#beginAgain((address) => address === happening.address, happening.router);
        break;
      case 'ports':
        if (happening.left) this.#withoutPorts.delete(happening.router);
        else this.#withoutPorts.add(happening.router);
        this.#beginAgain(() => true, happening.router);
    }
  }

  #answer(router: number, address: string): Answer {
    if (this.#withoutPorts.has(router)) return 'unable';
    return this.#unreachable.has(pair(router, address)) ? 'silent' : (this.#answers.get(address) ?? 'answers');
  }

  /** From now on it is the same for these servers: their checkers have to find out in time. */
  #beginAgain(concerned: (address: string) => boolean, router: number): void {
    const office = this.#offices[router];
    if (office === undefined || !isAlive(office)) return;
    const watched = office.balancer.watched.filter(({ server }) => concerned(server.address));
    for (const address of new Set(watched.map(({ server }) => server.address))) {
      const key = pair(router, address);
      this.#epochs.set(key, (this.#epochs.get(key) ?? 0) + 1);
    }
    for (const each of watched) this.#expectVerdict(office, each);
  }

  #expectVerdict(office: Office, watched: Watched): void {
    const { router } = office;
    const { address } = watched.server;
    const key = pair(router.index, address);
    const epoch = this.#epochs.get(key);
    this.#around.clock.after((verdictMs(watched) + 20 * (router.spec.lateMs + 1)) / router.spec.rate, () => {
      if (this.#epochs.get(key) === epoch && isAlive(office) && !router.paused)
        expectVerdict(router.spec.name, watched, this.#answer(router.index, address));
    });
  }

  #later(office: Office, delayMs: number, task: () => void): void {
    const { router } = office;
    const { clock, random } = this.#around;
    clock.after(Math.max(0, delayMs) / router.spec.rate + 0.001 + (random.word() / 2 ** 32) * router.spec.lateMs, () => {
      if (!isAlive(office)) return;
      if (router.paused) office.waiting.push(task);
      else task();
    });
  }
}

function isAlive({ router, life }: Office): boolean {
  return router.running && router.life === life;
}

function pair(router: number, address: string): string {
  return `${router} ${address}`;
}
