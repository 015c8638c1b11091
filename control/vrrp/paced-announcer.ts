// Announcements at the pace the network takes them: see pacing.ts.

import type { GlobalDefs } from '../config/model.js';
import { type AnnouncerMessage, startAnnouncer } from './announcer.js';
import { type Announcement, emptyLane, join, type Lane, laneOf, leave, take, wakesAt } from './pacing.js';
import { monotonicMs } from './unit.js';

export class PacedAnnouncer {
  private readonly announcer: { announce(message: AnnouncerMessage): void; close(): void };
  private readonly lanes = new Map<string, Lane>();
  private global: GlobalDefs;
  private timer: NodeJS.Timeout | undefined;

  constructor(global: GlobalDefs, log: (text: string) => void) {
    this.global = global;
    this.announcer = startAnnouncer(log);
  }

  /** What waits goes on at the old pace. */
  reload(global: GlobalDefs): void {
    this.global = global;
  }

  /** All on the same interface; repeat 0 only makes ready for what will come. */
  announce(announcements: readonly Announcement[]): void {
    for (const family of [4, 6] as const) {
      const own = announcements.filter(({ address }) => address.includes(':') === (family === 6));
      const first = own[0];
      if (first === undefined) continue;
      const { name, intervalMs } = laneOf(this.global, first.interface, family);
      if (intervalMs === 0 || first.repeat === 0) this.send(own, first.repeat);
      else this.lanes.set(name, join({ ...(this.lanes.get(name) ?? emptyLane(intervalMs)), intervalMs }, own, monotonicMs()));
    }
    this.proceed();
  }

  forget(held: readonly Pick<Announcement, 'interface' | 'address'>[]): void {
    for (const [name, lane] of this.lanes) this.lanes.set(name, leave(lane, held));
  }

  close(): void {
    clearTimeout(this.timer);
    this.lanes.clear();
    this.announcer.close();
  }

  private proceed(): void {
    clearTimeout(this.timer);
    for (const [name, before] of this.lanes) {
      const { lane, due } = take(before, monotonicMs());
      this.lanes.set(name, lane);
      for (const one of due) this.send([one], 1);
    }
    const wake = Math.min(...[...this.lanes.values()].map(wakesAt));
    if (Number.isFinite(wake)) this.timer = setTimeout(() => this.proceed(), Math.max(0, Math.ceil(wake - monotonicMs())));
  }

  private send(announcements: readonly Announcement[], repeat: number): void {
    const first = announcements[0];
    if (first === undefined) return;
    this.announcer.announce({ interface: first.interface, index: first.index, frames: announcements.map(({ frame }) => frame), repeat });
  }
}
