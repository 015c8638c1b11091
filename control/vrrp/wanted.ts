// What the instances of one interface and family want of its socket, all together.

import type { VrrpInstance } from '../config/model.js';
import type { HopLimits } from './packet.js';

export interface Wanted {
  /** Multicast groups to hear. */
  readonly groups: readonly string[];
  /** Hear auth_type AH too. */
  readonly authenticationHeader: boolean;
  /** Each range of hop limits that has to be told from the others; together they are all. */
  readonly hopLimits: readonly HopLimits[];
}

const HIGHEST = 255;

export function wantedOf(instances: readonly VrrpInstance[]): Wanted {
  const targets = instances.map(({ target }) => target);
  return {
    groups: [...new Set(targets.flatMap((target) => (target.kind === 'multicast' ? [target.group] : [])))].sort(),
    authenticationHeader: instances.some(({ authentication }) => authentication.type === 'ah'),
    hopLimits: divide([
      0,
      HIGHEST,
      ...targets.flatMap((target) => (target.kind === 'unicast' ? target.peers.flatMap(({ minTtl, maxTtl }) => [minTtl, maxTtl + 1]) : [])),
    ]),
  };
}

/** From each start to just before the next. */
function divide(starts: readonly number[]): HopLimits[] {
  const sorted = [...new Set(starts)].filter((start) => start <= HIGHEST).sort((one, other) => one - other);
  return sorted.map((lowest, i) => ({ lowest, highest: (sorted[i + 1] ?? HIGHEST + 1) - 1 }));
}
