// Steps of the story in which an operator changes the configuration, looks around and measures.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, natlb } from './lab.js';
import { parseMetrics, sumOf } from './metrics-text.js';
import { until } from './process.js';
import { Prometheus } from './prometheus.js';
import type { Outcome } from './report.js';
import { METRICS_ADDRESS, NatlbRouter, type Router } from './router.js';
import { evenly, LOAD_PER_SECOND, URL4 } from './steps-serving.js';
import { VIP } from './topology.js';

const FOUR_SERVERS = ['server1', 'server2', 'server3', 'server4'];
const RELOAD_LIMIT_MS = 10_000;

const FOURTH_SERVER = `    real_server 10.11.12.4 8080 {
        TCP_CHECK {
            connect_timeout 3
        }
    }
`;

/** A service whose block never ends, and a keyword nobody knows. */
const NONSENSE = 'virtual_server 203.0.113.10 81 {\n    lb_algorithm rr\n';

export async function serverAdded(lab: Lab): Promise<Outcome> {
  const load = lab.client.load(URL4, LOAD_PER_SECOND);
  try {
    await load.flowing();
    for (const router of [lab.active, lab.standby]) reloadWith(router, withFourthServer);
    await natlb(lab.active).statusWhen('the fourth server is up', RELOAD_LIMIT_MS, ({ virtualServers }) =>
      virtualServers.some(({ realServers }) => realServers.some(({ address, up }) => address === '10.11.12.4' && up)),
    );
    await load.flowing();
    const { failed, failures } = await load.stop();
    const { ok, measured } = evenly(await lab.client.count(URL4, 40), FOUR_SERVERS);
    return { ok: ok && failed === 0, measured: { ...measured, failedDuringReload: failed, failures: failed > 0 ? failures : undefined } };
  } finally {
    await load.stop();
  }
}

export async function badReload(lab: Lab): Promise<Outcome> {
  const good = readFileSync(lab.active.configFile, 'utf8');
  const { failedReloads } = (await natlb(lab.active).status()).config;
  reloadWith(lab.active, (text) => text + NONSENSE);
  const refused = await natlb(lab.active).statusWhen(
    'the reload failed',
    RELOAD_LIMIT_MS,
    ({ config }) => config.failedReloads > failedReloads,
  );
  const { ok, measured } = evenly(await lab.client.count(URL4, 40), FOUR_SERVERS);
  reloadWith(lab.active, () => good);
  await natlb(lab.active).statusWhen('the mended file was loaded', RELOAD_LIMIT_MS, ({ config }) => config.lastReloadSuccessful);
  return { ok: ok && !refused.config.lastReloadSuccessful, measured: { refused: !refused.config.lastReloadSuccessful, ...measured } };
}

/** Packets under way have no verdict yet, so the sums are compared until a scrape finds none. */
export async function metrics(lab: Lab): Promise<Outcome> {
  const measured = await until('the verdicts add up to the packets received', 10_000, async () => {
    const samples = parseMetrics(await natlb(lab.active).metrics());
    const received = sumOf(samples, 'natlb_packets_received_total');
    const verdicts = sumOf(samples, 'natlb_packets_total');
    if (received !== verdicts) throw new Error(`${received} packets received, ${verdicts} verdicts`);
    return { series: samples.length, received, verdicts, connections: sumOf(samples, 'node_ipvs_connections_total') };
  });
  return { ok: measured.received > 0 && measured.connections > 0, measured };
}

/** Twice: a counter that Prometheus sees grow is a counter it understands. */
export async function prometheus(lab: Lab): Promise<Outcome> {
  const { host, runDir } = natlb(lab.active);
  const scraper = new Prometheus(host.namespace, join(runDir, '../prometheus'), METRICS_ADDRESS);
  try {
    const connections = 'node_ipvs_connections_total';
    const before = await scraper.value(connections);
    await lab.client.count(URL4, 40);
    const after = await scraper.value(`${connections} >= ${before + 40}`);
    const up = await scraper.value('up{job="natlb"}');
    const master = await scraper.value('sum(natlb_vrrp_state{state="master"})');
    return {
      ok: up === 1 && after >= before + 40 && master === 4,
      measured: { up, connectionsBefore: before, connectionsAfter: after, master },
    };
  } finally {
    await scraper.stop();
  }
}

export async function ipvsadm(lab: Lab): Promise<Outcome> {
  const shown = await natlb(lab.active).ask('ipvsadm', '-Ln');
  const lines = shown.split('\n').map((line) => line.trim());
  const service = lines.indexOf(`TCP  ${VIP}:80 rr`);
  const servers = lines.slice(service + 1, service + 5).filter((line) => /^-> 10\.11\.12\.[1-4]:8080 +Masq +1 /.test(line)).length;
  return { ok: service >= 0 && servers === 4, measured: { servers }, shown };
}

export async function status(lab: Lab): Promise<Outcome> {
  const shown = await natlb(lab.active).ask('status');
  const missing = ['PUBLIC', 'PRIVATE', VIP, '10.11.12.1'].filter((word) => !shown.includes(word));
  return { ok: missing.length === 0, measured: { missing }, shown };
}

/** The active router was started anew since its data plane was killed, the standby never was: neither should have restarted anything. */
export async function nobodyCrashed(lab: Lab): Promise<Outcome> {
  const routers = [lab.active, lab.standby];
  const crashed = routers
    .filter((router) => router.crashed !== undefined)
    .map(({ host, crashed }) => `${host.name} (exit status ${crashed})`);
  const natlbs = routers.filter((router) => router instanceof NatlbRouter);
  const restarts = await Promise.all(natlbs.map(async (router) => (await router.status()).dataplane.restarts));
  return {
    ok: crashed.length === 0 && restarts.every((count) => count === 0),
    measured: { crashed, dataplaneRestarts: restarts.join(', ') },
  };
}

function reloadWith(router: Router, edit: (config: string) => string): void {
  writeFileSync(router.configFile, edit(readFileSync(router.configFile, 'utf8')));
  router.reload();
}

/** At the end of the HTTP service, which is the first that is followed by the UDP one. */
function withFourthServer(config: string): string {
  const edited = config.replace('}\n\n! UDP echo', `${FOURTH_SERVER}}\n\n! UDP echo`);
  if (edited === config) throw new Error('found no place for the fourth server in the configuration');
  return edited;
}
