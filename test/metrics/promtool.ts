// Prometheus's own judgement of a page, where promtool is installed.

import { spawnSync } from 'node:child_process';

/** `false` when promtool is there; else why the test is skipped. */
export const WITHOUT_PROMTOOL: false | string =
  spawnSync('promtool', ['--version']).error === undefined ? false : "promtool is missing (Debian's package prometheus)";

/** Everything promtool has to say; nothing when all is well. */
export function promtool(page: string): string {
  const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
  return `${stdout}${stderr}${status === 0 ? '' : `exit status ${status}`}`;
}
