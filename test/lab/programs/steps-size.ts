// Steps in which one link is narrower than what both ends believe: they must be told, by the router or through it (RFC 1191, RFC 8201).

import { run } from '../process.js';
import { type Outcome, sentence } from '../report.js';
import { type Host, ip, NAT_VIP, NAT_VIP6, setOffloads } from '../topology.js';
import type { ProgramsLab } from './lab.js';
import { CLIENT, FAR, MAIN, type Pair, SERVERS } from './services.js';
import { eachWay } from './steps-web.js';
import { summed } from './transfer.js';

const WHOLE = 1500;
const NARROW = 1400;
const NARROWER = 1300;

/** The segments both ends are made to offer: those of a link of 1500, whatever theirs is. */
const OFFERED = { v4: `advmss ${WHOLE - 40}`, v6: `advmss ${WHOLE - 60}` };

/** The servers' side is narrower: the router tells the client. */
export async function privateSide(lab: ProgramsLab): Promise<Outcome> {
  const servers = SERVERS.map((name) => lab.network.host(name));
  const offers = servers.map((host): Offer => ({ host, v4: `default via ${NAT_VIP}`, v6: `default via ${NAT_VIP6}` }));
  return narrowed(lab, {
    links: [[lab.router.host, 'eth1'], ...servers.map((host) => [host, 'eth0'] as const)],
    mtu: NARROW,
    offers,
    from: lab.client,
    learners: [{ host: lab.client, about: MAIN }],
  });
}

/** The clients' side is narrower: the router tells the servers. */
export async function publicSide(lab: ProgramsLab): Promise<Outcome> {
  return narrowed(lab, {
    links: [
      [lab.router.host, 'eth0'],
      [lab.client, 'eth0'],
    ],
    mtu: NARROW,
    offers: [{ host: lab.client, v4: `${MAIN.v4} dev eth0`, v6: `${MAIN.v6} dev eth0` }],
    from: lab.client,
    learners: SERVERS.map((name) => ({ host: lab.network.host(name), about: CLIENT })),
  });
}

/** A link beyond the router is narrower: another router tells the service's address, and natlb the server behind it. */
export async function farSide(lab: ProgramsLab): Promise<Outcome> {
  return narrowed(lab, {
    links: [
      [lab.client, 'eth1'],
      [lab.far, 'eth0'],
    ],
    mtu: NARROWER,
    offers: [{ host: lab.far, v4: 'default via 198.51.100.1', v6: 'default via 2001:db8:51::1' }],
    from: lab.far,
    learners: SERVERS.map((name) => ({ host: lab.network.host(name), about: FAR })),
  });
}

/** A host's routes, without what it offers over them. */
interface Offer {
  readonly host: Host;
  readonly v4: string;
  readonly v6: string;
}

interface Narrow {
  readonly links: readonly (readonly [Host, string])[];
  readonly mtu: number;
  readonly offers: readonly Offer[];
  readonly from: Host;
  /** Who must know the MTU at the end, of the way to which address. */
  readonly learners: readonly { readonly host: Host; readonly about: Pair }[];
}

/** Every server has a download and an upload over each family: with super-packets, and packet by packet as wires have them. */
async function narrowed(lab: ProgramsLab, narrow: Narrow): Promise<Outcome> {
  const offloadsOn = await learned(lab, narrow, 'on');
  const offloadsOff = await learned(lab, narrow, 'off');
  return { ok: offloadsOn.ok && offloadsOff.ok, measured: { offloadsOn: offloadsOn.said, offloadsOff: offloadsOff.said } };
}

async function learned(lab: ProgramsLab, narrow: Narrow, offloads: 'on' | 'off'): Promise<{ ok: boolean; said: string }> {
  const senders = [narrow.from, ...SERVERS.map((name) => lab.network.host(name))];
  await set(narrow, narrow.mtu, OFFERED);
  await setOffloads(senders, offloads);
  try {
    const { ok, measured } = summed(await eachWay(lab, 'http', SERVERS.length, narrow.from), SERVERS);
    const known = await mtusKnown(narrow);
    return { ok: ok && known.every((mtu) => mtu === narrow.mtu), said: `${sentence(measured)}; MTU known ${known.join(' ')}` };
  } finally {
    await setOffloads(senders, 'on');
    await set(narrow, WHOLE, { v4: '', v6: '' });
    await forget(narrow);
  }
}

function mtusKnown({ learners }: Narrow): Promise<number[]> {
  const ways = learners.flatMap(({ host, about }) => [about.v4, about.v6].map((address) => ({ host, address })));
  return Promise.all(ways.map(({ host, address }) => knownMtu(host, address)));
}

/** What the host has learned about the way to an address, by ICMP; 0 if nothing. */
async function knownMtu({ namespace }: Host, address: string): Promise<number> {
  const route = await run(['ip', 'route', 'get', address], { namespace });
  return Number(/ mtu (\d+)/.exec(route)?.[1] ?? 0);
}

async function set({ links, offers }: Narrow, mtu: number, offered: Pair): Promise<void> {
  for (const [{ namespace }, name] of links) await ip(namespace, [`link set ${name} mtu ${mtu}`]);
  for (const { host, v4, v6 } of offers) {
    await setRoute(host, '-4', `${v4} ${offered.v4}`);
    await setRoute(host, '-6', `${v6} ${offered.v6}`);
  }
}

async function setRoute({ namespace }: Host, family: '-4' | '-6', route: string): Promise<void> {
  await run(['ip', family, 'route', 'replace', ...route.split(' ').filter(Boolean)], { namespace });
}

async function forget({ learners }: Narrow): Promise<void> {
  for (const { host } of learners) {
    for (const family of ['-4', '-6']) await run(['ip', family, 'route', 'flush', 'cache'], { namespace: host.namespace });
  }
}
