// The ipvsadm views against texts that ipvsadm 1.31 itself printed about IPVS of Linux 6.1 with the same services and traffic.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ask, ipvsadm, type Stream } from '../../control/cli/ipvsadm.js';
import {
  FLOW_TITLE,
  flowLine,
  type ListedDestination,
  type ListedService,
  savedList,
  serviceList,
  timeoutLine,
  versionLine,
} from '../../control/cli/ipvsadm-text.js';
import type { Answers } from '../../control/socket.js';
import type { VirtualServerStatus } from '../../control/status.js';
import type { FlowEntry, Protocol, ServiceIdentity, Traffic } from '../../dataplane/protocol.js';
import { EXPLANATION } from './handlers.js';
import { golden, recorder } from './recorder.js';
import { NO_TRAFFIC, STATS, STATUS, traffic, withoutDataplane } from './sample-status.js';

const PLAIN = { view: 'connections', exact: false, sort: true } as const;
const KERNEL_SIZE = 4096;

function service(name: string, scheduler: string, counts: Traffic, destinations: readonly ListedDestination[] = []): ListedService {
  const identity = identityOf(name);
  const listeners = identity.kind === 'address' ? [listener(identity.protocol, identity)] : [];
  const plain = { listeners, schedulerFlags: [], onePacket: false, rate: NO_TRAFFIC };
  return { name, identity, scheduler, ...plain, ...counts, destinations };
}

function identityOf(name: string): ServiceIdentity {
  const [kind = '', where = '', family = ''] = name.split(' ');
  if (kind === 'FWM') return { kind: 'fwmark', mark: Number(where), family: family === 'IPv6' ? 6 : 4 };
  return { kind: 'address', protocol: kind.toLowerCase() as Protocol, ...endpoint(where) };
}

function listener(protocol: Protocol, { address, port }: { readonly address: string; readonly port: number }, last = port) {
  return { address, protocol, firstPort: port, lastPort: port === 0 ? 65_535 : last };
}

function destination(where: string, weight: number, active = 0, inactive = 0, counts: Traffic = NO_TRAFFIC): ListedDestination {
  const still = { persistent: 0, upperThreshold: 0, lowerThreshold: 0, rate: NO_TRAFFIC };
  return { ...endpoint(where), weight, active, inactive, ...still, ...counts };
}

function endpoint(text: string): { readonly address: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  return { address: text.slice(0, at).replace(/[[\]]/g, ''), port: Number(text.slice(at + 1)) };
}

// In the order the kernel listed them, which is what --nosort shows.
const MANY: readonly ListedService[] = [
  service('UDP [::1]:53', 'rr', NO_TRAFFIC),
  service('UDP 20.0.113.10:53', 'rr', NO_TRAFFIC),
  service('UDP 203.0.113.10:53', 'rr', traffic(1, 1, 1, 29, 29), [destination('10.11.12.1:53', 1, 0, 1, traffic(1, 1, 1, 29, 29))]),
  service('TCP 192.0.2.1:80', 'rr', NO_TRAFFIC),
  service('TCP 10.0.0.1:80', 'rr', NO_TRAFFIC),
  service('TCP 9.0.0.1:80', 'rr', NO_TRAFFIC),
  service('TCP 203.0.113.10:80', 'rr', traffic(6, 24, 15, 1320, 820), [
    destination('9.11.12.100:8080', 0, 0, 0),
    destination('10.11.12.100:80', 0, 0, 0),
    destination('10.11.12.100:8080', 0, 0, 0),
    destination('10.11.12.2:8080', 100, 2, 0, traffic(2, 4, 0, 240, 0)),
    destination('10.11.12.1:8080', 1, 1, 1, traffic(2, 10, 7, 540, 384)),
    destination('10.11.12.3:8080', 1, 1, 1, traffic(2, 10, 8, 540, 436)),
  ]),
  service('TCP 203.0.113.10:443', 'wrr', NO_TRAFFIC),
  service('TCP [2001:db8::10]:80', 'rr', traffic(6, 18, 8, 1380, 596), [
    destination('[fd00::1:2:3:4:5]:8080', 1, 2, 0, traffic(2, 4, 0, 320, 0)),
    destination('[fd00::1]:8080', 1, 1, 1, traffic(2, 10, 8, 740, 596)),
    destination('[fd00::3]:8080', 1, 2, 0, traffic(2, 4, 0, 320, 0)),
  ]),
  service('TCP [2001:db8:1234:5678:9abc:def0:1234:5678]:8080', 'wrr', NO_TRAFFIC, [
    destination('[fd00:1234:5678:9abc:def0:1234:5678:9abc]:50080', 1, 0, 0),
  ]),
];

function wide(counts: Traffic): readonly ListedService[] {
  return [
    service('UDP [fd00::1]:53', 'rr', NO_TRAFFIC),
    service('UDP [8000::1]:53', 'rr', NO_TRAFFIC),
    service('UDP [7fff::1]:53', 'rr', NO_TRAFFIC),
    service('UDP 128.0.0.1:53', 'rr', NO_TRAFFIC),
    service('UDP 127.0.0.1:53', 'rr', NO_TRAFFIC),
    service('TCP 203.0.113.10:80', 'rr', counts, [destination('10.11.12.1:8080', 1, 0, 2, counts)]),
  ];
}

const KILO = wide(traffic(1, 1586, 3375, 82_543, 157_467_892));
const MEGA = wide(traffic(2, 7008, 21_498, 364_487, 1_164_346_632));

const LISTS = [
  { name: 'services are sorted as ipvsadm sorts them', file: 'ipvsadm-Ln.txt', services: MANY, options: PLAIN },
  { name: '--nosort keeps the order', file: 'ipvsadm-Ln--nosort.txt', services: MANY, options: { ...PLAIN, sort: false } },
  { name: '--stats shows traffic', file: 'ipvsadm-Ln--stats.txt', services: MANY, options: { ...PLAIN, view: 'stats' } },
  { name: 'over 10^8 counts in K', file: 'ipvsadm-Ln--stats-kilo.txt', services: KILO, options: { ...PLAIN, view: 'stats' } },
  { name: 'over 10^9 counts in M', file: 'ipvsadm-Ln--stats-mega.txt', services: MEGA, options: { ...PLAIN, view: 'stats' } },
  {
    name: '--exact shows all digits',
    file: 'ipvsadm-Ln--stats--exact.txt',
    services: KILO,
    options: { view: 'stats', exact: true, sort: true },
  },
  { name: 'addresses sort by signed difference', file: 'ipvsadm-Ln-sorted.txt', services: MEGA, options: PLAIN },
] as const;

for (const { name, file, services, options } of LISTS) {
  test(`ipvsadm: ${name}`, () => {
    assert.equal(versionLine(KERNEL_SIZE) + serviceList(services, options), golden(file));
  });
}

const SH_FLAGS = ['sh-port', 'sh-fallback'] as const;
const MH_FLAGS = ['mh-port', 'mh-fallback'] as const;

// The services that ipvsadm was given before it printed the files ipvsadm-kinds*.txt.
const KINDS: readonly ListedService[] = [
  {
    ...service('TCP 203.0.113.10:80', 'rr', NO_TRAFFIC, [
      { ...destination('10.11.12.1:8080', 3), upperThreshold: 100, lowerThreshold: 50 },
      destination('10.11.12.2:8080', 1),
    ]),
    persistence: { timeoutMs: 360_000, prefixLength: 32 },
  },
  {
    ...service('TCP 203.0.113.10:0', 'wlc', NO_TRAFFIC, [destination('10.11.12.1:0', 1)]),
    persistence: { timeoutMs: 300_000, prefixLength: 24 },
  },
  { ...service('TCP 203.0.113.10:443', 'sh', NO_TRAFFIC, [destination('10.11.12.1:443', 1)]), schedulerFlags: SH_FLAGS },
  { ...service('TCP 203.0.113.11:443', 'mh', NO_TRAFFIC), schedulerFlags: MH_FLAGS },
  { ...service('TCP 203.0.113.11:444', 'mh', NO_TRAFFIC), schedulerFlags: ['mh-fallback'] },
  { ...service('UDP 203.0.113.10:53', 'rr', NO_TRAFFIC, [destination('10.11.12.1:53', 2)]), onePacket: true },
  service('SCTP 203.0.113.10:9', 'lc', NO_TRAFFIC),
  {
    ...service('TCP [2001:db8::10]:80', 'wrr', NO_TRAFFIC, [destination('[fd00::1]:8080', 7)]),
    persistence: { timeoutMs: 50_000, prefixLength: 64 },
  },
  { ...service('TCP [2001:db8::10]:81', 'wrr', NO_TRAFFIC), persistence: { timeoutMs: 50_000, prefixLength: 128 } },
  { ...service('FWM 7', 'rr', NO_TRAFFIC, [destination('10.11.12.1:0', 1)]), persistence: { timeoutMs: 60_000, prefixLength: 32 } },
  { ...service('FWM 8 IPv6', 'rr', NO_TRAFFIC, [destination('[fd00::1]:0', 1)]), persistence: { timeoutMs: 60_000, prefixLength: 48 } },
];

test('ipvsadm: a group is saved as the services it stands for', () => {
  const group = {
    ...service('TCP 203.0.113.10:80', 'rr', NO_TRAFFIC, [destination('10.11.12.1:0', 1)]),
    identity: { kind: 'group', group: 'web', protocol: 'tcp' },
    listeners: [listener('tcp', { address: '203.0.113.10', port: 80 }, 81), listener('tcp', { address: '203.0.113.11', port: 0 })],
  } as const;
  const saved = ['203.0.113.10:80', '203.0.113.10:81', '203.0.113.11:0'].map((name) => {
    return `-A -t ${name} -s rr\n-a -t ${name} -r 10.11.12.1:0 -m -w 1\n`;
  });
  assert.equal(savedList([group], true), saved.join(''));
});

const FAST = traffic(123, 1234, 123_456_789, 987_654_321, 9_876_543_210);

test('ipvsadm: --rate shortens everything of a service, and of a destination only the bytes', () => {
  const services = [{ ...service('TCP 10.0.0.1:80', 'rr', NO_TRAFFIC, [{ ...destination('10.0.0.2:80', 1), rate: FAST }]), rate: FAST }];
  const lines = serviceList(services, { ...PLAIN, view: 'rate' }).split('\n');
  assert.equal(lines[2], 'TCP  10.0.0.1:80                       123     1234  123456K  987654K    9876M');
  assert.equal(lines[3], '  -> 10.0.0.2:80                       123     1234 123456789  987654K    9876M');
});

const LARGE = [
  [99_999_999, ' 99999999'],
  [100_000_000, '  100000K'],
  [999_999_999, '  999999K'],
  [1_000_000_000, '    1000M'],
  [99_999_999_999, '   99999M'],
  [100_000_000_000, '     100G'],
  [99_999_999_999_999, '   99999G'],
  [100_000_000_000_000, '     100T'],
] as const;

for (const [value, column] of LARGE) {
  test(`ipvsadm: ${value} is the column "${column}"`, () => {
    const list = serviceList([service('TCP 10.0.0.1:80', 'rr', traffic(0, 0, 0, 0, value))], { ...PLAIN, view: 'stats' });
    assert.ok(list.endsWith(`        0${column}\n`), list);
  });
}

test('ipvsadm: -Lnc lists flows as ipvsadm does', () => {
  const expected = golden('ipvsadm-Lnc.txt');
  const flows = expected.split('\n').slice(2, -1).map(parseFlow);
  assert.equal(flows.length, 13);
  assert.equal(FLOW_TITLE + flows.map(flowLine).join(''), expected);
});

test('ipvsadm: a flow that should have ended shows 00:00, and one of 100 minutes keeps its minutes', () => {
  const flow = parseFlow('TCP 00:00 CLOSE 192.0.2.1:1 192.0.2.2:2 192.0.2.3:3');
  assert.match(flowLine({ ...flow, expiresInMs: -5 }), /^TCP 00:00 {2}CLOSE {7}192/);
  assert.match(flowLine({ ...flow, expiresInMs: 6_000_999 }), /^TCP 100:00 CLOSE/);
});

test('ipvsadm: --timeout shows whole seconds', () => {
  assert.equal(timeoutLine({ ESTABLISHED: 900_000, FIN_WAIT: 120_000, UDP: 300_000 }), golden('ipvsadm-L--timeout.txt'));
});

function parseFlow(line: string): FlowEntry {
  const [protocol = '', expires = '', state = '', client = '', virtual = '', real = ''] = line.split(/ +/);
  const [minutes, seconds] = expires.split(':').map(Number);
  const expiresInMs = (minutes! * 60 + seconds!) * 1_000 + 999;
  return {
    name: virtual,
    protocol: protocol.toLowerCase() as Protocol,
    template: false,
    expiresInMs,
    state,
    client: endpoint(client),
    service: endpoint(virtual),
    destination: endpoint(real),
  };
}

const FLOWS = [parseFlow('UDP 04:56 UDP 203.0.113.254:46663 203.0.113.10:53 10.11.12.1:53')];
const KERNEL: Answers = {
  status: {
    ...STATUS,
    virtualServers: MANY.map(configured),
    dataplane: { ...STATUS.dataplane, stats: { ...STATS, services: MANY, flows: { ...STATS.flows, capacity: KERNEL_SIZE } } },
  },
  explain: EXPLANATION,
  trace: { packets: [], lost: 0 },
  reload: { applied: false, message: 'not asked' },
  confirm: { applied: false, message: 'not asked' },
  dump: [],
  diff: { file: '', loadable: true, findings: [], differences: [] },
};

function configured(listed: ListedService): VirtualServerStatus {
  const { name, identity, listeners, scheduler, schedulerFlags, onePacket, persistence } = listed;
  const { persistence: _, ...other } = STATUS.virtualServers[0]!;
  const realServers = listed.destinations.map(({ address, port, weight, upperThreshold, lowerThreshold }) => {
    return { ...other.realServers[0]!, address, port, configuredWeight: weight, upperThreshold, lowerThreshold };
  });
  return { ...other, name, identity, listeners, scheduler, schedulerFlags, onePacket, ...(persistence && { persistence }), realServers };
}

const OF_ALL_KINDS: Answers = {
  ...KERNEL,
  status: {
    ...KERNEL.status,
    virtualServers: KINDS.map(configured),
    dataplane: { ...KERNEL.status.dataplane, stats: { ...KERNEL.status.dataplane.stats!, services: KINDS } },
  },
};

/** The same for flows, which come in pieces. */
function streaming(...pieces: readonly (readonly FlowEntry[])[]): Stream {
  return async function* () {
    yield* pieces;
    return pieces.flat().length;
  };
}

/** Stands where the control socket is and answers from `answers`. */
function asking(answers: Answers): Ask {
  const answer = async (_runDir: string, { what }: { readonly what: keyof Answers }) => answers[what];
  return answer as Ask;
}

const COMMANDS = [
  ['-Ln', 'ipvsadm-Ln.txt'],
  ['-ln', 'ipvsadm-Ln.txt'],
  ['-nL', 'ipvsadm-Ln.txt'],
  ['-L -n', 'ipvsadm-Ln.txt'],
  ['-l -n', 'ipvsadm-Ln.txt'],
  ['-l', 'ipvsadm-Ln.txt'],
  ['', 'ipvsadm-Ln.txt'],
  ['--list --numeric', 'ipvsadm-Ln.txt'],
  ['-Ln --sort', 'ipvsadm-Ln.txt'],
  ['-Ln --nosort', 'ipvsadm-Ln--nosort.txt'],
  ['-l -n --stats', 'ipvsadm-Ln--stats.txt'],
  ['--stats -Ln --run-dir /run/x', 'ipvsadm-Ln--stats.txt'],
  ['-L --timeout', 'ipvsadm-L--timeout.txt'],
  ['-Ln -t 203.0.113.10:80', 'ipvsadm-Ln-t.txt'],
  ['-Lnt 203.0.113.10:80', 'ipvsadm-Ln-t.txt'],
] as const;

for (const [typed, file] of COMMANDS) {
  test(`ipvsadm: "natlb ipvsadm ${typed}" prints what ipvsadm prints`, async () => {
    const io = recorder();
    assert.equal(await ipvsadm(words(typed), io, asking(KERNEL)), 0, io.complained());
    assert.equal(io.printed(), golden(file));
  });
}

const KIND_COMMANDS = [
  ['-Ln', 'ipvsadm-kinds-Ln.txt'],
  ['-Ln --rate', 'ipvsadm-kinds-Ln--rate.txt'],
  ['-Ln --thresholds', 'ipvsadm-kinds-Ln--thresholds.txt'],
  ['-Ln --persistent-conn', 'ipvsadm-kinds-Ln--persistent-conn.txt'],
  ['-Ln --persistent-conn --exact', 'ipvsadm-kinds-Ln--persistent-conn.txt'],
  ['-Ln --stats', 'ipvsadm-kinds-Ln--stats.txt'],
  ['-Ln --stats --rate', 'ipvsadm-kinds-Ln--stats.txt'],
  ['-Sn', 'ipvsadm-kinds-Sn.txt'],
  ['-S', 'ipvsadm-kinds-Sn.txt'],
  ['-Ln -f 7', 'ipvsadm-kinds-Ln-f7.txt'],
  ['-Ln -f 8 -6', 'ipvsadm-kinds-Ln-f8-6.txt'],
  ['-Ln --sctp-service 203.0.113.10:9', 'ipvsadm-kinds-Ln--sctp-service.txt'],
  ['-Ln --thresholds -t 203.0.113.10:80', 'ipvsadm-kinds-Ln--thresholds-t.txt'],
] as const;

for (const [typed, file] of KIND_COMMANDS) {
  test(`ipvsadm: "natlb ipvsadm ${typed}" shows services of all kinds as ipvsadm does`, async () => {
    const io = recorder();
    assert.equal(await ipvsadm(words(typed), io, asking(OF_ALL_KINDS)), 0, io.complained());
    assert.equal(io.printed(), golden(file));
  });
}

test('ipvsadm: --daemon shows none, for there is none', async () => {
  const io = recorder();
  assert.equal(await ipvsadm(['-L', '--daemon'], io, asking(KERNEL)), 0);
  assert.equal(io.printed(), '');
});

for (const typed of ['-Lnc', '-lnc', '-L -n -c', '-lcn', '--list --connection', '-ln -c --exact']) {
  test(`ipvsadm: "natlb ipvsadm ${typed}" lists flows`, async () => {
    const io = recorder();
    assert.equal(await ipvsadm(words(typed), io, asking(KERNEL), streaming(FLOWS)), 0, io.complained());
    assert.equal(io.printed(), FLOW_TITLE + FLOWS.map(flowLine).join(''));
  });
}

test('ipvsadm: flows of several pieces come out whole and in order, under one title', async () => {
  const io = recorder();
  const flows = Array.from({ length: 5 }, (_, at): FlowEntry => ({ ...FLOWS[0]!, client: { address: '192.0.2.1', port: at } }));
  await ipvsadm(['-Lnc'], io, asking(KERNEL), streaming(flows.slice(0, 2), [], flows.slice(2)));
  assert.equal(io.printed(), FLOW_TITLE + flows.map(flowLine).join(''));
});

const REFUSED = [
  { typed: '-c', status: 2, complaint: /expected\n +ipvsadm -L/ },
  { typed: '-n', status: 2, complaint: /expected\n +ipvsadm -L/ },
  { typed: '-R', status: 2, complaint: /stand in the configuration; change its file/ },
  { typed: '-Sn --stats', status: 2, complaint: /options conflict in the save command: --stats/ },
  { typed: '-S -t 203.0.113.10:80', status: 2, complaint: /options conflict in the save command/ },
  { typed: '-L --timeout --stats', status: 2, complaint: /options conflict in the list command: --stats/ },
  { typed: '-L --timeout --daemon', status: 2, complaint: /options conflict/ },
  { typed: '-Lnc --rate', status: 2, complaint: /options conflict/ },
  { typed: '-Ln -f 0', status: 2, complaint: /expected a firewall mark from 1 to 4294967295, found 0/ },
  { typed: '-Ln -f 4294967296', status: 2, complaint: /expected a firewall mark/ },
  { typed: '-Ln -f web', status: 2, complaint: /expected a firewall mark/ },
  { typed: '-Ln -f 7', status: 1, complaint: /No such service/ },
  { typed: '-Ln -6', status: 2, complaint: /-6 belongs to -f MARK/ },
  { typed: '-Ln -t 203.0.113.10:80 -u 203.0.113.10:53', status: 2, complaint: /more than one service is named/ },
  { typed: '-Ln -t 203.0.113.256:80', status: 2, complaint: /expected ADDRESS:PORT/ },
  { typed: '-Lnc --stats', status: 2, complaint: /options conflict in the list command/ },
  { typed: '-Lnc -t 203.0.113.10:80', status: 2, complaint: /options conflict/ },
  { typed: '-Ln --foo', status: 2, complaint: /Unknown option '--foo'\n$/ },
  { typed: '-A', status: 2, complaint: /Unknown option '-A'/ },
  { typed: '-Ln bla', status: 2, complaint: /Unexpected argument 'bla'/ },
  { typed: '-Ln -t', status: 2, complaint: /argument missing/ },
  { typed: '-Ln -t 203.0.113.10', status: 2, complaint: /expected ADDRESS:PORT or \[IPV6\]:PORT, found 203\.0\.113\.10/ },
  { typed: '-Ln -t 203.0.113.10:81', status: 1, complaint: /No such service/ },
  { typed: '-Ln -u 203.0.113.10:80', status: 1, complaint: /No such service/ },
] as const;

for (const { typed, status, complaint } of REFUSED) {
  test(`ipvsadm: "natlb ipvsadm ${typed}" is refused with status ${status}`, async () => {
    const io = recorder();
    assert.equal(await ipvsadm(words(typed), io, asking(KERNEL)), status);
    assert.match(io.complained(), complaint);
    assert.equal(io.printed(), '');
  });
}

test('ipvsadm: without a data plane there is no list, and the message says so', async () => {
  const io = recorder();
  assert.equal(await ipvsadm(['-Ln'], io, asking({ ...KERNEL, status: withoutDataplane(STATUS) })), 1);
  assert.match(io.complained(), /the data plane is not running \(dead\)/);
});

test('ipvsadm: an IPv6 service is found however its address is spelled', async () => {
  const io = recorder();
  assert.equal(await ipvsadm(['-Ln', '-t', '[2001:DB8:0:0::0010]:80'], io, asking(KERNEL)), 0, io.complained());
  assert.match(io.printed(), /^TCP {2}\[2001:db8::10\]:80 rr$/m);
});

function words(typed: string): readonly string[] {
  return typed.split(' ').filter((word) => word !== '');
}
