// What the router of the programs' lab serves, as a table, and the keepalived.conf it makes.

import { NAT_VIP, NAT_VIP6, VIP, VIP6 } from '../topology.js';

export const SERVERS = ['server1', 'server2', 'server3'] as const;

/** Both families of a virtual address. */
export interface Pair {
  readonly v4: string;
  readonly v6: string;
}

/** The clients as the servers are to see them. */
export const CLIENT: Pair = { v4: '203.0.113.254', v6: '2001:db8:113::254' };
export const FAR: Pair = { v4: '198.51.100.7', v6: '2001:db8:51::7' };

/** Each port of it is a service of its own. */
export const MAIN: Pair = { v4: VIP, v6: VIP6 };

interface Service {
  readonly what: string;
  readonly on: Pair;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly serverPort: number;
  /** Where to ask whether the server is there, if not on `serverPort`. */
  readonly checkPort?: number;
  readonly servers: readonly number[];
}

const ALL = [1, 2, 3];

const SERVICES: readonly Service[] = [
  { what: 'nginx', on: MAIN, protocol: 'TCP', port: 80, serverPort: 8080, servers: ALL },
  { what: 'nginx, which ends the TLS that passes through', on: MAIN, protocol: 'TCP', port: 443, serverPort: 443, servers: ALL },
  { what: 'sshd', on: MAIN, protocol: 'TCP', port: 22, serverPort: 2222, servers: ALL },
  { what: 'dnsmasq', on: MAIN, protocol: 'TCP', port: 53, serverPort: 53, servers: ALL },
  { what: 'dnsmasq', on: MAIN, protocol: 'UDP', port: 53, serverPort: 53, checkPort: 8080, servers: ALL },
  // A test of iperf3 is a control connection and data connections, and a look at its port would be taken for one.
  { what: 'iperf3', on: MAIN, protocol: 'TCP', port: 5201, serverPort: 5201, checkPort: 8080, servers: [1] },
  { what: 'iperf3', on: MAIN, protocol: 'UDP', port: 5201, serverPort: 5201, checkPort: 8080, servers: [1] },
];

export function keepalivedConf(): string {
  return [
    '! Services for real programs: every one in IPv4 and IPv6.',
    ...instances(),
    ...SERVICES.flatMap((service) => [virtualServer(service, 4), virtualServer(service, 6)]),
  ].join('\n');
}

/** Priority 255 owns its addresses and waits for nobody. */
function instances(): string[] {
  const rows = [
    { name: 'PUBLIC', interface: 'eth0', id: 50, version: 2, addresses: [MAIN.v4] },
    { name: 'PRIVATE', interface: 'eth1', id: 51, version: 2, addresses: [NAT_VIP] },
    { name: 'PUBLIC6', interface: 'eth0', id: 60, version: 3, addresses: [MAIN.v6] },
    { name: 'PRIVATE6', interface: 'eth1', id: 61, version: 3, addresses: [NAT_VIP6] },
  ];
  return rows.map(
    (row) => `vrrp_instance ${row.name} {
    state MASTER
    interface ${row.interface}
    virtual_router_id ${row.id}
    priority 255
    version ${row.version}
    virtual_ipaddress {
        ${row.addresses.join('\n        ')}
    }
}
`,
  );
}

function virtualServer(service: Service, family: 4 | 6): string {
  const { what, on, protocol, port, servers } = service;
  return `! ${what}
virtual_server ${family === 4 ? on.v4 : on.v6} ${port} {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol ${protocol}
${servers.map((n) => realServer(service, serverAddress(n, family))).join('\n')}
}
`;
}

function realServer({ serverPort, checkPort = serverPort }: Service, address: string): string {
  return `    real_server ${address} ${serverPort} {
        TCP_CHECK {
            connect_port ${checkPort}
            connect_timeout 3
        }
    }`;
}

export function serverAddress(n: number, family: 4 | 6): string {
  return family === 4 ? `10.11.12.${n}` : `fd00:11:12::${n}`;
}

/** Of a pair, the one that talks to this address. */
export function likewise(pair: Pair, address: string): string {
  return address.includes(':') ? pair.v6 : pair.v4;
}
