// What each scheduler may choose, as a set: all that its rule leaves open (where rr begins, the hash of sh, the dice of twos) is open here.
// An implementation shows its choice, and the model says whether that could be.

/** A destination as schedulers see it, in the order of the service's list. */
export interface Candidate {
  readonly id: string;
  readonly weight: number;
  readonly overloaded: boolean;
  readonly active: number;
  readonly inactive: number;
}

/** What has been chosen so far, since the list of destinations last changed. */
export interface Past {
  /** The last of all, if it is known. */
  last?: string | undefined;
  /** By hash key. */
  readonly homes: Map<string, string>;
  /** All of them, while nothing but the scheduler decided. */
  picks: string[];
}

export interface Asked {
  readonly candidates: readonly Candidate[];
  /** What sh and mh hash, and what dh does. */
  readonly sourceKey: string;
  readonly targetKey: string;
  readonly past: Past;
}

export interface Scheduler {
  /** Ids of whom it may choose; none: there is no destination. */
  readonly permitted: (asked: Asked) => readonly string[];
  /** Whether it may say that there is none although somebody is available. */
  readonly mayRefuse?: boolean;
  /** The key whose first choice binds later ones. */
  readonly homeKey?: (asked: Asked) => string;
}

const available = ({ candidates }: Asked) => candidates.filter(({ weight, overloaded }) => weight > 0 && !overloaded);
const ids = (candidates: readonly Candidate[]) => candidates.map(({ id }) => id);

/** The first of those whose cost is least. Costs are fractions, compared crosswise so that nothing is rounded. */
function least(asked: Asked, cost: (one: Candidate) => number, divisor: (one: Candidate) => number): readonly string[] {
  const all = available(asked);
  const best = all.find((one) => all.every((other) => cost(one) * divisor(other) <= cost(other) * divisor(one)));
  return best === undefined ? [] : [best.id];
}

const overhead = ({ active, inactive }: Candidate) => active * 256 + active + inactive;
const delay = ({ active }: Candidate) => active + 1;
const weightOf = ({ weight }: Candidate) => weight;
const one = () => 1;

function heaviest(all: readonly Candidate[]): readonly string[] {
  const best = all.find(({ weight }) => all.every((other) => other.weight <= weight));
  return best === undefined ? [] : [best.id];
}

/** The next after the last one in the list, in a circle. */
function roundRobin(asked: Asked): readonly string[] {
  const at = asked.candidates.findIndex(({ id }) => id === asked.past.last);
  const open = ids(available(asked));
  if (at < 0) return open;
  const circle = [...asked.candidates.slice(at + 1), ...asked.candidates.slice(0, at + 1)];
  return circle
    .filter(({ id }) => open.includes(id))
    .map(({ id }) => id)
    .slice(0, 1);
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** In as many choices as a cycle has, whenever it begins, each is chosen as often as its weight says. */
function weightedRoundRobin(asked: Asked): readonly string[] {
  const open = available(asked);
  const divisor = asked.candidates.reduce((all, { weight }) => greatestDivisor(all, weight), 0);
  const share = (candidate: Candidate) => candidate.weight / divisor;
  const cycle = open.reduce((sum, candidate) => sum + share(candidate), 0);
  const recent = asked.past.picks.slice(-(cycle - 1) || asked.past.picks.length);
  return ids(open.filter((candidate) => recent.filter((id) => id === candidate.id).length < share(candidate)));
}

const any = (asked: Asked) => ids(available(asked));

function hashed(homeKey: (asked: Asked) => string): Scheduler {
  return {
    homeKey,
    mayRefuse: true,
    permitted: (asked) => {
      const home = asked.past.homes.get(homeKey(asked));
      const open = any(asked);
      return home === undefined ? open : open.filter((id) => id === home);
    },
  };
}

export const SCHEDULERS: Readonly<Record<string, Scheduler>> = {
  rr: { permitted: roundRobin },
  wrr: { permitted: weightedRoundRobin },
  lc: { permitted: (asked) => least(asked, overhead, one) },
  wlc: { permitted: (asked) => least(asked, overhead, weightOf) },
  sed: { permitted: (asked) => least(asked, delay, weightOf) },
  nq: {
    permitted: (asked) => {
      const idle = available(asked).find(({ active }) => active === 0);
      return idle === undefined ? least(asked, delay, weightOf) : [idle.id];
    },
  },
  fo: { permitted: (asked) => heaviest(available(asked)) },
  ovf: { permitted: (asked) => heaviest(available(asked).filter(({ active, weight }) => active <= weight)) },
  sh: hashed(({ sourceKey }) => sourceKey),
  mh: hashed(({ sourceKey }) => sourceKey),
  dh: hashed(({ targetKey }) => targetKey),
  twos: { permitted: any },
};
