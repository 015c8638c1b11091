// The network around both load balancers: clients and the gateway behind eth0, servers behind eth1. The guest's kernel has it from guest-init,
// natlb from here. Every sequence has virtual addresses of its own, so that nothing of an earlier one is met.

import type { Surroundings } from '../../dataplane/addon.js';
import type { Random } from './random.js';

export type Family = 4 | 6;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Of eth0 and eth1. */
export const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;
export const MTUS = [1500, 1400] as const;
const GATEWAY_MAC = '02:00:00:00:00:fe';

export const SERVERS = 8;

export function server(family: Family, number: number): string {
  return family === 4 ? `10.11.12.${number}` : `fd00:11:12::${number}`;
}

/** A router on the servers' side. */
export function innerRouter(family: Family): string {
  return server(family, 77);
}

/** A virtual address: guest-init makes 172.16.0.0/12 and 2001:db8:113::/48 local. */
export function virtualAddress(family: Family, sequence: number, which: number): string {
  const number = (sequence * 4 + which) % 2 ** 20;
  if (family === 6) return `2001:db8:113:${((number >> 4) + 1).toString(16)}::${((number & 15) + 16).toString(16)}`;
  return `172.${16 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

/** Clients of a sequence: of few networks, which persistence puts together or not. */
export function clients(random: Random, family: Family, count: number): readonly string[] {
  const networks = Array.from({ length: 2 }, () =>
    family === 6 ? `2400:${random.between(1, 0xffff).toString(16)}` : `${random.between(40, 90)}.${random.below(256)}`,
  );
  return Array.from({ length: count }, () => {
    const network = random.one(networks);
    if (family === 6) return `${network}:0:${random.between(1, 3)}::${random.between(1, 0xffff).toString(16)}`;
    return `${network}.${random.below(4)}.${random.between(1, 254)}`;
  });
}

export function isServer(address: string): boolean {
  return /^(10\.11\.12\.|fd00:11:12::)/.test(address);
}

export function surroundings(virtualAddresses: readonly string[]): Surroundings {
  const servers = [...Array.from({ length: SERVERS }, (_, at) => at + 1), 77];
  return {
    interfaces: [
      { mac: MACS[0], mtu: MTUS[0], addresses: ['203.0.113.9', '2001:db8:1::9', ...virtualAddresses] },
      { mac: MACS[1], mtu: MTUS[1], addresses: ['10.11.12.9', 'fd00:11:12::9'] },
    ],
    routes: [
      { prefix: '203.0.113.0', length: 24, interface: 0 },
      { prefix: '10.11.12.0', length: 24, interface: 1 },
      { prefix: '0.0.0.0', length: 0, interface: 0, gateway: '203.0.113.254' },
      { prefix: '2001:db8:1::', length: 64, interface: 0 },
      { prefix: 'fd00:11:12::', length: 64, interface: 1 },
      { prefix: '::', length: 0, interface: 0, gateway: '2001:db8:1::fe' },
    ],
    neighbours: [
      { address: '203.0.113.254', interface: 0, mac: GATEWAY_MAC },
      { address: '2001:db8:1::fe', interface: 0, mac: GATEWAY_MAC },
      ...servers.flatMap((number) =>
        ([4, 6] as const).map((family) => ({
          address: server(family, number),
          interface: 1,
          mac: `02:00:00:00:01:${String(number).padStart(2, '0')}`,
        })),
      ),
    ],
  };
}
