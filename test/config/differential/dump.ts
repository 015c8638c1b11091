// What keepalived makes of VRRP instances: it prints its configuration when it starts with --dump-conf. (`keepalived -t` prints none, and
// services are only printed where the kernel has IPVS.)

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { VrrpInstance } from '../../../control/config/model.js';
import { CONFIG_ID, interfacesUp, SETUP } from './keepalived.js';

/** In keepalived's words, as far as both have them. */
export type Dump = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Runs until it has printed the last part, or for a while. Its other processes end with the namespace. */
const RUN = `for n in $(seq 0 $1); do
  keepalived -P -n -l -d -i ${CONFIG_ID} -f $n.conf -p $n.pid -r $n.vrrp >$n.out 2>&1 & runner=$!
  for look in $(seq 60); do grep -q '< Interfaces >' $n.out && break; kill -0 $runner 2>/dev/null || break; sleep 0.05; done
  kill -KILL $runner 2>/dev/null; wait $runner 2>/dev/null
done`;

export async function dumpsOf(texts: readonly string[]): Promise<readonly Dump[]> {
  const directory = mkdtempSync(join(tmpdir(), 'natlb-dump-'));
  try {
    for (const [index, text] of texts.entries()) writeFileSync(join(directory, `${index}.conf`), text);
    const script = `ip link set lo up; ${SETUP} && ${interfacesUp} || exit 1; ${RUN}`;
    const args = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script, 'sh', String(texts.length - 1)];
    await promisify(execFile)('unshare', args, { cwd: directory, timeout: 120_000 }).catch(() => undefined);
    return texts.map((_, index) => parse(readFileSync(join(directory, `${index}.out`), 'utf8')));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const COMPARED = [
  ...['VRRP Version', 'Interface', 'Virtual Router ID', 'Priority', 'Advert interval', 'Preempt', 'Preempt delay'],
  ...['Gratuitous ARP delay', 'Gratuitous ARP repeat', 'Gratuitous ARP refresh', 'Gratuitous ARP refresh repeat'],
  ...['Gratuitous ARP lower priority delay', 'Gratuitous ARP lower priority repeat', 'Down timer adverts', 'Authentication type'],
];

function parse(output: string): Dump {
  const lines = output.split('\n').map((line) => line.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d+: /, ''));
  const dump: Record<string, Record<string, string>> = {};
  let instance: Record<string, string> = {};
  let addresses: 'Virtual IP' | 'Virtual IP Excluded' | undefined;
  for (const line of lines.slice(lines.findIndex((text) => text.includes('VRRP Topology')))) {
    const [, field = '', value = ''] = /^ *([\w ]+?) = (.*)$/.exec(line) ?? [];
    const [, list] = /^ {3}(Virtual IP|Virtual IP Excluded) (?:\(\d+\))?:/.exec(line) ?? [];
    if (field === 'VRRP Instance') instance = dump[value] = {};
    else if (COMPARED.includes(field) && value !== 'none') instance[field] ??= value.replace(/.*, vmac on /, '');
    if (list !== undefined) addresses = list as typeof addresses;
    else if (!line.startsWith('     ')) addresses = undefined;
    else if (addresses !== undefined) instance[addresses] = [instance[addresses], address(line)].filter(Boolean).join(', ');
  }
  return dump;
}

function address(line: string): string {
  const [, written = '', device = ''] = /^ *(\S+) dev (\S+)/.exec(line) ?? [];
  return `${written.replace(/\/(?:32|128)$/, '')} dev ${device.replace(/@.*/, '')}`;
}

/** The same of natlb. */
export function dumpOf(instances: readonly VrrpInstance[]): Dump {
  return Object.fromEntries(instances.map((instance) => [instance.name, fieldsOf(instance)]));
}

const AUTHENTICATION: Readonly<Record<string, string>> = { pass: 'SIMPLE_PASSWORD', ah: 'IPSEC_AH' };

function fieldsOf(instance: VrrpInstance): Record<string, string> {
  const { authentication, addresses, excludedAddresses, advertIntervalMs: interval } = instance;
  const listed = (list: VrrpInstance['addresses']): string => list.map((item) => held(item, instance.interface)).join(', ');
  const authenticated = AUTHENTICATION[authentication.type];
  return {
    'VRRP Version': String(instance.version),
    Interface: instance.interface,
    'Virtual Router ID': String(instance.virtualRouterId),
    Priority: String(instance.priority),
    'Advert interval': instance.version === 2 ? `${interval / 1000} sec` : `${interval} milli-sec`,
    Preempt: instance.preempt ? 'enabled' : 'disabled',
    ...(instance.preemptDelayMs > 0 ? { 'Preempt delay': `${instance.preemptDelayMs / 1000} secs` } : {}),
    'Gratuitous ARP delay': String(instance.garpMasterDelayMs / 1000),
    'Gratuitous ARP repeat': String(instance.garpMasterRepeat),
    'Gratuitous ARP refresh': String(instance.garpMasterRefreshMs / 1000),
    'Gratuitous ARP refresh repeat': String(instance.garpMasterRefreshRepeat),
    'Gratuitous ARP lower priority delay': String(instance.garpLowerPriorityDelayMs / 1000),
    'Gratuitous ARP lower priority repeat': String(instance.garpLowerPriorityRepeat),
    'Down timer adverts': String(instance.downTimerAdverts),
    ...(authenticated === undefined ? {} : { 'Authentication type': authenticated }),
    ...(addresses.length === 0 ? {} : { 'Virtual IP': listed(addresses) }),
    ...(excludedAddresses.length === 0 ? {} : { 'Virtual IP Excluded': listed(excludedAddresses) }),
  };
}

function held({ address: text, prefixLength, family, device }: VrrpInstance['addresses'][number], own: string): string {
  const prefix = prefixLength === (family === 4 ? 32 : 128) ? '' : `/${prefixLength}`;
  return `${text}${prefix} dev ${device ?? own}`;
}
