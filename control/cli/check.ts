// `natlb check`: says what is wrong with a configuration, all of it at once, and exits as `keepalived --config-test` is documented to.

import { fileSystem, loadFile } from '../config/file.js';
import { checkHost, type Host } from '../config/host-check.js';
import type { Loaded } from '../config/load.js';
import { localHost } from '../config/local-host.js';
import type { Finding } from '../config/model.js';
import { render } from '../config/render.js';
import { inTextOrder } from '../config/report.js';
import { isNetworkClaimed } from '../host/network-claim.js';

export interface CheckArguments {
  readonly file: string;
  readonly configId?: string;
  readonly json: boolean;
}

export interface CheckOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** keepalived(8), "Exit status". */
const EXIT = { ok: 0, cannotRun: 3, errors: 4, scriptSecurity: 5 } as const;

export async function check(args: CheckArguments, { out, err }: CheckOutput, given?: Host): Promise<number> {
  const host = given ?? { ...localHost(), withoutNatlb: !(await isNetworkClaimed()) };
  const { file, configId, json } = args;
  const texts = new Map<string, string | Error>();
  const read = remembering(fileSystem.readFile, texts);
  const loaded = loadFile(file, configId === undefined ? {} : { configId }, { ...fileSystem, readFile: read });
  const hostFindings = loaded.config === undefined ? [] : checkHost(loaded.config, host);
  const findings = inTextOrder([...loaded.findings, ...hostFindings], [...texts.keys()]);
  const exitCode = exitCodeOf(loaded, findings);
  if (json) out(`${JSON.stringify({ file, exitCode, findings: findings.map(flat) }, undefined, 2)}\n`);
  else printText(findings, loaded, file, read, { out, err });
  return exitCode;
}

export function exitCodeOf({ config }: Loaded, findings: readonly Finding[]): number {
  if (config === undefined) return EXIT.cannotRun;
  if (findings.some(({ about }) => about === 'script-security')) return EXIT.scriptSecurity;
  return findings.some(({ severity, about }) => severity === 'error' || about === 'modified') ? EXIT.errors : EXIT.ok;
}

function flat({ place, ...finding }: Finding): object {
  return { ...place, ...finding };
}

type Read = (path: string) => string | Error;

function printText(findings: readonly Finding[], { config }: Loaded, file: string, read: Read, { out, err }: CheckOutput): void {
  const lineOf = lines(read);
  for (const finding of findings) err(`${render(finding, lineOf)}\n`);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const counts = `${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')}`;
  const contents =
    config === undefined
      ? ''
      : `; ${counted(config.instances.length, 'VRRP instance')}, ${counted(config.virtualServers.length, 'virtual server')}`;
  out(`${file}: ${counts}${contents}\n`);
}

function counted(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What was checked is what is shown, even if the file changes in between. */
function remembering(read: Read, texts: Map<string, string | Error>): Read {
  return (path) => {
    const text = texts.get(path) ?? read(path);
    texts.set(path, text);
    return text;
  };
}

function lines(read: Read): (file: string, line: number) => string | undefined {
  const files = new Map<string, readonly string[]>();
  return (file, line) => {
    const text = files.has(file) ? '' : read(file);
    const split = files.get(file) ?? (text instanceof Error ? [] : text.split(/\r?\n/));
    files.set(file, split);
    return split[line - 1];
  };
}
