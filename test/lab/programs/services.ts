// What the router of the programs' lab serves, as a table, and the keepalived.conf it makes.

import { NAT_VIP, NAT_VIP6, VIP, VIP6 } from '../topology.js';

export const SERVERS = ['server1', 'server2', 'server3'] as const;

/** Both families of a virtual address. */
export interface Pair {
  readonly v4: string;
  readonly v6: string;
}

/** Each port of it is a service of its own. */
export const MAIN: Pair = { v4: VIP, v6: VIP6 };
/** Several ports of it are one service. */
export const MARKED: Pair = { v4: '203.0.113.11', v6: '2001:db8:113::11' };
/** All ports of it are one service. */
export const EVERY_PORT: Pair = { v4: '203.0.113.12', v6: '2001:db8:113::12' };

/** The second is one that nobody could know for FTP's. */
export const FTP_PORTS: readonly number[] = [21, 2121];

interface Service {
  readonly what: string;
  /** As `virtual_server` names it. */
  readonly head: (family: Family) => string;
  readonly options: readonly string[];
  /** 0: the one the client asked for. */
  readonly serverPort: number;
  /** Where to ask whether the server is there, if not on `serverPort`. */
  readonly checkPort?: number;
}

export type Family = 4 | 6;
const FAMILIES: readonly Family[] = [4, 6];

const WEB_MARK = 80;
const IPERF_MARK = 5201;
const PERSISTENT = 'persistence_timeout 300';

const SERVICES: readonly Service[] = [
  { what: 'nginx', ...onPort('TCP', 80), serverPort: 8080 },
  { what: 'nginx, which ends the TLS that passes through', ...onPort('TCP', 443), serverPort: 443 },
  { what: 'sshd', ...onPort('TCP', 22), serverPort: 2222 },
  { what: 'dnsmasq', ...onPort('TCP', 53), serverPort: 53 },
  { what: 'dnsmasq', ...onPort('UDP', 53), serverPort: 53, checkPort: 8080 },
  { what: 'vsftpd', ...onPort('TCP', 21), serverPort: 21 },
  { what: 'vsftpd on another port', ...onPort('TCP', 2121, 'natlb { helper ftp }'), serverPort: 21 },
  { what: 'nginx: both ports on one server', ...ofMark(WEB_MARK, 'TCP'), serverPort: 0, checkPort: 8080 },
  // A test of iperf3 is a control connection and data connections, and a look at its port would be taken for one.
  { what: 'iperf3: TCP and UDP on one server', ...ofMark(IPERF_MARK, 'TCP'), serverPort: 0, checkPort: 8080 },
  { what: 'everything over TCP', ...onEveryPort('TCP'), serverPort: 0, checkPort: 8080 },
  { what: 'everything over UDP', ...onEveryPort('UDP'), serverPort: 0, checkPort: 8080 },
];

type Named = Pick<Service, 'head' | 'options'>;

function onPort(protocol: string, port: number, ...options: string[]): Named {
  return { head: (family) => `${of(MAIN, family)} ${port}`, options: [`protocol ${protocol}`, ...options] };
}

function ofMark(mark: number, protocol: string): Named {
  return { head: () => `fwmark ${mark}`, options: [`protocol ${protocol}`, PERSISTENT] };
}

function onEveryPort(protocol: string): Named {
  return { head: (family) => of(EVERY_PORT, family), options: [`protocol ${protocol}`, PERSISTENT] };
}

export function keepalivedConf(privateInterface: string): string {
  return [
    '! Services for real programs: every one in IPv4 and IPv6.',
    marks(),
    ...instances(privateInterface),
    ...SERVICES.flatMap((service) => FAMILIES.map((family) => virtualServer(service, family))),
  ].join('\n');
}

function marks(): string {
  const lines = (...ports: string[]) => [MARKED.v4, MARKED.v6].flatMap((address) => ports.map((port) => `        ${address} ${port}`));
  return `natlb {
    firewall_mark ${WEB_MARK} {
${lines('tcp 80,443').join('\n')}
    }
    firewall_mark ${IPERF_MARK} {
${lines('tcp 5201', 'udp 5201').join('\n')}
    }
}
`;
}

/** Priority 255 owns its addresses and waits for nobody. */
function instances(privateInterface: string): string[] {
  const served = [MAIN, MARKED, EVERY_PORT];
  const rows = [
    { name: 'PUBLIC', interface: 'eth0', id: 50, version: 2, addresses: served.map(({ v4 }) => v4) },
    { name: 'PRIVATE', interface: privateInterface, id: 51, version: 2, addresses: [NAT_VIP] },
    { name: 'PUBLIC6', interface: 'eth0', id: 60, version: 3, addresses: served.map(({ v6 }) => v6) },
    { name: 'PRIVATE6', interface: privateInterface, id: 61, version: 3, addresses: [NAT_VIP6] },
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

function virtualServer(service: Service, family: Family): string {
  const options = [`ip_family ${family === 4 ? 'inet' : 'inet6'}`, 'delay_loop 1', 'lb_algo rr', 'lb_kind NAT', ...service.options];
  return `! ${service.what}
virtual_server ${service.head(family)} {
    ${options.join('\n    ')}
${SERVERS.map((_, n) => realServer(service, family === 4 ? `10.11.12.${n + 1}` : `fd00:11:12::${n + 1}`)).join('\n')}
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

function of(pair: Pair, family: Family): string {
  return family === 4 ? pair.v4 : pair.v6;
}

/** Of a pair, the one that talks to this address. */
export function likewise(pair: Pair, address: string): string {
  return address.includes(':') ? pair.v6 : pair.v4;
}
