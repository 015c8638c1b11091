// What announces the addresses of an instance, interface by interface, as long as the interface is up.

import type { GlobalDefs, VrrpInstance } from '../config/model.js';
import { announcement } from './frames.js';
import type { VrrpHost } from './host.js';
import { advertInterface } from './interfaces.js';
import { heldAddresses } from './links.js';
import { PacedAnnouncer } from './paced-announcer.js';
import type { Announcement } from './pacing.js';

export class Announcing {
  private readonly host: VrrpHost;
  private readonly announcer: PacedAnnouncer;

  constructor(host: VrrpHost, global: GlobalDefs, log: (text: string) => void) {
    this.host = host;
    this.announcer = new PacedAnnouncer(global, log);
  }

  reload(global: GlobalDefs): void {
    this.announcer.reload(global);
  }

  close(): void {
    this.announcer.close();
  }

  /** What waits to be announced is not held any more. */
  forget(instance: VrrpInstance): void {
    this.announcer.forget(this.placesOf(instance));
  }

  announce(instance: VrrpInstance, repeat: number): void {
    const held = this.placesOf(instance);
    for (const name of new Set(held.map((each) => each.interface)))
      this.announcer.announce(
        this.announcements(
          held.filter((each) => each.interface === name),
          repeat,
        ),
      );
  }

  /** So that switches do not forget interfaces by which nothing else leaves. */
  announceElsewhere(instance: VrrpInstance): void {
    const { all } = instance.garpExtraInterfaces;
    const virtual = new Set(instance.virtualMacs?.map(({ name }) => name));
    const held = this.placesOf(instance);
    const names = held.map((each) => each.interface).filter((name) => name !== advertInterface(instance) && (all || virtual.has(name)));
    const others = new Set(names);
    for (const name of others) this.announcer.announce(this.announcements(held.filter((each) => each.interface === name).slice(0, 1), 1));
  }

  private placesOf(instance: VrrpInstance): { readonly interface: string; readonly address: string }[] {
    return heldAddresses(instance).map(({ address, device }) => ({ address, interface: device ?? instance.interface }));
  }

  private announcements(held: readonly { readonly interface: string; readonly address: string }[], repeat: number): Announcement[] {
    return held.flatMap(({ interface: name, address }) => {
      const link = this.host.interface(name);
      if (!link?.up) return [];
      return [{ interface: name, index: link.index, address, frame: announcement(link.mac, address), repeat }];
    });
  }
}
