// FRR's vrrpd in a namespace of the lab: it wants a macvlan with the virtual MAC and the addresses, a zebra to tell it of both, and groups of
// the system that its package would make.

import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ended, ip, type Lab, type Side } from './lab.js';

/** Seen from dist/test/vrrp. */
const FRR = join(import.meta.dirname, '../../../build/frr/usr/lib');
const VRID = 51;
const GROUPS = 'frr:x:986:root\nfrrvty:x:985:root\n';
/** What FRR's manual asks for, or the host would answer for addresses of a macvlan that vrrpd holds down. */
const SETTINGS = ['ipv4/conf/all/arp_ignore=1', 'ipv4/conf/all/arp_announce=2', 'ipv4/conf/all/rp_filter=0'];

export const VIRTUAL_MAC = /^00:00:5e:00:0[12]:33$/;

export function hasFrr(): boolean {
  return existsSync(join(FRR, 'frr', 'vrrpd'));
}

export interface FrrSettings {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly string[];
}

interface Shown {
  readonly status: string;
  readonly stats: { readonly adverTx: number; readonly adverRx: number };
}

export class Frr {
  private readonly lab: Lab;
  private readonly side: Side;
  private readonly family: 4 | 6;
  private readonly directory: string;
  private vrrpd: ChildProcess | undefined;

  constructor(lab: Lab, side: Side, settings: FrrSettings) {
    this.lab = lab;
    this.side = side;
    this.family = settings.family;
    this.directory = join(lab.directory, `frr-${side}`);
    mkdirSync(this.directory);
    writeFileSync(join(this.directory, 'group'), readFileSync('/etc/group', 'utf8').replace(/^frr(vty)?:.*\n/gm, '') + GROUPS);
    writeFileSync(join(this.directory, 'zebra.conf'), `hostname zebra\nlog file ${this.directory}/zebra.log\n`);
    writeFileSync(join(this.directory, 'vrrpd.conf'), vrrpdConfig(this.directory, settings));
    this.macvlan(settings);
    this.daemon('zebra');
  }

  start(): void {
    this.vrrpd = this.daemon('vrrpd');
  }

  /** `SIGTERM` makes it resign, `SIGKILL` not. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { vrrpd } = this;
    this.vrrpd = undefined;
    if (vrrpd !== undefined) await ended(vrrpd, signal);
  }

  /** `Master`, `Backup`, `Initialize`; `dead` when it is not there. */
  async state(): Promise<string> {
    return (await this.show())?.status ?? 'dead';
  }

  async advertsHeard(): Promise<number> {
    return (await this.show())?.stats.adverRx ?? 0;
  }

  private async show(): Promise<Shown | undefined> {
    if (this.vrrpd === undefined) return undefined;
    const text = await ask(join(this.directory, 'vrrpd.vty'), 'show vrrp json').catch(() => '');
    const routers = /\[[\s\S]*\]/.exec(text)?.[0];
    if (routers === undefined) return undefined;
    const [router] = JSON.parse(routers) as readonly { readonly v4: Shown; readonly v6: Shown }[];
    return this.family === 4 ? router?.v4 : router?.v6;
  }

  private macvlan({ family, addresses }: FrrSettings): void {
    const namespace = this.lab.namespace(this.side);
    const name = `vrrp${family}`;
    for (const setting of SETTINGS) ip('netns', 'exec', namespace, 'sysctl', '-qw', `net/${setting}`);
    ip('-n', namespace, 'link', 'add', name, 'link', 'pub', 'type', 'macvlan', 'mode', 'bridge');
    ip('-n', namespace, 'link', 'set', name, 'addrgenmode', 'none');
    ip('-n', namespace, 'link', 'set', name, 'address', `00:00:5e:00:0${family === 4 ? 1 : 2}:${VRID.toString(16)}`);
    const nodad = family === 6 ? ['nodad'] : [];
    // IPv6 adverts come from the macvlan's own link-local address.
    const own = family === 6 ? [`fe80::1:${VRID}/64`] : [];
    for (const address of [...addresses.map((each) => `${each}/${family === 4 ? 24 : 64}`), ...own]) {
      ip('-n', namespace, 'addr', 'add', address, 'dev', name, ...nodad);
    }
    ip('-n', namespace, 'link', 'set', name, 'up');
  }

  private daemon(name: 'zebra' | 'vrrpd'): ChildProcess {
    const { directory } = this;
    const libraries = [`${FRR}/x86_64-linux-gnu/frr`, `${FRR}/aarch64-linux-gnu/frr`].join(':');
    const files = ['-z', join(directory, 'api'), '--vty_socket', directory, '-i', join(directory, `${name}.pid`)];
    const command = [join(FRR, 'frr', name), '-u', 'root', '-g', 'root', ...files, '-f', join(directory, `${name}.conf`)];
    // `ip netns exec` gives each command mounts of its own.
    const inside = `mount --bind '${directory}/group' /etc/group && export LD_LIBRARY_PATH='${libraries}' && exec "$@"`;
    return this.lab.start(this.side, 'sh', ['-c', inside, 'sh', ...command]);
  }
}

function vrrpdConfig(directory: string, { version, family, priority, intervalMs, addresses }: FrrSettings): string {
  const word = family === 4 ? 'ip' : 'ipv6';
  return `hostname vrrpd
log file ${directory}/vrrpd.log debugging
interface pub
 vrrp ${VRID} version ${version}
 vrrp ${VRID} priority ${priority}
 vrrp ${VRID} advertisement-interval ${intervalMs}
${addresses.map((address) => ` vrrp ${VRID} ${word} ${address}`).join('\n')}
`;
}

/** What vtysh does: a command ended by a zero byte; an answer ended by three of them and a status. */
function ask(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket, () => connection.write(`enable\0${command}\0`));
    let answer = '';
    connection.setTimeout(2000, () => connection.destroy(new Error('vrrpd says nothing')));
    connection.on('error', reject).on('close', () => reject(new Error('vrrpd hung up')));
    connection.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
      const [, shown, more] = answer.split('\0\0\0');
      if (shown === undefined || more === undefined) return;
      connection.destroy();
      resolve(shown);
    });
  });
}
