// The command line of a natlb that runs: natlb's own options, and keepalived's, each with keepalived's meaning, as nothing to be done, or refused
// with a sentence. keepalived(8).

import { parseEndpoint } from '../config/address.js';
import type { Config } from '../config/model.js';
import { UsageError } from './args.js';
import { givenOptions, type Option } from './options.js';

export interface RunOptions {
  readonly file?: string;
  readonly configId?: string;
  readonly runDir?: string;
  readonly backend?: Config['settings']['backend'];
  readonly metrics?: { readonly address: string; readonly port: number };
  /** Gets the process id while natlb runs. */
  readonly pidFile?: string;
  /** Log lines go there instead of standard error. */
  readonly logFile?: string;
  readonly logFormat?: 'text' | 'json';
  /** What is configured goes to the log at the start. */
  readonly dumpsConfig?: true;
  /** Virtual addresses stay when natlb ends. */
  readonly keepsAddresses?: true;
  readonly ignoresInterrupt?: true;
  readonly umask?: number;
}

/** What the command line asks for. */
export type Asked =
  | { readonly kind: 'run'; readonly options: RunOptions; readonly notices: readonly string[] }
  | { readonly kind: 'check'; readonly file?: string; readonly configId?: string; readonly logFile?: string }
  | { readonly kind: 'signum'; readonly name: string }
  | { readonly kind: 'genhash' }
  | { readonly kind: 'version' }
  | { readonly kind: 'help' };

type Meaning =
  | { readonly set: (value: string, written: string) => RunOptions }
  /** Accepted; what there is to know about it. */
  | { readonly notice: string }
  | { readonly refused: string }
  | { readonly instead: 'check' | 'signum' | 'genhash' | 'version' | 'help' };

type Row = Option & Meaning;

const BACKENDS = ['auto', 'af_xdp', 'af_packet'] as const;

const FOREGROUND = 'natlb stays in the foreground, with -n and without it';
const LOGS = 'natlb logs to standard error, from where systemd or another takes it';
const ONE_PROCESS = 'there is no such process, so no such file';
const ONE_PROGRAM = 'natlb is VRRP, health checks and data plane in one: leave what is not wanted out of the configuration';

const OPTIONS: readonly Row[] = [
  { long: 'use-file', short: 'f', takes: 'value', set: (file) => ({ file }) },
  { long: 'file', takes: 'value', set: (file) => ({ file }) },
  { long: 'config-id', short: 'i', takes: 'value', set: (configId) => ({ configId }) },
  { long: 'run-dir', takes: 'value', set: (runDir) => ({ runDir }) },
  { long: 'backend', takes: 'value', set: (name) => ({ backend: backend(name) }) },
  { long: 'metrics', takes: 'value', set: (text) => ({ metrics: endpoint(text) }) },
  { long: 'pid', short: 'p', takes: 'value', set: (pidFile) => ({ pidFile }) },
  { long: 'log-file', short: 'g', takes: 'value', set: (logFile) => ({ logFile }) },
  { long: 'log-format', takes: 'value', set: (name) => ({ logFormat: logFormat(name) }) },
  { long: 'dump-conf', short: 'd', takes: 'nothing', set: () => ({ dumpsConfig: true }) },
  { long: 'dont-release-vrrp', short: 'V', takes: 'nothing', set: () => ({ keepsAddresses: true }) },
  { long: 'ignore-sigint', takes: 'nothing', set: () => ({ ignoresInterrupt: true }) },
  { long: 'umask', short: 'u', takes: 'value', set: (text) => ({ umask: umask(text) }) },
  { long: 'config-test', short: 't', takes: 'perhaps', instead: 'check' },
  { long: 'signum', takes: 'value', instead: 'signum' },
  { long: 'genhash', short: 'T', takes: 'nothing', instead: 'genhash' },
  { long: 'version', short: 'v', takes: 'nothing', instead: 'version' },
  { long: 'help', short: 'h', takes: 'nothing', instead: 'help' },
  { long: 'dont-fork', short: 'n', takes: 'nothing', notice: '' },
  { long: 'all', takes: 'nothing', notice: '' },
  { long: 'log-console', short: 'l', takes: 'nothing', notice: '' },
  { long: 'log-detail', short: 'D', takes: 'nothing', notice: '' },
  { long: 'no-syslog', short: 'G', takes: 'nothing', notice: '' },
  { long: 'flush-log-file', takes: 'nothing', notice: '' },
  { long: 'release-vips', short: 'X', takes: 'nothing', notice: '' },
  { long: 'no-mem-check', takes: 'nothing', notice: '' },
  { long: 'log-facility', short: 'S', takes: 'value', notice: LOGS },
  { long: 'vrrp_pid', short: 'r', takes: 'value', notice: ONE_PROCESS },
  { long: 'checkers_pid', short: 'c', takes: 'value', notice: ONE_PROCESS },
  { long: 'bfd_pid', short: 'b', takes: 'value', notice: ONE_PROCESS },
  { long: 'address-monitoring', short: 'a', takes: 'nothing', notice: 'addresses that come and go are not logged; ip monitor shows them' },
  { long: 'core-dump', short: 'm', takes: 'nothing', notice: 'core dumps are for the service manager to allow (LimitCORE=)' },
  { long: 'debug', takes: 'perhaps', notice: 'natlb trace, natlb explain and natlb status show what goes on inside' },
  { long: 'vrrp', short: 'P', takes: 'nothing', refused: ONE_PROGRAM },
  { long: 'check', short: 'C', takes: 'nothing', refused: ONE_PROGRAM },
  { long: 'no_bfd', short: 'B', takes: 'nothing', refused: ONE_PROGRAM },
  { long: 'dont-release-ipvs', short: 'I', takes: 'nothing', refused: 'when natlb has ended nobody forwards packets' },
  { long: 'dont-respawn', short: 'R', takes: 'nothing', refused: 'a data plane that dies is always started again' },
  {
    long: 'namespace',
    short: 's',
    takes: 'value',
    refused: "start natlb there: ip netns exec NAME natlb … or systemd's NetworkNamespacePath=",
  },
  { long: 'all-config', short: 'e', takes: 'nothing', refused: 'write include_check in global_defs' },
  { long: 'snmp', short: 'x', takes: 'nothing', refused: 'natlb has no SNMP; its counters are on /metrics (--metrics ADDRESS:PORT)' },
  {
    long: 'snmp-agent-socket',
    short: 'A',
    takes: 'value',
    refused: 'natlb has no SNMP; its counters are on /metrics (--metrics ADDRESS:PORT)',
  },
  { long: 'core-dump-pattern', short: 'M', takes: 'perhaps', refused: 'it changes what all programs of the machine do; see core(5)' },
  { long: 'perf', takes: 'perhaps', refused: 'perf record -p PID does the same from outside' },
  { long: 'config-fd', takes: 'value', refused: 'it is for keepalived alone' },
];

/** Throws UsageError. */
export function readRunOptions(args: readonly string[]): Asked {
  const given = givenOptions(args.slice(0, endOfOwn(args)), OPTIONS);
  let options: RunOptions = {};
  const notices: string[] = [];
  const files = given.filter(({ option }) => option.long === 'use-file' || option.long === 'file');
  for (const { option, written, value = '' } of given) {
    if ('refused' in option) throw new UsageError(`${written}: ${option.refused}`);
    if ('instead' in option) return insteadOf(option.instead, value, given);
    if ('set' in option) options = { ...options, ...option.set(value, written) };
    else if (option.notice !== '') notices.push(`${written}: ${option.notice}`);
  }
  if (files.length > 1) notices.push(`${files[0]?.written} more than once: the last counts; a file can include others`);
  if (!given.some(({ option }) => option.long === 'dont-fork') && args.some((arg) => /^-[a-zA-Z]*[lDd]/.test(arg)))
    notices.push(FOREGROUND);
  return { kind: 'run', options, notices };
}

/** What stands behind --genhash is its own. */
function endOfOwn(args: readonly string[]): number {
  const at = args.findIndex((arg) => arg === '--genhash' || arg === '-T');
  return at === -1 ? args.length : at + 1;
}

type Instead = Extract<Row, { instead: unknown }>['instead'];

function insteadOf(kind: Instead, value: string, given: ReturnType<typeof givenOptions<Row>>): Asked {
  if (kind === 'signum') return { kind, name: value };
  if (kind !== 'check') return { kind };
  const last = (name: string) => given.filter(({ option }) => option.long === name).at(-1)?.value;
  const file = last('use-file') ?? last('file');
  const configId = last('config-id');
  return {
    kind,
    ...(file === undefined ? {} : { file }),
    ...(configId === undefined ? {} : { configId }),
    ...(value === '' ? {} : { logFile: value }),
  };
}

function backend(name: string): Config['settings']['backend'] {
  const found = BACKENDS.find((one) => one === name);
  if (found === undefined) throw new UsageError(`--backend ${name}: expected ${BACKENDS.join(', ')}`);
  return found;
}

function logFormat(name: string): 'text' | 'json' {
  if (name !== 'text' && name !== 'json') throw new UsageError(`--log-format ${name}: expected text, json`);
  return name;
}

function endpoint(text: string): { address: string; port: number } {
  const parsed = parseEndpoint(text);
  if (parsed === undefined) throw new UsageError(`--metrics ${text}: expected ADDRESS:PORT`);
  return { address: parsed.address.text, port: parsed.port };
}

function umask(text: string): number {
  const mask = /^0?[0-7]{1,3}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  if (Number.isNaN(mask)) throw new UsageError(`--umask ${text}: expected an octal number such as 027`);
  return mask;
}
