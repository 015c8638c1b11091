// keepalived's names for what can be dumped, and the signals that ask for it.

export const DUMPS = ['DATA', 'STATS', 'STATS_CLEAR', 'JSON'] as const;
export type DumpName = (typeof DUMPS)[number];

/** What `--signum` says. Those from 34 to 64 are real-time signals, SIGRTMIN to SIGRTMAX of glibc (signal(7)). */
export const SIGNAL_NUMBERS: Readonly<Record<DumpName | 'STOP' | 'RELOAD', number>> = {
  STOP: 15,
  RELOAD: 1,
  DATA: 10,
  STATS: 12,
  STATS_CLEAR: 63,
  JSON: 36,
};
