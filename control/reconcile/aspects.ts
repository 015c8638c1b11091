// What a service and a snapshot have besides their destinations, as text: two that read the same are the same.

import type { Listener, Service, Snapshot, Timeouts } from '../../dataplane/protocol.js';

export interface Aspect<Whole> {
  readonly what: string;
  /** As far as it is worth saying beside that of `other`. */
  readonly read: (whole: Whole, other: Whole) => string;
}

export const SNAPSHOT_ASPECTS: readonly Aspect<Snapshot>[] = [
  { what: 'timeouts', read: ({ timeouts }, other) => timeoutsText(timeouts, other.timeouts) },
  { what: 'takeover window', read: ({ takeoverMs }) => seconds(takeoverMs) },
  { what: 'limit of half-open flows', read: ({ halfOpen: { service, source } }) => `${service} (${source} a source)` },
];

export const SERVICE_ASPECTS: readonly Aspect<Service>[] = [
  { what: 'listeners', read: ({ listeners }) => listeners.map(listenerText).join(', ') },
  { what: 'scheduler', read: ({ scheduler }) => scheduler },
  { what: 'scheduler flags', read: ({ schedulerFlags }) => schedulerFlags.join(',') || 'none' },
  { what: 'one-packet scheduling', read: ({ onePacket }) => onOff(onePacket) },
  { what: 'persistence', read: ({ persistence }) => persistenceText(persistence) },
  { what: 'helper', read: ({ helper = 'none' }) => helper },
  { what: 'timeouts', read: ({ timeouts }, other) => timeoutsText(timeouts, other.timeouts) },
  { what: 'answer without a destination', read: ({ noDestination }) => noDestination },
  { what: 'resets', read: ({ resets }) => onOff(resets) },
  { what: 'sloppy', read: ({ sloppy }) => sloppy },
];

function listenerText({ address, protocol, firstPort, lastPort }: Listener): string {
  return `[${address}]:${protocol}:${firstPort === lastPort ? firstPort : `${firstPort}-${lastPort}`}`;
}

function persistenceText(persistence: Service['persistence']): string {
  return persistence === undefined ? 'none' : `${seconds(persistence.timeoutMs)} a /${persistence.prefixLength}`;
}

/** Of two dozen states only those that differ. */
function timeoutsText(timeouts: Timeouts, other: Timeouts): string {
  const states = [...new Set([...Object.keys(timeouts), ...Object.keys(other)])].filter((state) => timeouts[state] !== other[state]);
  return states
    .sort()
    .map((state) => stateText(state, timeouts[state]))
    .join(' ');
}

function stateText(state: string, ms: number | undefined): string {
  return `${state} ${ms === undefined ? 'as for all' : seconds(ms)}`;
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
