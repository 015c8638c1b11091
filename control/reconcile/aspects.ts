// What a service and a snapshot have besides their destinations, as text: two that read the same are the same.

import type { Listener, Service, Snapshot, Timeouts } from '../../dataplane/protocol.js';

export interface Aspect<Whole> {
  readonly what: string;
  readonly read: (whole: Whole) => string;
}

export const SNAPSHOT_ASPECTS: readonly Aspect<Snapshot>[] = [
  { what: 'timeouts', read: ({ timeouts }) => timeoutsText(timeouts) },
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
  { what: 'timeouts', read: ({ timeouts }) => timeoutsText(timeouts) },
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

function timeoutsText(timeouts: Timeouts): string {
  const all = Object.entries(timeouts).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return all.map(([state, ms]) => `${state} ${seconds(ms)}`).join(' ') || 'the global ones';
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
