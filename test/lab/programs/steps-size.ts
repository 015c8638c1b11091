// Steps in which one link is narrower than what both ends believe: they must be told, by the router or through it (RFC 1191, RFC 8201).

import { run } from '../process.js';
import { type Outcome, sentence } from '../report.js';
import { type Host, ip, NAT_VIP, NAT_VIP6, setOffloads } from '../topology.js';
import type { Caller, ProgramsLab } from './lab.js';
import { MAIN, type Pair, SERVERS } from './services.js';
import { bigDatagramsIpv4 } from './steps-iperf.js';
import { eachWay } from './steps-web.js';
import { summed } from './transfer.js';

const WHOLE = 1500;
const NARROW = 1400;
const NARROWER = 1300;

/** The segments both ends are made to offer: those of a link of 1500, whatever theirs is. */
const OFFERED = { v4: `advmss ${WHOLE - 40}`, v6: `advmss ${WHOLE - 60}` };

/** The router tells the client. */
export async function privateSide(lab: ProgramsLab): Promise<Outcome> {
  return bothLearn(lab, privateNarrow(lab));
}

/** The router tells the servers. */
export async function publicSide(lab: ProgramsLab): Promise<Outcome> {
  return bothLearn(lab, publicNarrow(lab));
}

/** Another router tells the service's address, and natlb the server behind it. */
export async function farSide(lab: ProgramsLab): Promise<Outcome> {
  return bothLearn(lab, {
    links: [
      [lab.client, 'eth1'],
      [lab.far, 'eth0'],
    ],
    mtu: NARROWER,
    offers: [{ host: lab.far, v4: 'default via 198.51.100.1', v6: 'default via 2001:db8:51::1' }],
    from: lab.far,
    learners: SERVERS.map((name) => ({ host: lab.network.host(name), about: lab.far })),
  });
}

/** IPv4 fragments of 1500 bytes do not forbid to be cut again: the router does so, and nobody has to learn anything (RFC 791). */
export async function cutAgain(lab: ProgramsLab): Promise<Outcome> {
  const up = await within(privateNarrow(lab), 'on', () => bigDatagramsIpv4(lab, 'up'));
  const down = await within(publicNarrow(lab), 'on', () => bigDatagramsIpv4(lab, 'down'));
  return { ok: up.ok && down.ok, measured: { up: sentence(up.measured), down: sentence(down.measured) } };
}

function privateNarrow(lab: ProgramsLab): Narrow {
  const servers = SERVERS.map((name) => lab.network.host(name));
  return {
    links: [[lab.router.host, lab.router.host.addressed[1] ?? ''], ...servers.map((host) => [host, host.addressed[0] ?? ''] as const)],
    mtu: NARROW,
    offers: servers.map((host) => ({ host, v4: `default via ${NAT_VIP}`, v6: `default via ${NAT_VIP6}` })),
    from: lab.client,
    learners: [{ host: lab.client, about: MAIN }],
  };
}

function publicNarrow(lab: ProgramsLab): Narrow {
  return {
    links: [
      [lab.router.host, 'eth0'],
      [lab.client, 'eth0'],
    ],
    mtu: NARROW,
    offers: [{ host: lab.client, v4: `${MAIN.v4} dev eth0`, v6: `${MAIN.v6} dev eth0` }],
    from: lab.client,
    learners: SERVERS.map((name) => ({ host: lab.network.host(name), about: lab.client })),
  };
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
  readonly from: Caller;
  /** Who must know the MTU at the end, of the way to which address. */
  readonly learners: readonly { readonly host: Host; readonly about: Pair }[];
}

async function bothLearn(lab: ProgramsLab, narrow: Narrow): Promise<Outcome> {
  const offloadsOn = await within(narrow, 'on', () => learned(lab, narrow));
  const offloadsOff = await within(narrow, 'off', () => learned(lab, narrow));
  return {
    ok: offloadsOn.ok && offloadsOff.ok,
    measured: { offloadsOn: sentence(offloadsOn.measured), offloadsOff: sentence(offloadsOff.measured) },
  };
}

/** With super-packets, or packet by packet as wires have them. Afterwards all links are wide again, and everything learned is forgotten. */
async function within(narrow: Narrow, offloads: 'on' | 'off', action: () => Promise<Outcome>): Promise<Outcome> {
  const senders = [narrow.from, ...narrow.offers.map(({ host }) => host), ...narrow.learners.map(({ host }) => host)];
  await set(narrow, narrow.mtu, OFFERED);
  await setOffloads(senders, offloads);
  try {
    return await action();
  } finally {
    await setOffloads(senders, 'on');
    await set(narrow, WHOLE, { v4: '', v6: '' });
    await forget(narrow);
  }
}

/** Every server has a download and an upload over each family. */
async function learned(lab: ProgramsLab, narrow: Narrow): Promise<Outcome> {
  const { ok, measured } = summed(await eachWay(lab, 'http', SERVERS.length, narrow.from), SERVERS);
  const known = await mtusKnown(narrow);
  return { ok: ok && known.every((mtu) => mtu === narrow.mtu), measured: { ...measured, mtuKnown: known.map(String) } };
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
