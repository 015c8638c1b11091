// Plays a world from its beginning to its end, or until a rule is broken.

import { Random } from '../oracle/random.js';
import { Bounds } from './bounds.js';
import { Clock } from './clock.js';
import { Judge } from './judge.js';
import { Network } from './network.js';
import { NEWS_MS, type Packet, type Seat, SimRouter, type Surroundings, type Turn } from './router.js';
import { Rules } from './rules.js';
import { isServerHappening, type ServerHappening, Servers } from './servers.js';
import { type Happening, Violation, type World } from './world.js';

export interface Played {
  readonly violation: Violation | undefined;
  /** Of the violation. */
  readonly at: number;
  readonly adverts: number;
  readonly peaces: number;
}

/** `tell` gets a line for whatever happens; without it nothing is written down, which is much faster. */
export function play(world: World, tell?: (line: string) => void): Played {
  const simulation = new Simulation(world, tell);
  try {
    simulation.run();
    return simulation.summary(undefined);
  } catch (problem) {
    if (!(problem instanceof Error)) throw problem;
    // What the machine itself throws is as much a find.
    return simulation.summary(problem instanceof Violation ? problem : new Violation('nothing throws', problem.stack ?? problem.message));
  }
}

class Simulation implements Surroundings {
  readonly clock = new Clock();
  readonly random: Random;
  readonly #world: World;
  readonly #network: Network;
  readonly #routers: readonly SimRouter[];
  readonly #rules: Rules;
  readonly #judge: Judge;
  readonly #servers: Servers;
  readonly #tell: ((line: string) => void) | undefined;
  #adverts = 0;

  constructor(world: World, tell: ((line: string) => void) | undefined) {
    this.#world = world;
    this.#tell = tell;
    this.random = new Random(world.seed, 0);
    const { clock } = this;
    const network = new Network(world, clock, this.random);
    const bounds = new Bounds(world);
    const routers = world.routers.map((_, index) => new SimRouter(world, index, this));
    this.#network = network;
    this.#routers = routers;
    this.#rules = new Rules(bounds);
    this.#judge = new Judge(world, { clock, network, bounds, routers });
    this.#servers = new Servers(world, this);
  }

  run(): void {
    for (const happening of this.#world.happenings) this.clock.at(happening.at, () => this.#happen(happening));
    this.clock.run(this.#world.endsAt);
  }

  summary(violation: Violation | undefined): Played {
    return { violation, at: this.clock.now, adverts: this.#adverts, peaces: this.#judge.peaces };
  }

  carry(from: SimRouter, { segment, virtualRouter, instance }: Seat, packet: Packet): void {
    this.#adverts++;
    this.note(() => `${from.spec.name} (${instance.name}) sends ${packet.priority}`);
    for (const to of this.#routers)
      if (to !== from) this.#network.carry(from.index, to.index, segment, virtualRouter, () => this.#deliver(packet, to, segment));
  }

  stepped(turn: Turn): void {
    this.#rules.stepped(turn);
    const { seat, before } = turn;
    for (const each of seat.unit.seats) {
      const from = before.members[each.member]!.state.kind;
      const to = seat.router.state(each).kind;
      if (from === to) continue;
      this.note(() => `${seat.router.spec.name} (${each.instance.name}) ${from} → ${to}`);
      this.#judge.changed(each, from, to);
    }
  }

  settled(router: SimRouter): void {
    this.#rules.settled(router);
  }

  note(text: () => string): void {
    this.#tell?.(`${this.clock.now.toFixed(3).padStart(12)}  ${text()}`);
  }

  #deliver(packet: Packet, to: SimRouter, segment: number): void {
    if (to.downLinks.has(segment)) return;
    this.note(
      () =>
        `${to.spec.name} (V${packet.virtualRouter}) hears ${packet.priority} of ${packet.from.spec.name}${to.running ? '' : ', but does not run'}`,
    );
    to.receive(packet);
  }

  #happen(happening: Happening): void {
    this.note(() => `* ${describe(this.#world, happening)}`);
    // Elections do not depend on real servers: what happens to them leaves peace as it is.
    if (isServerHappening(happening)) {
      this.#servers.happen(happening);
      return;
    }
    this.#judge.disturb(() => this.#carryOut(happening));
  }

  #carryOut(happening: Exclude<Happening, ServerHappening>): void {
    switch (happening.kind) {
      case 'heal':
        this.#network.heal();
        break;
      case 'weather':
        this.#network.weather = happening.weather;
        break;
      case 'path':
        this.#network.setOpen(happening.from, happening.to, happening.segment, happening.open);
        break;
      default:
        this.#befall(this.#routers[happening.router]!, happening);
    }
  }

  /** What happens to a process that does not run, or stands still, mostly does not happen: lists of happenings can be cut down anywhere. */
  #befall(router: SimRouter, happening: Exclude<Extract<Happening, { router: number }>, ServerHappening>): void {
    switch (happening.kind) {
      case 'start':
        if (router.running) break;
        router.start();
        this.#servers.started(router);
        break;
      case 'stop':
        if (!router.running || router.paused) break;
        this.#judge.resigns(router);
        router.stop();
        break;
      case 'kill':
        if (router.running) router.kill();
        break;
      case 'pause':
        if (router.running && !router.paused) this.#pause(router, happening.forMs);
        break;
      case 'priority':
        if (router.running && !router.paused) router.changePriorities(happening.change);
        break;
      case 'dataplane':
        if (router.paused || router.dataplaneDead !== happening.alive) break;
        if (!happening.alive && router.running) this.#judge.resigns(router);
        router.setDataplane(happening.alive);
        break;
      case 'link':
        if (happening.up) router.downLinks.delete(happening.segment);
        else router.downLinks.add(happening.segment);
        this.clock.after(NEWS_MS, () => this.#learn(router, happening.segment));
    }
  }

  #pause(router: SimRouter, forMs: number): void {
    router.pause();
    const { life } = router;
    this.clock.after(forMs, () => {
      if (router.life !== life) return;
      this.note(() => `* ${router.spec.name} goes on`);
      this.#judge.disturb(() => {
        router.resume();
        this.#servers.resumed(router);
        for (const segment of new Set(router.seats.map((seat) => seat.segment))) router.learnLink(segment);
      });
    });
  }

  #learn(router: SimRouter, segment: number): void {
    if (!router.running || router.paused) return;
    this.#judge.disturb(() => router.learnLink(segment));
  }
}

function describe({ routers }: World, happening: Happening): string {
  const name = (index: number) => routers[index]!.name;
  switch (happening.kind) {
    case 'start':
    case 'stop':
    case 'kill':
      return `${happening.kind} ${name(happening.router)}`;
    case 'priority':
      return `${name(happening.router)} changes its priorities by ${happening.change}`;
    case 'pause':
      return `${name(happening.router)} stands still for ${happening.forMs} ms`;
    case 'dataplane':
      return `the data plane of ${name(happening.router)} ${happening.alive ? 'lives' : 'dies'}`;
    case 'link':
      return `eth${happening.segment} of ${name(happening.router)} ${happening.up ? 'up' : 'down'}`;
    case 'path': {
      const { from, to, segment, open } = happening;
      return `segment ${segment}: ${name(from)} → ${name(to)} ${open ? 'open' : 'shut'}`;
    }
    case 'heal':
      return 'all paths open';
    case 'server':
      return `${happening.address} ${happening.answer}`;
    case 'reach':
      return `${name(happening.router)} ${happening.open ? 'reaches' : 'does not reach'} ${happening.address}`;
    case 'ports':
      return `${name(happening.router)} has ${happening.left ? '' : 'no '}ports to probe from`;
    case 'weather':
      return `weather ${JSON.stringify(happening.weather)}`;
  }
}
