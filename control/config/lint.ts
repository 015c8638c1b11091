// What keepalived takes without a word and an operator hardly means: timers that let routers and servers come and go for nothing.

import { at, warning } from './finding.js';
import type { Config, Finding, VrrpInstance } from './model.js';

export function lint(config: Config): Finding[] {
  return [...config.instances.flatMap(oneMissingAdvert), ...oneMissingPacket(config), ...lateLinks(config)];
}

function oneMissingAdvert({ name, downTimerAdverts, places }: VrrpInstance): Finding[] {
  if (downTimerAdverts > 1) return [];
  const message = `down_timer_adverts 1 lets vrrp_instance ${name} take over whenever a single advert is lost or late`;
  return [warning(at(places, 'down_timer_adverts'), message, 'write 3, the default, and a shorter advert_int')];
}

function oneMissingPacket({ tracking }: Config): Finding[] {
  return tracking.bfd
    .filter(({ multiplier }) => multiplier === 1)
    .map(({ name, places }) =>
      warning(
        at(places, 'multiplier'),
        `multiplier 1 ends BFD session ${name} whenever a single packet is lost or late`,
        'write 3 or more',
      ),
    );
}

/** By then the other router has taken over already, and this one still answers. */
function lateLinks({ tracking, instances }: Config): Finding[] {
  return tracking.linkDelays.flatMap(({ interface: link, downMs, place }) =>
    instances
      .filter((instance) => instance.interface === link && downMs >= patienceMs(instance))
      .slice(0, 1)
      .map((instance) =>
        warning(
          place,
          `${link} counts as down after ${downMs / 1000} s, when another router has been master of vrrp_instance ${instance.name} already`,
          'less than (down_timer_adverts - 1) * advert_int leaves it time to step back',
        ),
      ),
  );
}

function patienceMs({ downTimerAdverts, advertIntervalMs }: VrrpInstance): number {
  return (downTimerAdverts - 1) * advertIntervalMs;
}
