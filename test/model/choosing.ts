// What schedulers are asked, and what is known of their past choices.

import type { Service } from '../../dataplane/protocol.js';
import { idOf, type Packet } from './packet.js';
import { type Asked, type Past, SCHEDULERS } from './schedulers.js';
import type { Table } from './table.js';

export class Choosing {
  private readonly pasts = new Map<string, Past & { availability?: string }>();

  constructor(private readonly table: Table) {}

  forgetAll(): void {
    this.pasts.clear();
  }

  asked(packet: Packet, service: Service): Asked {
    const candidates = service.destinations.map((destination) => {
      const home = this.table.homeOf(service.name, idOf(destination))!;
      return { id: home.id, weight: destination.weight, overloaded: home.overloaded, ...this.table.loadOf(home) };
    });
    const availability = candidates.map(({ overloaded }) => overloaded).join();
    const past: Past & { availability?: string } = this.pasts.get(service.name) ?? { homes: new Map(), picks: [] };
    if (past.availability !== availability) past.picks = [];
    past.availability = availability;
    this.pasts.set(service.name, past);
    return { candidates, sourceKey: packet.from.address, targetKey: packet.to.address, past };
  }

  remember(service: Service, asked: Asked, picked: string, stepped: boolean): void {
    const { past } = asked;
    past.last = picked;
    past.picks = stepped ? [] : [...past.picks, picked];
    const key = SCHEDULERS[service.scheduler]!.homeKey?.(asked);
    if (key !== undefined) past.homes.set(key, picked);
  }

  /** The scheduler has moved, and nobody saw where to. */
  forget({ name }: Service): void {
    const past = this.pasts.get(name);
    if (past === undefined) return;
    past.last = undefined;
    past.picks = [];
  }
}

export function isAvailable({ candidates }: Asked, id: string): boolean {
  return candidates.some((one) => one.id === id && one.weight > 0 && !one.overloaded);
}
