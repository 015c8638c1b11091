// Which processes count for a tracked process, and whether they are enough.

import type { TrackProcess } from '../config/tracking.js';

/** As /proc/PID has it. */
export interface Process {
  /** The short name, of 15 characters at most. */
  readonly name: string;
  /** Its words, the first of which is the command; none: a kernel thread. */
  readonly words: readonly string[];
}

export function enough({ quorum, quorumMax }: TrackProcess, count: number): boolean {
  return count >= quorum && count <= quorumMax;
}

export function matches(tracked: TrackProcess, { name, words }: Process): boolean {
  if (!tracked.fullCommand) return name === tracked.command;
  const [command, ...parameters] = words;
  return command === tracked.command && matchesParameters(tracked, parameters);
}

function matchesParameters({ match, parameters: wanted }: TrackProcess, given: readonly string[]): boolean {
  const same = (count: number): boolean => wanted.slice(0, count).every((word, i) => word === given[i]);
  switch (match) {
    case 'any':
      return true;
    case 'exactly':
      return given.length === wanted.length && same(wanted.length);
    case 'first':
      return given.length >= wanted.length && same(wanted.length);
    case 'begun': {
      const last = wanted.length - 1;
      return given.length >= wanted.length && same(last) && (given[last] ?? '').startsWith(wanted[last] ?? '');
    }
  }
}
