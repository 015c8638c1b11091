// Prometheus's own judgement of a page, where promtool is to be had: ./setup unpacks it below build/.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const PROMETHEUS = join(import.meta.dirname, '../../../build/prometheus/usr/bin');
const PROMTOOL = join(PROMETHEUS, 'promtool');

/** `false` when promtool is there; else why the test is skipped. */
export const WITHOUT_PROMTOOL: false | string =
  spawnSync(PROMTOOL, ['--version']).error === undefined ? false : `${PROMTOOL} is missing; ./setup as root on Debian fetches it`;

/** Everything promtool has to say; nothing when all is well. */
export function promtool(page: string): string {
  const { stdout, stderr, status } = spawnSync(PROMTOOL, ['check', 'metrics'], { input: page, encoding: 'utf8' });
  return `${stdout}${stderr}${status === 0 ? '' : `exit status ${status}`}`;
}
