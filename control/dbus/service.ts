// The bus of a running natlb: what is asked of it there is done as if a signal or the control socket had asked.

import type { Log } from '../log.js';
import type { Transition } from '../notify/notices.js';
import { type Bus, startBus } from './driver.js';
import type { Action, Instance } from './objects.js';

export interface Served {
  readonly instances: readonly Instance[];
  readonly notifier: { listen(listener: (transition: Transition) => void): void };
  announceAgain(instance: string): boolean;
}

export interface ServiceOptions {
  /** Absent: nobody asked for it. */
  readonly serviceName: string | undefined;
  readonly router: Served;
  readonly log: Log;
  readonly dump: (name: 'DATA' | 'STATS' | 'STATS_CLEAR') => void;
  readonly reload: () => void;
}

export function serveBus({ serviceName, router, log, dump, reload }: ServiceOptions): Bus | undefined {
  if (serviceName === undefined) return undefined;
  const perform = (action: Action): void => {
    if (action.kind === 'dump') dump(action.name);
    else if (action.kind === 'reload') reload();
    else if (!router.announceAgain(action.instance)) throw new Error(`${action.instance} is not master`);
  };
  const address = process.env.DBUS_SYSTEM_BUS_ADDRESS;
  const bus = startBus({ serviceName, log, instances: () => router.instances, perform, ...(address === undefined ? {} : { address }) });
  const places = new Map<string, Instance>();
  router.notifier.listen(({ name, state }) => {
    const instance = router.instances.find((one) => one.name === name) ?? places.get(name);
    if (instance === undefined) return;
    places.set(name, instance);
    bus.stateChanged({ ...instance, state });
  });
  return bus;
}
