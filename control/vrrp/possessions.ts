// What the instances have of the host: each its addresses, routes and rules, and the interfaces that are made for its MAC address.

import type { VirtualMac } from '../config/kernel.js';
import type { VrrpInstance } from '../config/model.js';
import { Holding, type Wanted } from './holding.js';
import type { VrrpHost } from './host.js';
import { heldAddresses } from './links.js';

export interface PossessionsOptions {
  readonly host: VrrpHost;
  readonly log: (text: string) => void;
  /** Somebody took something away from a master. */
  readonly lost: (instance: string, what: string) => void;
  /** What could not be had may be had now, and nothing else would tell. */
  readonly lookAgain: () => void;
}

const AGAIN_MS = 1_000;

export class Possessions {
  private readonly options: PossessionsOptions;
  private readonly holdings = new Map<string, Holding>();
  /** The indices their base had when they were made, by name. */
  private readonly macs = new Map<string, { readonly mac: VirtualMac; readonly baseIndex: number }>();
  private readonly promoted = new Map<string, { readonly index: number; readonly undo: () => void }>();
  private readonly stopListening: () => void;
  private again: NodeJS.Timeout | undefined;

  constructor(options: PossessionsOptions) {
    this.options = options;
    this.stopListening = options.host.kernel?.onRouteChange(() => this.look()) ?? (() => {});
  }

  async claim(instance: VrrpInstance): Promise<void> {
    const holding = this.holding(instance);
    await holding.claim(wantedBy(instance));
    this.lookAt(instance.name, holding); // What happened meanwhile was not looked at.
  }

  /** Also what a killed process may have left of it. */
  release(instance: VrrpInstance): Promise<void> {
    return this.holding(instance).release(wantedBy(instance));
  }

  /** Compares what is held with what is there, and tries again what failed. To be called when links or routes have changed. */
  look(): void {
    for (const [name, holding] of this.holdings) this.lookAt(name, holding);
  }

  /** Makes what the instance runs on. Returns why it cannot be had. */
  prepare({ interface: name, virtualMacs = [], promoteSecondaries }: VrrpInstance): string | undefined {
    if (promoteSecondaries) this.promote(name);
    try {
      for (const mac of virtualMacs) this.ensure(mac);
      return undefined;
    } catch (error) {
      clearTimeout(this.again);
      this.again = setTimeout(this.options.lookAgain, AGAIN_MS);
      return (error as Error).message;
    }
  }

  /** Of what was made, only that stays that these instances need. */
  keepOnly(instances: readonly VrrpInstance[]): void {
    const names = new Set(instances.map(({ name }) => name));
    for (const name of this.holdings.keys()) if (!names.has(name)) this.holdings.delete(name);
    const macs = new Set(instances.flatMap(({ virtualMacs = [] }) => virtualMacs.map((mac) => mac.name)));
    for (const [name, { mac }] of this.macs) if (!macs.has(name)) this.remove(mac);
    const promoted = new Set(instances.filter(({ promoteSecondaries }) => promoteSecondaries).map(({ interface: name }) => name));
    for (const [name, { undo }] of this.promoted) {
      if (promoted.has(name)) continue;
      this.attempt(undo);
      this.promoted.delete(name);
    }
  }

  /** `release: false` leaves everything where it is. */
  close({ release }: { readonly release: boolean }): void {
    clearTimeout(this.again);
    this.stopListening();
    if (release) this.keepOnly([]);
  }

  private lookAt(name: string, holding: Holding): void {
    const [what, ...more] = holding.lost();
    if (what !== undefined) this.options.lost(name, more.length === 0 ? what : `${what} and ${more.length} more`);
    else void holding.addMissing();
  }

  private holding({ name }: VrrpInstance): Holding {
    const known = this.holdings.get(name);
    if (known !== undefined) return known;
    const holding: Holding = new Holding({
      host: this.options.host,
      log: (text) => this.options.log(`(${name}) ${text}`),
      isShared: (key) => [...this.holdings.values()].some((other) => other !== holding && other.holds(key)),
    });
    this.holdings.set(name, holding);
    return holding;
  }

  /** Anew when the interface below was made anew; without that there is nothing to make it on. */
  private ensure(mac: VirtualMac): void {
    const { host } = this.options;
    const base = host.interface(mac.base);
    if (base === undefined) return;
    const known = this.macs.get(mac.name);
    if (known?.baseIndex === base.index && host.interface(mac.name) !== undefined && sameMac(known.mac, mac)) return;
    if (host.kernel === undefined) throw new Error('this host makes no interfaces');
    host.kernel.ensureVirtualMac(mac);
    this.macs.set(mac.name, { mac, baseIndex: base.index });
  }

  private remove(mac: VirtualMac): void {
    this.macs.delete(mac.name);
    this.attempt(() => this.options.host.kernel?.removeVirtualMac(mac));
  }

  private promote(name: string): void {
    const link = this.options.host.interface(name);
    if (link === undefined || this.promoted.get(name)?.index === link.index) return;
    this.attempt(() => {
      this.promoted.get(name)?.undo();
      const undo = this.options.host.kernel?.promoteSecondaries(name) ?? (() => {});
      this.promoted.set(name, { index: link.index, undo });
    });
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.log((error as Error).message);
    }
  }
}

function sameMac(left: VirtualMac, right: VirtualMac): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function wantedBy(instance: VrrpInstance): Wanted {
  const addresses = heldAddresses(instance).map(({ family: _, place: __, device = instance.interface, ...address }) => ({
    ...address,
    device,
  }));
  return { addresses, routes: instance.routes ?? [], rules: instance.rules ?? [] };
}
