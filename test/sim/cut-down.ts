// Cuts a world in which a rule is broken down to a small one in which it still is.

import { type Played, play } from './play.js';
import type { Happening, World } from './world.js';

export interface Cut {
  readonly world: World;
  readonly played: Played;
}

/** Worlds tried at most: each attempt is short, as it ends where the rule is broken. */
const MOST_ATTEMPTS = 3000;

export function cutDown(world: World): Cut {
  let best: Cut = { world, played: play(world) };
  const rule = best.played.violation?.rule;
  let attempts = 0;
  const shrinks = (candidate: World): boolean => {
    if (attempts++ > MOST_ATTEMPTS) return false;
    const played = play(candidate);
    if (played.violation === undefined || played.violation.rule !== rule) return false;
    best = { world: { ...candidate, endsAt: Math.ceil(played.at) + 1 }, played };
    return true;
  };
  while (attempts <= MOST_ATTEMPTS && anySimpler(best.world, shrinks));
  return best;
}

function anySimpler(world: World, shrinks: (candidate: World) => boolean): boolean {
  for (const candidate of simplifications(world)) if (shrinks(candidate)) return true;
  return false;
}

/** The boldest first. */
function* simplifications(world: World): Generator<World> {
  yield* fewerHappenings(world);
  yield* world.routers.map((_, router) => withoutRouter(world, router)).filter(({ routers }) => routers.length > 0);
  yield* world.virtualRouters
    .map((_, virtualRouter) => withoutVirtualRouter(world, virtualRouter))
    .filter(({ groups }) => groups.length > 0);
  yield* world.services.map((_, service) => ({ ...world, services: world.services.filter((_, i) => i !== service) }));
  yield* plainer(world);
}

function* fewerHappenings(world: World): Generator<World> {
  const { happenings } = world;
  for (let size = happenings.length; size >= 1; size = Math.floor(size / 2))
    for (let start = 0; start < happenings.length; start += size)
      yield { ...world, happenings: happenings.filter((_, i) => i < start || i >= start + size) };
}

function withoutRouter(world: World, gone: number): World {
  const renumber = (index: number) => (index > gone ? index - 1 : index);
  const happenings = world.happenings.flatMap((happening): Happening[] => {
    if (happening.kind === 'path') {
      if (happening.from === gone || happening.to === gone) return [];
      return [{ ...happening, from: renumber(happening.from), to: renumber(happening.to) }];
    }
    if (!('router' in happening)) return [happening];
    return happening.router === gone ? [] : [{ ...happening, router: renumber(happening.router) }];
  });
  return { ...world, happenings, routers: world.routers.filter((_, i) => i !== gone) };
}

/** The others keep their segments. */
function withoutVirtualRouter(world: World, gone: number): World {
  const groups = world.groups
    .map((group) => group.filter((index) => index !== gone).map((index) => (index > gone ? index - 1 : index)))
    .filter((group) => group.length > 0);
  const routers = world.routers.map((router) => ({ ...router, choices: router.choices.filter((_, i) => i !== gone) }));
  return { ...world, groups, routers, virtualRouters: world.virtualRouters.filter((_, i) => i !== gone) };
}

function* plainer(world: World): Generator<World> {
  const { weather, routers } = world;
  const plain = { loss: 0, lossRun: 0, duplicates: 0, leastDelayMs: 0.1, mostDelayMs: 0.1, reorders: false };
  if (JSON.stringify(weather) !== JSON.stringify(plain)) yield { ...world, weather: plain };
  const steady = routers.map((router) => ({ ...router, rate: 1, clockMs: 0, lateMs: 0 }));
  if (JSON.stringify(routers) !== JSON.stringify(steady)) yield { ...world, routers: steady };
  for (const [i, happening] of world.happenings.entries()) {
    const at = Math.round(happening.at);
    if (at !== happening.at) yield { ...world, happenings: world.happenings.with(i, { ...happening, at }) };
  }
}
