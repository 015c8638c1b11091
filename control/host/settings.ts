// Settings that are changed while somebody needs them so, and put back afterwards.

import { configuredInterfaces, readSetting, writeSetting } from './sysctl.js';

interface Change {
  readonly before: number;
  users: number;
}

export class Settings {
  private readonly changes = new Map<string, Change>();

  /** Does nothing but count when it is so already, as it is not on an interface that was made anew. */
  hold(name: string, setting: string, value: number): void {
    const key = `${name} ${setting}`;
    const change = this.changes.get(key);
    const before = readSetting(name, setting);
    if (change !== undefined) change.users += 1;
    if (before === undefined) return;
    if (change === undefined) this.changes.set(key, { before, users: 1 });
    if (before !== value) writeSetting(name, setting, value);
  }

  /** One more user of whatever is held of this setting. Returns where that is. */
  share(setting: string): string[] {
    const held = [...this.changes].filter(([key]) => key.endsWith(` ${setting}`));
    for (const [, change] of held) change.users += 1;
    return held.map(([key]) => key.slice(0, -setting.length - 1));
  }

  /** The last one puts it back; an interface that is gone has nothing to put back. */
  release(name: string, setting: string): void {
    const key = `${name} ${setting}`;
    const change = this.changes.get(key);
    if (change === undefined || --change.users > 0) return;
    this.changes.delete(key);
    if (readSetting(name, setting) !== undefined) writeSetting(name, setting, change.before);
  }
}

/** The reverse path filter of `all` counts for every interface: its value goes to the others, where it still does what it did. */
export function withoutGeneralReversePathFilter(settings: Settings): string[] {
  const shared = settings.share('rp_filter');
  if (shared.length > 0) return shared;
  const all = readSetting('all', 'rp_filter') ?? 0;
  if (all === 0) return [];
  const weaker = configuredInterfaces().filter((name) => name !== 'all' && (readSetting(name, 'rp_filter') ?? 0) < all);
  for (const name of weaker) settings.hold(name, 'rp_filter', all);
  settings.hold('all', 'rp_filter', 0);
  return ['all', ...weaker];
}
