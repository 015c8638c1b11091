// `natlb check` over a text, on the machine that keepalived has in its namespace.

import { exitCodeOf } from '../../../control/cli/check.js';
import { fileSystem, loadFile } from '../../../control/config/file.js';
import { checkHost } from '../../../control/config/host-check.js';
import type { Loaded } from '../../../control/config/load.js';
import type { Finding } from '../../../control/config/model.js';
import { CONFIG_ID, host } from './keepalived.js';

export interface Checked {
  readonly loaded: Loaded;
  readonly findings: readonly Finding[];
}

export function checked(text: string): Checked {
  const file = '/etc/keepalived/keepalived.conf';
  const readFile = (path: string): string | Error => (path === file ? text : fileSystem.readFile(path));
  const loaded = loadFile(file, { configId: CONFIG_ID }, { readFile, glob: () => [] });
  return { loaded, findings: [...loaded.findings, ...(loaded.config === undefined ? [] : checkHost(loaded.config, host))] };
}

export function codeOf({ loaded }: Checked, findings: readonly Finding[]): number {
  return exitCodeOf(loaded, findings);
}
