// Metrics of natlb itself: its version, its configuration, its control process.

import { bool, type Metric, one, seconds } from './metric.js';

export const programMetrics: readonly Metric[] = [
  {
    name: 'natlb_build_info',
    help: 'What is running; the value is always 1.',
    points: ({ status, process }) => [[{ version: status.version, node_version: process.nodeVersion }, 1]],
  },
  {
    name: 'natlb_event_loop_lag_seconds',
    help: 'Longest delay of the event loop that keeps the VRRP timers, within about the last minute.',
    points: one(({ process }) => process.loopLagSeconds),
  },
  {
    name: 'natlb_config_last_reload_successful',
    help: 'Whether the last reload of the configuration succeeded.',
    points: one(({ status }) => bool(status.config.lastReloadSuccessful)),
  },
  {
    name: 'natlb_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in force was loaded.',
    points: one(({ status }) => seconds(status.config.lastReloadSuccessMs)),
  },
  {
    name: 'natlb_config_on_trial',
    help: 'Whether the configuration goes back unless it is confirmed.',
    points: one(({ status }) => bool(status.config.trialEndsMs !== undefined)),
  },
  { name: 'natlb_config_reloads_total', help: 'Reloads asked for.', points: one(({ status }) => status.config.reloads) },
  {
    name: 'natlb_config_reload_failures_total',
    help: 'Reloads that failed and left the configuration as it was.',
    points: one(({ status }) => status.config.failedReloads),
  },
];

export const processMetrics: readonly Metric[] = [
  {
    name: 'process_cpu_user_seconds_total',
    help: 'Processor time of the control process in user mode.',
    points: one(({ process }) => process.userCpuSeconds),
  },
  {
    name: 'process_cpu_system_seconds_total',
    help: 'Processor time of the control process in the kernel.',
    points: one(({ process }) => process.systemCpuSeconds),
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the control process.',
    points: one(({ process }) => process.userCpuSeconds + process.systemCpuSeconds),
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the control process started.',
    points: one(({ status }) => seconds(status.startedMs)),
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the control process.',
    points: one(({ process }) => process.residentBytes),
  },
  { name: 'process_open_fds', help: 'Open files of the control process.', points: one(({ process }) => process.openFiles) },
  { name: 'process_max_fds', help: 'Open files the control process may have.', points: one(({ process }) => process.openFilesLimit) },
];
