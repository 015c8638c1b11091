// Definitions that are there from the beginning: ${_PWD}, ${_INSTANCE}, ${_RANDOM}, ${_ENV}, ${_HASH}, ${_BANG}.

export interface Builtin {
  readonly kind: 'builtin';
  /** How many parameters may follow its name. */
  readonly least: number;
  readonly most: number;
  readonly value: (parameters: readonly string[]) => string | { readonly problem: string };
}

export interface Surroundings {
  readonly configId: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whole numbers from 0 to 2^32 - 1. */
  readonly random: () => number;
  /** Of the file that is being read. */
  readonly directory: () => string;
}

export function builtins({ configId, environment, random, directory }: Surroundings): [string, Builtin][] {
  return [
    ['_PWD', constant(directory)],
    ['_INSTANCE', constant(() => configId)],
    ['_HASH', constant(() => '#')],
    ['_BANG', constant(() => '!')],
    ['_ENV', { kind: 'builtin', least: 1, most: 1, value: ([name = '']) => environment[name] ?? '' }],
    ['_RANDOM', { kind: 'builtin', least: 0, most: 2, value: (bounds) => between(bounds, random) }],
  ];
}

function constant(value: () => string): Builtin {
  return { kind: 'builtin', least: 0, most: 0, value };
}

const MOST = 2 ** 31 - 1;

function between([from = '0', to = '32767']: readonly string[], random: () => number): string | { readonly problem: string } {
  if (!/^\d+$/.test(from) || !/^\d+$/.test(to)) return { problem: 'its parameters are numbers' };
  const [low, high] = [Number(from), Number(to)];
  if (low > high || high > MOST) return { problem: `expected MIN up to MAX, at most ${MOST}` };
  return String(low + (random() % (high - low + 1)));
}

/** Numbers that look random and are the same for the same seed (xorshift32): a reload must not read another configuration. */
export function randomNumbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** The seed of a machine (FNV-1a): two routers that share a file differ, each stays as it is. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
