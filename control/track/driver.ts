// Tracking at work: runs the scripts, reads the files, counts the processes, watches the links, asks the data plane, and tells VRRP.

import type { Config } from '../config/model.js';
import type { Subject, Tracking, TrackScript } from '../config/tracking.js';
import { type RunningScript, runScript } from '../scripts/run.js';
import type { TrackerStatus } from '../status.js';
import type { Vrrp } from '../vrrp/driver.js';
import type { VrrpHost } from '../vrrp/host.js';
import { type Look, observe, type Standing } from './dataplane-facts.js';
import { Files } from './files.js';
import { type Fact, type Facts, keyOf } from './judge.js';
import { valuesIn } from './look.js';
import { INITIAL, step, type TrackEffect, type TrackEvent, type TrackState, wakesAt } from './machine.js';
import { matches } from './process.js';
import { readProcesses } from './process-list.js';

export type TrackConfig = Pick<Config, 'tracking' | 'instances'>;

export interface TrackerOptions {
  readonly config: TrackConfig;
  /** What `look` has found. */
  readonly seen: Facts;
  readonly host: Pick<VrrpHost, 'interface' | 'onLinkChange'>;
  readonly log: (text: string) => void;
  readonly bfdIsUp: (name: string) => boolean;
  /** Undefined: there is no such service. */
  readonly hasQuorum: (service: string) => boolean | undefined;
  readonly lookAtDataplane: () => Promise<Look>;
  /** Something it shows is not what it was. */
  readonly onChange: () => void;
}

export interface Tracker {
  /** What VRRP has to start with. */
  readonly priorities: ReadonlyMap<string, number>;
  readonly faults: readonly { readonly reason: string; readonly instance: string }[];
  /** Who is told from now on. */
  attach(vrrp: Told): void;
  /** After VRRP: its instances may have started anew. */
  reload(config: TrackConfig, seen: Facts): void;
  bfdChanged(name: string, up: boolean): void;
  servicesChanged(): void;
  /** The value of a track_file: at once if it is known, and whenever it changes. Returns how to stop that. */
  onFile(name: string, tell: (value: number) => void): () => void;
  status(): readonly TrackerStatus[];
  close(): void;
}

export type Told = Pick<Vrrp, 'setPriority' | 'fault' | 'recovered'>;

const EVERY_MS = 1000;

export function startTracker(options: TrackerOptions): Tracker {
  return new Driver(options);
}

class Driver implements Tracker {
  readonly priorities = new Map<string, number>();
  readonly faults: { reason: string; instance: string }[] = [];
  readonly #options: TrackerOptions;
  readonly #running = new Map<string, RunningScript>();
  readonly #codes = new Map<string, string>();
  readonly #files: Files;
  readonly #unsubscribe: () => void;
  #state: TrackState = INITIAL;
  #vrrp: Told | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #standings: ReadonlyMap<string, Standing> = new Map();
  #closed = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
    const learned = (name: string, value: number): void =>
      this.#happen({ kind: 'learned', key: keyOf('file', name), fact: { kind: 'value', value } });
    this.#files = new Files({ learned, log: options.log });
    this.#unsubscribe = options.host.onLinkChange(() => this.#lookAtLinks());
    this.#configure(options.config, options.seen);
  }

  attach(vrrp: Told): void {
    this.#vrrp = vrrp;
  }

  reload(config: TrackConfig, seen: Facts): void {
    this.#configure(config, seen);
    this.#options.onChange();
  }

  bfdChanged(name: string, up: boolean): void {
    this.#happen({ kind: 'learned', key: keyOf('bfd', name), fact: { kind: 'state', well: up } });
  }

  servicesChanged(): void {
    for (const subject of this.#subjects()) if (subject.kind === 'virtual_server') this.#learn(subject);
  }

  onFile(name: string, tell: (value: number) => void): () => void {
    return this.#files.on(name, tell);
  }

  status(): readonly TrackerStatus[] {
    return this.#subjects().map((subject) => this.#statusOf(subject));
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#files.close();
    clearTimeout(this.#timer);
    clearTimeout(this.#looks);
    for (const running of this.#running.values()) running.stop();
  }

  #configure({ tracking, instances }: TrackConfig, seen: Facts): void {
    const priorities = new Map(instances.map(({ name, priority }) => [name, priority]));
    const subjects = subjectsOf(tracking);
    const facts = new Map(seen);
    for (const subject of subjects) {
      const fact = this.#factOf(subject);
      if (fact !== undefined) facts.set(subject.key, fact);
    }
    this.#happen({ kind: 'configured', tracking, priorities, facts });
    this.#files.watch(tracking.files, valuesIn(seen));
    this.#lookAround();
  }

  /** What can be told at once. Of the data plane good is assumed until it has been looked at. */
  #factOf(subject: Subject): Fact | undefined {
    switch (subject.kind) {
      case 'interface':
        return { kind: 'state', well: this.#options.host.interface(subject.name)?.up ?? false };
      case 'bfd':
        return { kind: 'state', well: this.#options.bfdIsUp(subject.name) };
      case 'virtual_server':
        return { kind: 'state', well: subject.services.every((service) => this.#options.hasQuorum(service) ?? true) };
      case 'dataplane':
        return { kind: 'state', well: this.#standings.get(subject.key)?.well ?? true };
      default:
        return undefined;
    }
  }

  #subjects(): readonly Subject[] {
    return subjectsOf(this.#state.tracking);
  }

  #learn(subject: Subject): void {
    const fact = this.#factOf(subject);
    if (fact !== undefined) this.#happen({ kind: 'learned', key: subject.key, fact });
  }

  #lookAtLinks(): void {
    for (const subject of this.#subjects()) if (subject.kind === 'interface') this.#learn(subject);
  }

  #happen(event: TrackEvent): void {
    if (this.#closed) return;
    const before = this.#state.facts;
    const { state, effects } = step(this.#state, event, performance.now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#arm();
    if (state.facts !== before && this.#vrrp !== undefined) this.#options.onChange();
  }

  #perform(effect: TrackEffect): void {
    switch (effect.kind) {
      case 'run':
        void this.#run(effect.script);
        break;
      case 'stop':
        this.#running.get(effect.name)?.stop();
        this.#running.delete(effect.name);
        break;
      case 'priority':
        if (this.#vrrp === undefined) this.priorities.set(effect.instance, effect.priority);
        else this.#vrrp.setPriority(effect.instance, effect.priority);
        break;
      case 'fault':
        if (this.#vrrp === undefined) this.faults.push({ reason: effect.reason, instance: effect.instance });
        else this.#vrrp.fault(effect.reason, effect.instance);
        break;
      case 'recovered':
        this.#vrrp?.recovered(effect.reason, effect.instance);
        break;
      case 'log':
        this.#options.log(effect.text);
        break;
      default:
        effect satisfies never;
    }
  }

  async #run({ name, script, timeoutMs }: TrackScript): Promise<void> {
    const running = runScript(script, { timeoutMs, log: this.#options.log });
    this.#running.set(name, running);
    const ending = await running.ended;
    // One that a reload has stopped says nothing of the one in its place.
    if (this.#running.get(name) !== running) return;
    this.#running.delete(name);
    this.#codes.set(name, ending.kind === 'exit' ? `exit status ${ending.code}` : ending.kind);
    this.#happen({ kind: 'ended', name, ending });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wake = wakesAt(this.#state);
    if (wake === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#happen({ kind: 'timer' }), Math.max(0, Math.ceil(wake - performance.now())));
  }

  /** Once a second, but never twice at once, however long it takes. */
  #lookAround(): void {
    clearTimeout(this.#looks);
    const facts = this.#subjects().filter((subject) => subject.kind === 'dataplane');
    const { processes } = this.#state.tracking;
    if (this.#closed || (processes.length === 0 && facts.length === 0)) return;
    this.#looks = setTimeout(() => {
      const looks = Promise.allSettled([
        processes.length === 0 ? undefined : this.#count(),
        facts.length === 0 ? undefined : this.#lookAtDataplane(),
      ]);
      void looks.then(() => this.#lookAround());
    }, EVERY_MS);
    this.#looks.unref();
  }

  async #count(): Promise<void> {
    const found = await readProcesses(this.#state.tracking.processes.some(({ fullCommand }) => fullCommand));
    for (const tracked of this.#state.tracking.processes)
      this.#happen({ kind: 'counted', name: tracked.name, count: found.filter((each) => matches(tracked, each)).length });
  }

  async #lookAtDataplane(): Promise<void> {
    const look = await this.#options.lookAtDataplane().catch(() => undefined);
    const now = performance.now();
    const facts = this.#subjects().filter((subject) => subject.kind === 'dataplane');
    const seen = facts.map(({ key, fact }) => [key, observe(fact, this.#standings.get(key), look, now)] as const);
    this.#standings = new Map(seen);
    for (const subject of facts) this.#learn(subject);
  }

  #statusOf(subject: Subject): TrackerStatus {
    const { kind, name, key } = subject;
    const fact = this.#state.facts.get(key);
    const instances = this.#state.tracking.instances.filter(({ tracked }) => tracked.some((each) => each.key === key));
    const detail = kind === 'script' ? this.#codes.get(name) : undefined;
    return {
      kind,
      name,
      instances: instances.map((instance) => instance.name),
      state: fact === undefined || fact.kind === 'awaited' ? 'unknown' : fact.kind === 'value' || fact.well ? 'well' : 'unwell',
      ...(fact?.kind === 'value' && { value: fact.value }),
      ...(detail !== undefined && { detail }),
    };
  }
}

/** Each once, however many instances track it. */
function subjectsOf({ instances }: Tracking): Subject[] {
  const subjects = instances.flatMap(({ tracked }) => tracked);
  return [...new Map(subjects.map((subject) => [subject.key, subject])).values()];
}
