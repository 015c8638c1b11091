// What one holder has of the host: addresses, routes, rules. It is brought to what is wanted, found missing, put back, let go.

import type { AddressOptions, Route, Rule } from '../config/kernel.js';
import type { VrrpHost } from './host.js';

export interface WantedAddress extends AddressOptions {
  readonly address: string;
  readonly prefixLength: number;
  readonly device: string;
}

export interface Wanted {
  readonly addresses: readonly WantedAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
}

export interface HoldingOptions {
  readonly host: VrrpHost;
  /** Told each failure once, until it is another one. */
  readonly log: (text: string) => void;
  /** Whether somebody else holds it as well: then it is not taken away. */
  readonly isShared?: (key: string) => boolean;
}

type Item =
  | { readonly kind: 'address'; readonly item: WantedAddress }
  | { readonly kind: 'route'; readonly item: Route }
  | { readonly kind: 'rule'; readonly item: Rule };

const NOTHING: Wanted = { addresses: [], routes: [], rules: [] };

export class Holding {
  private readonly options: HoldingOptions;
  private wanted: readonly Item[] = [];
  /** By key; of `wanted`, but for what failed. */
  private readonly held = new Map<string, Item>();
  private readonly failures = new Map<string, string>();
  /** Addresses that have been there: the kernel tells of a new IPv6 one a while after it has said yes to it. */
  private readonly seen = new Set<string>();
  /** So many are at it: what is added is told by the host at once, and must not be looked for meanwhile. */
  private working = 0;
  private work: Promise<void> = Promise.resolve();

  constructor(options: HoldingOptions) {
    this.options = options;
  }

  /** Adds what is not held yet, and removes what is and is not wanted any more. Routes may need addresses as their source. */
  claim(wanted: Wanted): Promise<void> {
    this.wanted = itemsOf(wanted);
    this.failures.clear();
    const keys = new Set(this.wanted.map(keyOf));
    return this.alone(async () => {
      for (const [key, item] of [...this.held].toReversed()) if (!keys.has(key)) await this.remove(item);
      await this.addAll();
    });
  }

  /** Also what `beside` names, which a process that was killed may have left. */
  release(beside: Wanted = NOTHING): Promise<void> {
    this.wanted = [];
    this.failures.clear();
    return this.alone(async () => {
      const all = new Map([...itemsOf(beside).map((item) => [keyOf(item), item] as const), ...this.held]);
      for (const item of [...all.values()].toSorted(byKind).toReversed()) await this.remove(item);
    });
  }

  holds(key: string): boolean {
    return this.held.has(key);
  }

  /** What is held and tracked, and is not there though it could be. From now on it is not held. */
  lost(): readonly string[] {
    if (this.working > 0) return [];
    const there = this.noteSeen();
    const missing = this.missing([...this.held.values()]);
    const gone = [...this.held].filter(([key, { kind, item }]) =>
      // An address that was never there is still to come.
      kind === 'address' ? !item.untracked && this.seen.has(key) && !there.has(key) : missing.has(item),
    );
    for (const [key] of gone) this.forget(key);
    return gone
      .map(([, each]) => each)
      .filter((each) => each.kind === 'rule' || devicesOf(each).every((name) => this.isUp(name)))
      .map(describe);
  }

  /** What could not be had before, or is not there any more. */
  async addMissing(): Promise<void> {
    if (this.working === 0) await this.alone(() => this.addAll());
  }

  /** One thing after the other: what was begun before must not add again what is released. */
  private alone(work: () => Promise<void>): Promise<void> {
    this.working += 1;
    const done = this.work.then(work).finally(() => {
      this.working -= 1;
    });
    this.work = done.catch(() => {});
    return done;
  }

  private async addAll(): Promise<void> {
    const { wanted } = this;
    for (const item of wanted) if (this.wanted === wanted && !this.held.has(keyOf(item))) await this.add(item);
    this.noteSeen();
  }

  /** Of routes and rules. Nothing, while the kernel cannot be asked. */
  private missing(held: readonly Item[]): ReadonlySet<unknown> {
    const { kernel } = this.options.host;
    const routes = held.flatMap((each) => (each.kind === 'route' && each.item.tracked ? [each.item] : []));
    const rules = held.flatMap((each) => (each.kind === 'rule' && each.item.tracked ? [each.item] : []));
    try {
      return new Set<unknown>([
        ...(routes.length === 0 ? [] : (kernel?.missingRoutes(routes) ?? [])),
        ...(rules.length === 0 ? [] : (kernel?.missingRules(rules) ?? [])),
      ]);
    } catch (error) {
      this.complain('missing', error as Error);
      return new Set();
    }
  }

  /** The keys of the held addresses that are there now. */
  private noteSeen(): ReadonlySet<string> {
    const there = [...this.held].flatMap(([key, { kind, item }]) => (kind === 'address' && this.isThere(item) ? [key] : []));
    for (const key of there) this.seen.add(key);
    return new Set(there);
  }

  private isThere({ device, address }: WantedAddress): boolean {
    return this.options.host.interface(device)?.addresses.some((each) => each.address === address) ?? false;
  }

  private isUp(name: string): boolean {
    return this.options.host.interface(name)?.up === true;
  }

  private async add(item: Item): Promise<void> {
    const done = await this.attempt(item, () => this.perform(item, 'add'));
    if (done) this.held.set(keyOf(item), item);
  }

  private async remove(item: Item): Promise<void> {
    const key = keyOf(item);
    this.forget(key);
    if (this.options.isShared?.(key)) return;
    await this.attempt(item, () => this.perform(item, 'remove'));
  }

  private forget(key: string): void {
    this.held.delete(key);
    this.seen.delete(key);
  }

  private async perform({ kind, item }: Item, what: 'add' | 'remove'): Promise<void> {
    const { host } = this.options;
    if (kind === 'address') {
      const { address, prefixLength, device, ...options } = item;
      const act = what === 'add' ? host.addAddress : host.removeAddress;
      return act.call(host, device, address, prefixLength, options);
    }
    if (host.kernel === undefined) throw new Error('this host takes no routes and no rules');
    if (kind === 'route') host.kernel[what === 'add' ? 'addRoute' : 'removeRoute'](item);
    else host.kernel[what === 'add' ? 'addRule' : 'removeRule'](item);
  }

  /** One that fails does not keep the others from moving. */
  private async attempt(item: Item, work: () => Promise<void>): Promise<boolean> {
    const key = keyOf(item);
    try {
      await work();
      this.failures.delete(key);
      return true;
    } catch (error) {
      this.complain(key, error as Error);
      return false;
    }
  }

  private complain(about: string, { message }: Error): void {
    if (this.failures.get(about) !== message) this.options.log(message);
    this.failures.set(about, message);
  }
}

const KINDS: readonly Item['kind'][] = ['address', 'route', 'rule'];

function byKind(a: Item, b: Item): number {
  return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
}

function itemsOf({ addresses, routes, rules }: Wanted): readonly Item[] {
  return [
    ...addresses.map((item): Item => ({ kind: 'address', item })),
    ...routes.map((item): Item => ({ kind: 'route', item })),
    ...rules.map((item): Item => ({ kind: 'rule', item })),
  ];
}

/** The same for what is the same, wherever and however it is written. */
function keyOf(item: Item): string {
  return JSON.stringify(item, (name, value) => (name === 'place' || name === 'text' ? undefined : value));
}

function devicesOf({ kind, item }: Item): readonly string[] {
  if (kind === 'address') return [item.device];
  return kind === 'route' ? item.hops.flatMap(({ device }) => device ?? []) : [];
}

function describe({ kind, item }: Item): string {
  return kind === 'address' ? `address ${item.address} of ${item.device}` : `${kind} ${item.text}`;
}
