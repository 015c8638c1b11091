// Steps of the story in which the active router serves: balancing, large and small transfers, ping, a server that dies and returns.

import type { Count } from './client.js';
import { type Lab, natlb } from './lab.js';
import type { Outcome } from './report.js';
import { type Host, NAT_VIP, setOffloads, VIP, VIP6 } from './topology.js';
import { ping } from './traffic.js';

export const URL4 = `http://${VIP}`;
const URL6 = `http://[${VIP6}]`;
const DOWNLOAD_BYTES = 100_000_000;
const SERVERS = ['server1', 'server2', 'server3'];

/** Requests per second of a load: a gap is known to a hundredth of a second. */
export const LOAD_PER_SECOND = 100;

export async function start(lab: Lab): Promise<Outcome> {
  const startedMs = Date.now();
  await Promise.all([lab.standby.start(), lab.active.start()]);
  await lab.holders.onlyAt('active', 20_000);
  const { dataplane } = await natlb(lab.active).statusWhen('every real server is up', 20_000, (status) =>
    status.virtualServers.every((service) => service.realServers.every((server) => server.up)),
  );
  const backend = dataplane.stats && `${dataplane.stats.backend} (${dataplane.stats.backendReason})`;
  return { ok: true, measured: { readyAfterMs: Date.now() - startedMs, backend } };
}

export async function spread(lab: Lab): Promise<Outcome> {
  return evenly(await lab.client.count(URL4, 30), SERVERS);
}

export async function spreadIpv6(lab: Lab): Promise<Outcome> {
  return evenly(await lab.client.count(URL6, 30), SERVERS);
}

export async function stay(lab: Lab): Promise<Outcome> {
  const { asked, answered, byServer } = await lab.client.countOnOneConnection(URL4, 10);
  return { ok: answered === asked && Object.keys(byServer).length === 1, measured: { asked, byServer } };
}

export async function echo(lab: Lab): Promise<Outcome> {
  return evenly(await lab.client.udpEcho(VIP, 7777, 30), SERVERS);
}

/** Every request answered, and round robin to the request: each server has exactly its share. */
export function evenly({ asked, answered, byServer, failures }: Count, servers: readonly string[]): Outcome {
  const even = servers.every((name) => byServer[name] === asked / servers.length);
  return { ok: even && answered === asked, measured: { asked, byServer, failures: answered < asked ? failures : undefined } };
}

export async function download(lab: Lab): Promise<Outcome> {
  const { bytes, intact, tookMs } = await lab.client.download(URL4, DOWNLOAD_BYTES);
  return { ok: intact, measured: { bytes, intact, tookMs, rateMBps: Math.round(bytes / tookMs / 1000) } };
}

export async function downloadWithoutOffloads(lab: Lab): Promise<Outcome> {
  const hosts = ['client', ...SERVERS].map((name): Host => lab.network.host(name));
  await setOffloads(hosts, 'off');
  try {
    return await download(lab);
  } finally {
    await setOffloads(hosts, 'on');
  }
}

export async function pings(lab: Lab): Promise<Outcome> {
  const [client, server] = [lab.network.host('client'), lab.network.host('server1')];
  const ways = { vip: [client, VIP], vipIpv6: [client, VIP6], natVip: [server, NAT_VIP], routersOwn: [server, '10.11.12.9'] } as const;
  const replies = await Promise.all(Object.entries(ways).map(async ([name, [from, to]]) => [name, await ping(from, to)] as const));
  const measured = Object.fromEntries(replies.map(([name, { sent, answered }]) => [name, `${answered}/${sent}`]));
  return { ok: replies.every(([, { sent, answered }]) => answered === sent), measured };
}

export async function serverDies(lab: Lab): Promise<Outcome> {
  const load = lab.client.load(URL4, LOAD_PER_SECOND);
  try {
    await load.flowing();
    const diedMs = Date.now();
    await lab.killServer('server2');
    await serverIs(lab, '10.11.12.2', false);
    const noticedMs = Date.now();
    await load.flowing();
    const during = await load.stop();
    const after = await lab.client.count(URL4, 30);
    return {
      ok: during.lastFailureSentMs <= noticedMs && evenly(after, ['server1', 'server3']).ok,
      measured: {
        noticedAfterMs: noticedMs - diedMs,
        failedBefore: during.failed,
        failedAfter: after.asked - after.answered,
        byServer: after.byServer,
      },
    };
  } finally {
    await load.stop();
  }
}

export async function serverReturns(lab: Lab): Promise<Outcome> {
  await lab.startServer('server2');
  const startedMs = Date.now();
  await serverIs(lab, '10.11.12.2', true);
  const { ok, measured } = evenly(await lab.client.count(URL4, 30), SERVERS);
  return { ok, measured: { noticedAfterMs: Date.now() - startedMs, ...measured } };
}

async function serverIs(lab: Lab, address: string, up: boolean): Promise<void> {
  await natlb(lab.active).statusWhen(`${address} is ${up ? 'up' : 'down'}`, 15_000, (status) =>
    status.virtualServers.every((service) => service.realServers.every((server) => server.address !== address || server.up === up)),
  );
}
