// Steps about the router itself: its start, what leaks out of it, its counters, its health at the end.

import { parseMetrics, sumOf } from '../metrics-text.js';
import { run, until } from '../process.js';
import type { Outcome } from '../report.js';
import type { ProgramsLab } from './lab.js';

export async function start(lab: ProgramsLab): Promise<Outcome> {
  await watchForLeaks(lab);
  const startedMs = Date.now();
  await lab.router.start();
  const { dataplane } = await lab.router.statusWhen(
    'it is master and every real server is up',
    20_000,
    ({ instances, virtualServers }) =>
      instances.every(({ state }) => state === 'master') &&
      virtualServers.every((service) => service.realServers.every((server) => server.up)),
  );
  const backend = dataplane.stats && `${dataplane.stats.backend} (${dataplane.stats.backendReason})`;
  return { ok: true, measured: { readyAfterMs: Date.now() - startedMs, backend } };
}

/** The client counts what comes from the servers' own addresses: it must never hear of them. */
async function watchForLeaks(lab: ProgramsLab): Promise<void> {
  const rules = `table inet leaks {
    chain arriving {
        type filter hook prerouting priority -300
        iifname eth0 ip saddr 10.11.12.0/24 counter
        iifname eth0 ip6 saddr fd00:11:12::/64 counter
    }
}
`;
  await run(['nft', '-f', '-'], { namespace: lab.client.namespace, input: rules });
}

export async function noLeak(lab: ProgramsLab): Promise<Outcome> {
  const listing = await run(['nft', 'list', 'table', 'inet', 'leaks'], { namespace: lab.client.namespace });
  const leaked = [...listing.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
  return { ok: leaked.length === 2 && leaked.every((packets) => packets === 0), measured: { leaked: leaked.map(String) } };
}

/** Packets under way have no verdict yet, so the sums are compared until a scrape finds none. */
export async function metrics(lab: ProgramsLab): Promise<Outcome> {
  return until('the verdicts add up to the packets received', 10_000, async () => {
    const samples = parseMetrics(await lab.router.metrics());
    const received = sumOf(samples, 'natlb_packets_received_total');
    const verdicts = sumOf(samples, 'natlb_packets_total');
    if (received !== verdicts) throw new Error(`${received} packets received, ${verdicts} verdicts`);
    const dropped = samples.filter(({ name, labels, value }) => name === 'natlb_packets_total' && labels.fate === 'dropped' && value > 0);
    return {
      ok: received > 0,
      measured: { received, dropped: dropped.map(({ labels, value }) => `${labels.verdict} ${value}`) },
    };
  });
}

export async function nothingCrashed(lab: ProgramsLab): Promise<Outcome> {
  const { restarts } = (await lab.router.status()).dataplane;
  const ended = lab.ended();
  return {
    ok: lab.router.crashed === undefined && restarts === 0 && ended.length === 0,
    measured: { crashed: lab.router.crashed, dataplaneRestarts: restarts, ended },
  };
}
