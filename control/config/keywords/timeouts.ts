// `timeouts [rfc|ipvs] [{ STATE SECONDS … }]`: how long a flow may be idle, for all services and for one.

import type { TimeoutsDraft } from '../draft.js';
import type { Arguments } from '../keyword.js';
import { nearest } from '../nearest.js';
import { type Profile, STATES } from '../timeouts.js';

const PROFILES: ReadonlyMap<string, Profile> = new Map([
  ['rfc', 'rfc'],
  ['ipvs', 'ipvs'],
]);
/** As long as keepalived takes for any timeout of IPVS. */
const LONGEST = 31 * 86_400;

export function timeouts(arg: Arguments): TimeoutsDraft {
  const profile = arg.more() ? arg.oneOf(PROFILES) : undefined;
  const states = profile === undefined || arg.hasBlock() ? Object.fromEntries(arg.lines(stateAndTime)) : {};
  return { ...(profile === undefined ? {} : { profile }), states };
}

function stateAndTime(line: Arguments): readonly [string, number] {
  const written = line.word('a state');
  const state = written.toUpperCase();
  if (!STATES.includes(state)) {
    const meant = nearest(state, STATES);
    return line.refuse(
      `there is no state '${written.slice(0, 60)}'`,
      meant ? `did you mean '${meant}'?` : `states are ${STATES.join(' ')}`,
    );
  }
  return [state, line.seconds(1, LONGEST)];
}
