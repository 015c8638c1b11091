// What VRRP instances track.

import type { Metric, Point } from './metric.js';

export const trackMetrics: readonly Metric[] = [
  {
    name: 'natlb_tracked_up',
    help: 'Whether what VRRP instances track is well: scripts that succeed, interfaces that are up, and so on. Absent until it is known.',
    points: ({ status }) =>
      status.trackers.flatMap(({ kind, name, state, value }): Point[] =>
        state === 'unknown' || value !== undefined ? [] : [[{ kind, name }, state === 'well' ? 1 : 0]],
      ),
  },
  {
    name: 'natlb_tracked_file_value',
    help: 'The number in a tracked file.',
    points: ({ status }) => status.trackers.flatMap(({ name, value }): Point[] => (value === undefined ? [] : [[{ name }, value]])),
  },
  {
    name: 'keepalived_script_status',
    help: 'Whether a tracked script succeeds, by the name keepalived-exporter has for it.',
    points: ({ status }) =>
      status.trackers.flatMap(({ kind, name, state }): Point[] => (kind === 'script' ? [[{ name }, state === 'well' ? 1 : 0]] : [])),
  },
];
