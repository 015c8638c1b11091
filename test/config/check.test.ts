// `natlb check`: exit codes, beside those of the keepalived that is installed here, and what is printed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { check } from '../../control/cli/check.js';
import { loadFile } from '../../control/config/file.js';
import type { Host } from '../../control/config/host-check.js';
import { sourceDirectory } from './source-directory.js';

const directory = mkdtempSync(join(tmpdir(), 'natlb-check-'));
after(() => rmSync(directory, { recursive: true }));

const interfaceName = Object.keys(networkInterfaces()).find((name) => name !== 'lo');

/** The network of the guide. */
const router: Host = {
  interfaces: [
    { name: 'eth0', addresses: [{ address: '203.0.113.9', prefixLength: 24 }] },
    { name: 'eth1', addresses: [{ address: '10.11.12.9', prefixLength: 24 }] },
    { name: 'eth2', addresses: [] },
  ],
};

interface Checked {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function checked(file: string, { json = false, host = router } = {}): Promise<Checked> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await check({ file, json }, { out: (text) => out.push(text), err: (text) => err.push(text) }, host);
  return { code, out: out.join(''), err: err.join('') };
}

function written(text: string, name = 'keepalived.conf'): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

const service = (inside: string, head = '10.11.12.20 80'): string => `virtual_server ${head} {
  protocol TCP
  lb_algo rr
  lb_kind NAT
  real_server 10.11.12.1 80 {
    weight 1
    TCP_CHECK {
      connect_timeout 3
    }
  }
  ${inside}
}
`;
const instance = (inside: string, name = 'A', address = '10.11.12.20'): string => `vrrp_instance ${name} {
  interface ${interfaceName}
  virtual_router_id 5
  virtual_ipaddress {
    ${address}
  }
  ${inside}
}
`;

const global = (inside: string): string => `global_defs {\n  ${inside}\n}\n`;
const secured = (inside: string): string => global(`enable_script_security\n  ${inside}`);
const MAIL =
  'smtp_server 127.0.0.1 2525\n smtp_connect_timeout 5\n notification_email {\n a@b\n}\n notification_email_from c@d\n smtp_alert on';

const group = (entries: string, server = '10.11.12.1', inside = ''): string => `virtual_server_group G {
  ${entries}
}
virtual_server group G {
  protocol TCP
  lb_algo rr
  lb_kind NAT
  ${inside}
  real_server ${server} 80 {
    weight 1
  }
}
`;

/** `differs`: why natlb answers otherwise than keepalived. */
const ROWS: readonly { readonly what: string; readonly text: string; readonly code: number; readonly differs?: string }[] = [
  { what: 'a service', text: service(''), code: 0 },
  { what: 'an instance', text: instance(''), code: 0 },
  { what: 'an empty file', text: '', code: 0 },
  { what: 'comments', text: '# one\n! two\n', code: 0 },
  { what: 'an unknown keyword', text: service('bogus 1'), code: 4 },
  { what: 'an unknown keyword at the top', text: 'bogus\n', code: 4 },
  { what: 'an unknown scheduler', text: service('lb_algo foo'), code: 4 },
  { what: 'an unknown forwarding method', text: service('lb_kind FOO'), code: 4 },
  { what: 'an unknown protocol', text: service('protocol FOO'), code: 4 },
  { what: 'an impossible port', text: service('', '10.11.12.20 80000'), code: 4 },
  { what: 'an impossible address', text: service('', '10.11.12 80'), code: 4 },
  { what: 'a quorum that is not a number', text: service('quorum x'), code: 4 },
  { what: 'a timer that is not a number', text: service('delay_loop x'), code: 4 },
  { what: 'a server of the other family', text: service('real_server fd00::1 80 {\n weight 1\n}'), code: 4 },
  { what: 'a sorry server of the other family', text: service('sorry_server fd00::1 80'), code: 4 },
  { what: 'a server that stands twice', text: service('real_server 10.11.12.1 80 {\n weight 1\n}'), code: 4 },
  { what: 'a service without servers', text: 'virtual_server 10.0.0.1 80 {\n protocol TCP\n lb_algo rr\n lb_kind NAT\n}\n', code: 4 },
  { what: 'a block that is not closed', text: 'virtual_server 10.0.0.1 80 {\n protocol TCP\n', code: 4 },
  { what: 'a brace too many', text: `${service('')}}\n`, code: 4 },
  { what: 'a router id out of range', text: instance('virtual_router_id 256'), code: 4 },
  { what: 'a priority that is not a number', text: instance('priority 100x'), code: 4 },
  { what: 'an advert interval out of range', text: instance('advert_int 300'), code: 4 },
  { what: 'an unknown state', text: instance('state FOO'), code: 4 },
  { what: 'an unknown version', text: instance('version 4'), code: 4 },
  { what: 'a virtual address that is none', text: instance('', 'A', '10.0.0.x'), code: 4 },
  { what: 'one router id twice', text: instance('') + instance('', 'B', '10.11.12.21'), code: 4 },
  { what: 'a sync group of nobody', text: `${instance('')}vrrp_sync_group G {\n group {\n A\n NOBODY\n }\n}\n`, code: 4 },
  { what: 'an interface that is not there', text: instance('interface nosuch0'), code: 4 },
  { what: 'a service without a method', text: service('').replace('lb_kind NAT', ''), code: 4 },
  { what: 'a service without a protocol', text: service('').replace('protocol TCP', ''), code: 4 },
  { what: 'a timer of more than microseconds', text: service('delay_loop 1.1234567'), code: 4 },
  { what: 'an instance without addresses', text: instance('').replace('10.11.12.20', ''), code: 4 },
  { what: 'errors and programs without enable_script_security', text: service('bogus\n quorum_up /bin/true'), code: 5 },
  { what: 'programs without enable_script_security', text: service('quorum_up /bin/true'), code: 5 },
  { what: 'a notify script without enable_script_security', text: instance('notify "/bin/true a"'), code: 5 },
  { what: 'a notify script that is not there', text: instance('notify /nowhere/script'), code: 0 },
  { what: 'a notify script of a user that is not there', text: instance('notify /bin/true nosuchuser'), code: 0 },
  { what: 'a notify script of a group that is not there', text: instance('notify "/bin/true" root nosuchgroup'), code: 0 },
  { what: 'a notify script that is not executable', text: instance('notify /etc/passwd'), code: 5 },
  { what: 'a notify script twice', text: instance('notify /nowhere/one\n notify /nowhere/two'), code: 4 },
  { what: 'a notify script whose quote is not closed', text: instance('notify "/nowhere/one'), code: 4 },
  { what: 'a notify script in single quotes', text: instance("notify '/nowhere/one two'"), code: 0 },
  { what: 'enable_script_security, and nobody to run scripts', text: secured('') + instance('notify /bin/true'), code: 4 },
  { what: 'enable_script_security, and a user', text: secured('script_user root') + instance('notify /bin/true'), code: 0 },
  { what: 'a script_user that is not there', text: secured('script_user nosuchuser') + instance('notify /bin/true'), code: 4 },
  { what: 'a FIFO twice', text: global('notify_fifo /nowhere/a\n notify_fifo /nowhere/b') + instance(''), code: 4 },
  { what: 'mail with all there is', text: global(MAIL) + instance('smtp_alert'), code: 0 },
  { what: 'a startup script without one', text: global('startup_script') + instance(''), code: 4 },
  { what: 'a startup script that takes no time', text: global('startup_script_timeout 0') + instance(''), code: 4 },
  { what: 'an include of nothing', text: 'include nowhere*.conf\n', code: 0 },
  {
    what: 'an include of a file that is not there',
    text: 'include /nowhere.conf\n',
    code: 4,
    differs: 'keepalived goes on without what the operator believes is there',
  },
  { what: 'two services on one address', text: service('') + service(''), code: 4, differs: 'keepalived merges them silently' },
  { what: 'DR', text: service('lb_kind DR'), code: 4, differs: 'natlb forwards with NAT only' },
  { what: 'a password of nine characters', text: instance('authentication {\n auth_type PASS\n auth_pass 123456789\n}'), code: 4 },
  { what: 'a quorum out of reach', text: service('quorum 9'), code: 4 },
  { what: 'nopreempt of a MASTER', text: instance('state MASTER\n nopreempt'), code: 4 },
  { what: 'a service of a group', text: group('10.11.12.20 80'), code: 0 },
  { what: 'a group with a range by its last byte', text: group('10.11.12.20-25 80'), code: 0 },
  { what: 'a group with a range by its last address', text: group('10.11.12.250-10.11.13.5 80'), code: 0 },
  { what: 'a group with a network', text: group('10.11.12.8/29 80'), code: 0 },
  { what: 'a group with a network that has host bits', text: group('10.11.12.9/29 80'), code: 4 },
  { what: 'a group with a range that ends before it begins', text: group('10.11.12.20-19 80'), code: 4 },
  { what: 'a group with a byte too large', text: group('10.11.12.20-256 80'), code: 4 },
  { what: 'a group with an IPv6 range', text: group('fd00::1-ff 80', 'fd00:1::1'), code: 0 },
  { what: 'an empty group', text: group(''), code: 4 },
  { what: 'a group for every port, with persistence', text: group('10.11.12.20', '10.11.12.1', 'persistence_timeout 60'), code: 0 },
  { what: 'a service on every port, with persistence', text: service('persistence_timeout 60', '10.11.12.20'), code: 0 },
  { what: 'a service on port 0, with persistence', text: service('persistence_timeout', '10.11.12.20 0'), code: 0 },
  { what: 'SCTP', text: service('protocol SCTP'), code: 0 },
  { what: 'a protocol in small letters', text: service('protocol udp'), code: 0 },
  { what: 'one packet scheduling of UDP', text: service('protocol UDP\n ops'), code: 0 },
  { what: 'one packet scheduling of TCP', text: service('ops'), code: 4 },
  ...['wlc', 'lc', 'sh', 'dh', 'mh', 'sed', 'nq', 'fo', 'ovf', 'twos'].map((name) => ({
    what: `scheduler ${name}`,
    text: service(`lb_algo ${name}`),
    code: 0,
  })),
  { what: 'flags of sh', text: service('lb_algo sh\n sh-port\n sh-fallback'), code: 0 },
  { what: 'flags of mh', text: service('lb_algo mh\n mh-port\n mh-fallback\n flag-1'), code: 0 },
  { what: 'a flag of sh with rr', text: service('sh-port'), code: 4 },
  { what: 'persistence of no time', text: service('persistence_timeout 0'), code: 4 },
  { what: 'persistence of more than a month', text: service('persistence_timeout 2678401'), code: 4 },
  { what: 'persistence of networks', text: service('persistence_granularity 255.255.255.0'), code: 0 },
  { what: 'a mask that is none', text: service('persistence_granularity 255.255.255.256'), code: 4 },
  { what: 'thresholds', text: service('real_server 10.11.12.2 80 {\n uthreshold 100\n lthreshold 50\n}'), code: 0 },
  { what: 'a threshold that is not a number', text: service('real_server 10.11.12.2 80 {\n uthreshold x\n}'), code: 4 },
  { what: 'another family than that of the address', text: service('ip_family inet6'), code: 4 },
  { what: 'a mark that is not a number', text: service('', 'fwmark x'), code: 4 },
  { what: 'a service on every port', text: service('', '10.11.12.20'), code: 4 },
  { what: 'a mark', text: service('', 'fwmark 80').replace('protocol TCP', ''), code: 4, differs: 'nothing tells natlb what sets it' },
  { what: 'a group that is not there', text: service('', 'group nobody'), code: 4, differs: 'keepalived leaves the service out' },
  {
    what: 'a group of both families',
    text: group('10.11.12.20 80\n fd00::1 80'),
    code: 4,
    differs: 'keepalived leaves the service out',
  },
  {
    what: 'a mask with a hole',
    text: service('persistence_granularity 255.0.255.0'),
    code: 4,
    differs: 'the data plane compares prefixes',
  },
  { what: 'lblc', text: service('lb_algo lblc'), code: 4, differs: 'it is for caches of a transparent proxy' },
  { what: 'a persistence engine', text: service('persistence_engine sip'), code: 4, differs: 'natlb does not look into SIP messages' },
  {
    what: 'a lower threshold above the upper one',
    text: service('real_server 10.11.12.2 80 {\n uthreshold 5\n lthreshold 6\n}'),
    code: 4,
    differs: 'ipvsadm refuses it',
  },
  {
    what: 'natlb in a virtual server',
    text: service('natlb {\n resets off\n}'),
    code: 0,
    differs: 'keepalived leaves out what it does not know',
  },
  { what: 'a service without a scheduler', text: service('').replace('lb_algo rr', ''), code: 4 },
];

/** keepalived 2.2.7 as Debian builds it exits with one more than its manual says, except for 0. */
const DOCUMENTED: ReadonlyMap<number | null, number> = new Map([
  [0, 0],
  [4, 3],
  [5, 4],
  [6, 5],
]);

const keepalivedMissing = spawnSync('keepalived', ['--version']).error !== undefined && 'keepalived is not installed';
const noInterface = interfaceName === undefined && 'there is no interface but lo';
const noRoot = process.getuid?.() !== 0 && 'keepalived --config-test needs root';

for (const { what, text, code, differs } of ROWS) {
  const file = (): string => written(text, `${what.replaceAll(' ', '-')}.conf`);

  test(`natlb check exits with ${code} for ${what}`, { skip: noInterface }, async () => {
    const host = { interfaces: [{ name: String(interfaceName), addresses: [] }] };
    const { code: actual, err } = await checked(file(), { host });
    assert.equal(actual, code, err);
  });

  const title = differs === undefined ? `keepalived agrees about ${what}` : `keepalived differs about ${what}: ${differs}`;
  test(title, { skip: keepalivedMissing || noRoot || noInterface }, () => {
    const { status, stderr } = spawnSync('keepalived', ['-t', '-f', file()], { encoding: 'utf8' });
    const verdict = DOCUMENTED.get(status);
    if (differs === undefined) assert.equal(verdict, code, stderr);
    else assert.notEqual(verdict, code, stderr);
  });
}

test('a file that cannot be read exits with 3 and says why', async () => {
  const { code, err } = await checked(join(directory, 'nowhere.conf'));
  assert.equal(code, 3);
  assert.match(err, /nowhere\.conf:1:1: error: cannot read .*nowhere\.conf: no such file or directory\n/);
});

test('a directory in the place of a file exits with 3', async () => {
  assert.equal((await checked(directory)).code, 3);
});

test('binary junk exits with 3', async () => {
  assert.equal((await checked(written('\u007fELF\u0001\u0000\u0000'))).code, 3);
});

test('the configuration of the guide fits the network of the guide', async () => {
  const { code, out, err } = await checked(join(sourceDirectory('golden'), 'guide.conf'));
  assert.deepEqual({ code, err }, { code: 0, err: '' });
  assert.match(out, /no errors, no warnings; 2 VRRP instances, 1 virtual server\n$/);
});

test('a finding shows its line, a mark under the word, and what to do', async () => {
  const file = written(
    'virtual_server 10.11.12.10 80 {\n\tprotocol TCP\n\tlb_algo rr\n\treal_server 10.11.12.1 80 {\n\t\twieght 1\n\t}\n}\n',
  );
  const { err } = await checked(file);
  assert.ok(
    err.includes(
      `${file}:5:3: error: unknown keyword 'wieght' in real_server\n    \t\twieght 1\n    \t\t^\n    hint: did you mean 'weight'?\n`,
    ),
    err,
  );
});

test('--json says the same to programs', async () => {
  const { code, out, err } = await checked(written('bogus\n'), { json: true });
  assert.equal(err, '');
  const { file, ...answer } = JSON.parse(out);
  assert.equal(answer.exitCode, code);
  assert.deepEqual(answer.findings, [
    { file, line: 1, column: 1, severity: 'error', message: "unknown keyword 'bogus' in the configuration" },
  ]);
});

const HOST_ROWS: readonly { readonly what: string; readonly text: string; readonly said: RegExp }[] = [
  {
    what: 'an interface of an instance that is missing',
    text: instance('interface eth9'),
    said: /:7:13: error: there is no interface eth9\n/,
  },
  {
    what: 'an interface of an address that is missing',
    text: instance('interface eth0', 'A', '203.0.113.7 dev eth9'),
    said: /:5:5: error: there is no interface eth9\n/,
  },
  {
    what: 'an interface in natlb { } that is missing',
    text: 'natlb {\n interfaces eth0 eth9\n}\n',
    said: /:2:13: error: there is no interface eth9\n/,
  },
  {
    what: 'a virtual address outside of the subnets of its interface',
    text: instance('interface eth0'),
    said: /:5:5: warning: virtual address 10\.11\.12\.20 is in no subnet of eth0\n/,
  },
  { what: 'a virtual address on an interface without subnets', text: instance('interface eth2'), said: /hint: eth2 has no IPv4 subnet\n/ },
  {
    what: 'a server outside of every subnet',
    text: service('real_server 192.0.2.1 80 {\n}'),
    said: /:11:3: warning: real_server 192\.0\.2\.1 is in no local subnet\n/,
  },
  { what: 'a service on an address that nothing holds', text: service(''), said: /:1:1: warning: nothing holds 10\.11\.12\.20/ },
  {
    what: 'a group of addresses that nothing holds',
    text: group('192.0.2.1-5 80'),
    said: /:4:1: warning: nothing holds 192\.0\.2\.1 nor 4 more of this virtual server: no virtual_ipaddress has them\n/,
  },
];

for (const { what, text, said } of HOST_ROWS) {
  test(`checked against the host: ${what}`, async () => {
    assert.match((await checked(written(text))).err, said);
  });
}

test('a virtual address that brings its subnet along makes that subnet local', async () => {
  const { err } = await checked(
    written(instance('interface eth2', 'A', '192.0.2.10/24') + service('real_server 192.0.2.1 80 {\n}', '192.0.2.10 80')),
  );
  assert.equal(err, '');
});

test('loadFile reads included files from where they stand, and @lines for the given id', () => {
  written(
    'vrrp_instance A {\n  interface eth0\n  virtual_router_id 1\n  @blue priority 7\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\n',
    'part-1.conf',
  );
  const { config, findings } = loadFile(written('include part-[1-3].conf\n'), { configId: 'blue' });
  assert.deepEqual(findings, []);
  assert.equal(config?.instances[0]?.priority, 7);
  assert.equal(config?.instances[0]?.places.priority?.file, join(directory, 'part-1.conf'));
});

test('a configuration cannot be changed once it is read', () => {
  const { config } = loadFile(join(sourceDirectory('golden'), 'guide.conf'));
  assert.throws(() => Object.assign(config?.virtualServers[0]?.realServers[0] ?? {}, { weight: 2 }), TypeError);
});

test('a virtual server that says nothing forwards UDP by wlc', () => {
  const { config } = loadFile(written('virtual_server 10.0.0.1 80 {\n  real_server 10.0.0.2 80 {\n  }\n}\n'));
  const [service] = config?.virtualServers ?? [];
  assert.deepEqual([service?.listeners[0]?.protocol, service?.scheduler], ['udp', 'wlc']);
});

test('fewer announcements are sent with vrrp_min_garp', () => {
  const { config } = loadFile(written(`global_defs {\n  vrrp_min_garp\n}\n${instance('')}`));
  assert.deepEqual([config?.instances[0]?.garpMasterRepeat, config?.instances[0]?.garpMasterDelayMs], [1, 0]);
});

test('a virtual address that the host has already is somebody’s doing, unless a natlb runs', async () => {
  const interfaces = [{ name: 'eth0', addresses: [{ address: '10.11.12.20', prefixLength: 24 }] }];
  const file = written(instance('').replace(/interface .*/, 'interface eth0'));
  const alone = await checked(file, { host: { interfaces, withoutNatlb: true } });
  assert.match(alone.err, /eth0 has virtual address 10\.11\.12\.20 already, and no natlb runs here/);
  const beside = await checked(file, { host: { interfaces, withoutNatlb: false } });
  assert.doesNotMatch(beside.err, /already/);
});
