// The interfaces that carry virtual MAC addresses: made when they are wanted, taken over when a process that was killed has left them.

import type { VirtualMac } from '../config/kernel.js';
import { type Ask, GONE_ALREADY, perform } from './ask.js';
import { askLink, type KernelLink, makeMacvlan, readLink, removeLink, setUp, withoutOwnAddress } from './link-message.js';
import { Settings, withoutGeneralReversePathFilter } from './settings.js';
import { writeSetting } from './sysctl.js';

/**
 * So that two interfaces on one network do not answer for each other: ARP only for addresses of the interface it came to; and adverts are let
 * in, which have another router's source and find no address here. Nor does the one below ask in the name of a virtual address, or the network
 * would learn its own MAC for that.
 */
const OF_THE_NEW_ONE: Readonly<Record<string, number>> = { arp_ignore: 1, accept_local: 1, rp_filter: 0, promote_secondaries: 1 };
const OF_THE_ONE_BELOW: Readonly<Record<string, number>> = { arp_ignore: 1, arp_filter: 1, arp_announce: 2 };

/** Errors that do no harm: IPv6 is off; the interface below is down, and this one comes up with it. */
const IPV6_IS_OFF: readonly number[] = [97];
const BASE_IS_DOWN: readonly number[] = [100];

interface HeldSetting {
  readonly name: string;
  readonly setting: string;
}

export class VirtualMacs {
  private readonly ask: Ask;
  private readonly settings = new Settings();
  /** What holds a setting of other interfaces, by name. */
  private readonly held = new Map<string, { readonly baseIndex: number; readonly settings: readonly HeldSetting[] }>();

  constructor(ask: Ask) {
    this.ask = ask;
  }

  /** Throws when it cannot be had, in words for the operator. */
  ensure(wanted: VirtualMac): void {
    const base = this.find(wanted.base);
    if (base === undefined) throw new Error(`cannot make ${wanted.name}: there is no interface ${wanted.base}`);
    this.prepareOthers(wanted, base);
    if (!this.isThere(wanted, base)) this.make(wanted, base);
    const made = this.find(wanted.name);
    if (made === undefined) throw new Error(`cannot make ${wanted.name}: it is gone at once`);
    perform(this.ask, withoutOwnAddress(made.index), `keep ${wanted.name} from giving itself an address`, IPV6_IS_OFF);
    perform(this.ask, setUp(made.index), `set ${wanted.name} up`, BASE_IS_DOWN);
  }

  /** Only what is like what was made is removed, whatever else has its name now. */
  remove({ name }: VirtualMac): void {
    const found = this.find(name);
    if (found?.kind === 'macvlan') perform(this.ask, removeLink(found.index), `remove ${name}`, GONE_ALREADY);
    this.letOthersBe(name);
  }

  private make(wanted: VirtualMac, base: KernelLink): void {
    perform(this.ask, makeMacvlan(wanted, base), `make ${wanted.name} on ${wanted.base}`);
    for (const [setting, value] of Object.entries(OF_THE_NEW_ONE)) writeSetting(wanted.name, setting, value);
  }

  /** One that is not as it is wanted is removed, when it is of the kind that is made here. */
  private isThere(wanted: VirtualMac, base: KernelLink): boolean {
    const found = this.find(wanted.name);
    if (found === undefined) return false;
    if (found.kind !== 'macvlan') throw new Error(`cannot make ${wanted.name}: there is another interface of this name`);
    if (found.base === base.index && found.mac === wanted.mac && found.isPrivate) return true;
    perform(this.ask, removeLink(found.index), `remove the old ${wanted.name}`, GONE_ALREADY);
    return false;
  }

  /** Once more for an interface that was made anew: it begins with settings of its own. */
  private prepareOthers({ name, base }: VirtualMac, { index: baseIndex }: KernelLink): void {
    if (this.held.get(name)?.baseIndex === baseIndex) return;
    this.letOthersBe(name);
    const filtered = withoutGeneralReversePathFilter(this.settings).map((other) => ({ name: other, setting: 'rp_filter' }));
    const below = Object.entries(OF_THE_ONE_BELOW).map(([setting, value]) => {
      this.settings.hold(base, setting, value);
      return { name: base, setting };
    });
    this.held.set(name, { baseIndex, settings: [...filtered, ...below] });
  }

  private letOthersBe(name: string): void {
    const settings = this.held.get(name)?.settings ?? [];
    this.held.delete(name);
    for (const { name: other, setting } of settings) this.settings.release(other, setting);
  }

  private find(name: string): KernelLink | undefined {
    const [answer] = this.ask(askLink(name)).messages;
    return answer && readLink(answer);
  }
}
