// A VrrpHost for tests that asks and tells the kernel through ip(8).

import { execFile, execFileSync, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import type { HostInterface, VrrpHost } from '../../control/vrrp/host.js';

interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly address: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly { family: string; local: string; prefixlen: number; scope: string }[];
}

const run = promisify(execFile);

/** `ip monitor` runs until `process` exits. */
export function shellHost(): VrrpHost {
  let links = readLinks();
  const callbacks = new Set<() => void>();
  const monitor = spawn('ip', ['monitor', 'link', 'address'], { stdio: ['ignore', 'pipe', 'ignore'] });
  monitor.stdout.on('data', () => {
    links = readLinks();
    for (const callback of callbacks) callback();
  });
  process.on('exit', () => monitor.kill());
  return {
    interface: (name) => links.get(name),
    addAddress: (name, address, prefixLength) => ip(['addr', 'replace', ...place(name, address, prefixLength)], /$^/),
    removeAddress: (name, address, prefixLength) => ip(['addr', 'del', ...place(name, address, prefixLength)], /Cannot assign|not found/),
    onLinkChange: (callback) => {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
    hopLimitFilter: () => -1,
  };
}

function place(name: string, address: string, prefixLength: number): string[] {
  return [`${address}/${prefixLength}`, 'dev', name, ...(address.includes(':') ? ['nodad'] : [])];
}

async function ip(args: readonly string[], fine: RegExp): Promise<void> {
  try {
    await run('ip', args);
  } catch (error) {
    if (!fine.test((error as Error).message)) throw error;
  }
}

function readLinks(): Map<string, HostInterface> {
  const links: IpLink[] = JSON.parse(execFileSync('ip', ['-json', 'addr'], { encoding: 'utf8' }));
  return new Map(links.map((link) => [link.ifname, toInterface(link)]));
}

function toInterface(link: IpLink): HostInterface {
  return {
    index: link.ifindex,
    mac: link.address,
    up: link.flags.includes('UP') && link.flags.includes('LOWER_UP'),
    addresses: link.addr_info.map(({ family, local, prefixlen, scope }) => {
      return { address: local, prefixLength: prefixlen, family: family === 'inet6' ? 6 : 4, scope };
    }),
  };
}
