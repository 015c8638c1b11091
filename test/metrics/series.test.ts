// What stands on the metrics page for a given status: names, labels, sums, and what must not stand there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessReading } from '../../control/metrics/metric.js';
import { collect, METRICS } from '../../control/metrics/series.js';
import type { Status } from '../../control/status.js';
import { SERVICES, STATS, STATUS, withoutDataplane } from '../cli/sample-status.js';
import { named, type Page, readPage, sum } from './page.js';
import { promtool, WITHOUT_PROMTOOL } from './promtool.js';

const READING: ProcessReading = {
  userCpuSeconds: 1.5,
  systemCpuSeconds: 0.5,
  residentBytes: 50_000_000,
  openFiles: 20,
  openFilesLimit: 1024,
  nodeVersion: 'v20.20.0',
  loopLagSeconds: 0.001,
};

async function text(status: Status): Promise<string> {
  return collect({ status, process: READING }).metrics();
}

async function page(status: Status): Promise<Page> {
  return readPage(await text(status));
}

const full = await page(STATUS);

const IDLE: Status = { ...STATUS, instances: [], virtualServers: [], dataplane: { state: 'starting', restarts: 0 } };

for (const [name, status] of [
  ['in full work', STATUS],
  ['without a data plane', withoutDataplane(STATUS)],
  ['with nothing configured', IDLE],
] as const) {
  test(`metrics: promtool has nothing to say about a page ${name}`, { skip: WITHOUT_PROMTOOL }, async () => {
    assert.equal(promtool(await text(status)), '');
  });
}

test('metrics: promtool does complain about a bad page', { skip: WITHOUT_PROMTOOL }, () => {
  assert.match(promtool('# HELP natlb_x_total x\n# TYPE natlb_x_total gauge\nnatlb_x_total 1\n'), /natlb_x_total/);
});

test('metrics: every metric is on a full page', () => {
  const missing = METRICS.filter(({ name }) => named(full, name).size === 0);
  assert.deepEqual(missing, []);
});

test('metrics: the packets of all verdicts are the packets received', () => {
  assert.equal(sum(named(full, 'natlb_packets_total')), full.get('natlb_packets_received_total'));
  assert.equal(full.get('natlb_packets_received_total'), STATS.received);
});

test('metrics: every verdict is there, zeros included', () => {
  const verdicts = STATS.verdicts.map(({ verdict, fate }) => `natlb_packets_total{verdict="${verdict}",fate="${fate}"}`);
  assert.deepEqual([...named(full, 'natlb_packets_total').keys()], verdicts);
  assert.equal(full.get('natlb_packets_total{verdict="malformed",fate="dropped"}'), 0);
});

test("metrics: node_exporter's ipvs metrics have its names and labels exactly", () => {
  const ipvs = new Map([...full].filter(([series]) => series.startsWith('node_ipvs_')));
  const [first] = SERVICES[0]!.destinations;
  const labels = 'local_address="203.0.113.10",local_port="80",proto="TCP",local_mark="",remote_address="10.11.12.1",remote_port="8080"';
  assert.deepEqual(
    Object.fromEntries([...ipvs].filter(([series]) => !series.includes('{') || series.includes('remote_address="10.11.12.1"'))),
    {
      node_ipvs_connections_total: STATS.total.connections,
      node_ipvs_incoming_packets_total: STATS.total.packetsIn,
      node_ipvs_outgoing_packets_total: STATS.total.packetsOut,
      node_ipvs_incoming_bytes_total: STATS.total.bytesIn,
      node_ipvs_outgoing_bytes_total: STATS.total.bytesOut,
      [`node_ipvs_backend_connections_active{${labels}}`]: first!.active,
      [`node_ipvs_backend_connections_inactive{${labels}}`]: first!.inactive,
      [`node_ipvs_backend_weight{${labels}}`]: first!.weight,
    },
  );
  assert.equal(ipvs.size, 5 + 3 * 3, 'three destinations in all');
});

test("metrics: keepalived's exporters' names and labels are there", () => {
  const labels = 'iname="VI_public",intf="eth0",vrid="51"';
  assert.equal(full.get(`keepalived_vrrp_state{${labels},ip_address="203.0.113.10/24"}`), 2);
  assert.equal(full.get(`keepalived_advertisements_sent_total{${labels}}`), 120);
  assert.equal(full.get('keepalived_vrrp_advert_sent{name="VI_public",intf="eth0",vrid="51",state="2"}'), 120);
  assert.equal(full.get('keepalived_lvs_vip_conn{addr="203.0.113.10:80",proto="TCP"}'), 30);
  assert.equal(full.get('keepalived_lvs_rs_in_packets{addr="10.11.12.1:8080",proto="TCP"}'), 200);
});

test('metrics: a VRRP instance is in exactly one state', () => {
  const states = named(full, 'natlb_vrrp_state');
  assert.equal(states.size, STATUS.instances.length * 4);
  assert.equal(sum(states), STATUS.instances.length);
  assert.equal(full.get('natlb_vrrp_state{instance="VI_public",interface="eth0",vrid="51",state="master"}'), 1);
  assert.equal(full.get('natlb_vrrp_state{instance="VI_6",interface="eth1",vrid="52",state="fault"}'), 1);
});

test('metrics: every counter of a VRRP instance is on the page once', () => {
  const numbered = Object.keys(STATUS.instances[0]!.counters).map((name, at) => [name, at + 1] as const);
  const instance = {
    ...STATUS.instances[0]!,
    counters: Object.fromEntries(numbered) as unknown as Status['instances'][number]['counters'],
  };
  return page({ ...STATUS, instances: [instance] }).then((one) => {
    const values = [...one].filter(([series]) => /^natlb_vrrp_.*_total\{/.test(series)).map(([, value]) => value);
    assert.deepEqual(
      values.sort((a, b) => a - b),
      numbered.map(([, value]) => value),
    );
  });
});

const SINGLE = [
  ['natlb_config_last_reload_successful', 0],
  ['natlb_config_last_reload_success_timestamp_seconds', STATUS.config.lastReloadSuccessMs / 1000],
  ['natlb_config_reloads_total', 4],
  ['natlb_config_reload_failures_total', 1],
  ['natlb_dataplane_up', 1],
  ['natlb_dataplane_restarts_total', 1],
  ['natlb_worker_rounds_total', 987_654],
  ['natlb_flows', 18],
  ['natlb_flows_max', 1_048_576],
  ['natlb_flow_table_bytes', 117_440_512],
  ['natlb_build_info{version="0.1.0",node_version="v20.20.0"}', 1],
  ['natlb_device_receive_lost_total{device="eth1",queue="0"}', 9],
  ['natlb_service_connections_total{service="[203.0.113.10]:tcp:80",virtual_address="203.0.113.10",virtual_port="80",proto="tcp"}', 30],
  ['natlb_service_quorum_up{service="[203.0.113.10]:tcp:80",virtual_address="203.0.113.10",virtual_port="80",proto="tcp"}', 1],
  [
    'natlb_destination_up{service="[203.0.113.10]:tcp:80",virtual_address="203.0.113.10",virtual_port="80",proto="tcp",address="10.11.12.3",port="8080"}',
    0,
  ],
  [
    'natlb_destination_weight{service="[203.0.113.10]:tcp:80",virtual_address="203.0.113.10",virtual_port="80",proto="tcp",address="10.11.12.1",port="8080"}',
    3,
  ],
  [
    'natlb_destination_failed_checks_total{service="[203.0.113.10]:tcp:80",virtual_address="203.0.113.10",virtual_port="80",proto="tcp",address="10.11.12.3",port="8080"}',
    40,
  ],
  [
    'natlb_vrrp_last_transition_timestamp_seconds{instance="VI_public",interface="eth0",vrid="51"}',
    STATUS.instances[0]!.lastTransitionMs / 1000,
  ],
  ['process_cpu_seconds_total', 2],
] as const;

for (const [series, value] of SINGLE) test(`metrics: ${series} is ${value}`, () => assert.equal(full.get(series), value));

test('metrics: an address spelled by an operator carries the label of the data plane', () => {
  assert.equal(
    full.get('natlb_service_quorum_up{service="[2001:db8::10]:udp:53",virtual_address="2001:db8::10",virtual_port="53",proto="udp"}'),
    0,
  );
});

const MARKED: Status = {
  ...STATUS,
  virtualServers: [
    { ...STATUS.virtualServers[0]!, name: 'FWM 80', identity: { kind: 'fwmark', mark: 80, family: 4 } },
    { ...STATUS.virtualServers[1]!, name: '[web]:tcp', identity: { kind: 'group', group: 'web', protocol: 'tcp' } },
  ],
  dataplane: {
    ...STATUS.dataplane,
    stats: {
      ...STATS,
      services: [
        { ...SERVICES[0]!, name: 'FWM 80' },
        { ...SERVICES[1]!, name: '[web]:tcp' },
        { ...SERVICES[1]!, name: 'just removed' },
      ],
    },
  },
};

test('metrics: services of a mark and of a group are named, and have no address', async () => {
  const marked = await page(MARKED);
  const labels = 'virtual_address="",virtual_port="",proto=';
  assert.equal(marked.get(`natlb_service_connections_total{service="FWM 80",${labels}"fwm"}`), 30);
  assert.equal(marked.get(`natlb_service_quorum{service="FWM 80",${labels}"fwm"}`), 1);
  assert.equal(marked.get(`natlb_destination_flows{service="[web]:tcp",${labels}"tcp",address="fd00::1",port="53",state="inactive"}`), 1);
  assert.equal(named(marked, 'natlb_service_connections_total').size, 2, 'what is no more configured has no name to count under');
});

test("metrics: node_exporter's ipvs labels of a mark, and of a group", async () => {
  const series = [...(await page(MARKED)).keys()].filter((name) => name.startsWith('node_ipvs_backend_weight'));
  assert.deepEqual(series, [
    'node_ipvs_backend_weight{local_address="",local_port="0",proto="FWM",local_mark="00000050",remote_address="10.11.12.1",remote_port="8080"}',
    'node_ipvs_backend_weight{local_address="",local_port="0",proto="FWM",local_mark="00000050",remote_address="10.11.12.2",remote_port="8080"}',
    'node_ipvs_backend_weight{local_address="web",local_port="0",proto="TCP",local_mark="",remote_address="fd00::1",remote_port="53"}',
  ]);
});

test('metrics: without a data plane its series are gone, not zero, and health and VRRP stay', async () => {
  const dead = await page(withoutDataplane(STATUS));
  assert.equal(dead.get('natlb_dataplane_up'), 0);
  for (const name of ['natlb_packets_received_total', 'natlb_flows', 'node_ipvs_connections_total', 'node_ipvs_backend_weight']) {
    assert.equal(named(dead, name).size, 0, name);
  }
  assert.equal(sum(named(dead, 'natlb_vrrp_state')), 2);
  assert.equal(named(dead, 'natlb_destination_up').size, 4);
});

test('metrics: a destination that was removed leaves no series behind', async () => {
  const [first, second] = SERVICES;
  const fewer = { ...STATS, services: [{ ...first!, destinations: first!.destinations.slice(1) }, second!] };
  const after = await page({ ...STATUS, dataplane: { ...STATUS.dataplane, stats: fewer } });
  assert.ok([...full.keys()].some((series) => /natlb_destination_weight.*address="10\.11\.12\.1"/.test(series)));
  assert.equal(
    [...after.keys()].filter((series) => /(natlb_destination_weight|node_ipvs_backend).*address="10\.11\.12\.1"/.test(series)).length,
    0,
  );
});

test('metrics: a name with quotes, backslash and newline does not break the page', async () => {
  const [instance] = STATUS.instances;
  const strange = await text({ ...STATUS, instances: [{ ...instance!, name: 'a"b\\c\nd' }] });
  assert.match(strange, /natlb_vrrp_priority\{instance="a\\"b\\\\c\\nd",/);
});
