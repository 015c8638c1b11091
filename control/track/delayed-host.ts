// The host as VRRP is to see it: interfaces go up and down only when that has lasted as long as interface_up_down_delays says.

import type { LinkDelay } from '../config/tracking.js';
import type { VrrpHost } from '../vrrp/host.js';
import { type Settling, see, settle, settled } from './settle.js';

export interface LinkDelays {
  setDelays(delays: readonly LinkDelay[]): void;
  endDelays(): void;
}

/** `host` in all but when interfaces are up, and who is told. */
export function delayedHost<Host extends VrrpHost>(host: Host, delays: readonly LinkDelay[]): Host & LinkDelays {
  const listeners = new Set<() => void>();
  let links = look(new Map(), host, delays, performance.now());
  let current = delays;
  let timer: NodeJS.Timeout | undefined;

  function changed(): void {
    const now = performance.now();
    links = look(links, host, current, now);
    arm(now);
    for (const listener of [...listeners]) listener();
  }

  function arm(now: number): void {
    clearTimeout(timer);
    const next = Math.min(...[...links.values()].map(({ changesAt }) => changesAt ?? Number.POSITIVE_INFINITY));
    if (next !== Number.POSITIVE_INFINITY) timer = setTimeout(changed, Math.max(1, Math.ceil(next - now)));
  }

  const unsubscribe = host.onLinkChange(changed);
  const delayed: Pick<VrrpHost, 'interface' | 'onLinkChange'> & LinkDelays = {
    interface: (name) => {
      const link = host.interface(name);
      const settling = links.get(name);
      // One that is not there cannot be used, however short the time.
      return link === undefined || settling === undefined ? link : { ...link, up: settling.well };
    },
    onLinkChange: (callback) => {
      const listener = (): void => callback();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setDelays: (given) => {
      current = given;
      changed();
    },
    endDelays: () => {
      clearTimeout(timer);
      unsubscribe();
      listeners.clear();
    },
  };
  return Object.assign(Object.create(host), delayed);
}

type Links = ReadonlyMap<string, Settling>;

function look(before: Links, host: VrrpHost, delays: readonly LinkDelay[], now: number): Links {
  return new Map(
    delays.map(({ interface: name, downMs, upMs }) => {
      const up = host.interface(name)?.up ?? false;
      const known = before.get(name);
      return [name, known === undefined ? settled(up) : see({ toWellMs: upMs, toUnwellMs: downMs }, settle(known, now), up, now)];
    }),
  );
}
