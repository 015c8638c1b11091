// Addresses with options, routes, rules and macvlans: what a line of the configuration becomes in the kernel, as ip(8) shows it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Route, Rule, VirtualMac } from '../../control/config/kernel.js';
import { load } from '../../control/config/load.js';
import type { Config, VirtualAddress } from '../../control/config/model.js';
import { cable, eventually, Namespace, SKIP } from './namespaces.js';

/** What an instance with this in it asks for. */
function read(block: string, line: string): Config['instances'][number] {
  const text = `vrrp_instance A {\n interface a0\n virtual_router_id 5\n ${block} {\n${line}\n}\n}`;
  const { config, findings } = load(
    'test.conf',
    () => text,
    () => [],
  );
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  const [instance] = config?.instances ?? [];
  assert.ok(instance);
  return instance;
}

const route = (line: string): Route => read('virtual_routes', line).routes![0]!;
const rule = (line: string): Rule => read('virtual_rules', line).rules![0]!;
const address = (line: string): VirtualAddress => read('virtual_ipaddress', line).addresses[0]!;

const MAC: VirtualMac = { name: 'vrrp.5', base: 'a0', mac: '00:00:5e:00:01:05', family: 4 };

interface ShownLink {
  readonly ifindex: number;
  readonly address: string;
  readonly flags: readonly string[];
  readonly inet6_addr_gen_mode: string;
  readonly linkinfo: { readonly info_data: { readonly mode: string } };
}

interface Row {
  /** As in the configuration. */
  readonly line: string;
  /** As ip(8) shows it. */
  readonly shown: string;
}

const ADDRESSES: readonly Row[] = [
  { line: '10.1.0.20', shown: 'inet 10.1.0.20/32 scope global a0' },
  { line: '10.1.0.20/24 brd + label a0:vip', shown: 'inet 10.1.0.20/24 brd 10.1.0.255 scope global secondary a0:vip' },
  { line: '10.6.0.20/24 brd - scope link', shown: 'inet 10.6.0.20/24 brd 10.6.0.0 scope link a0' },
  { line: '10.1.0.20 peer 10.7.0.1/24', shown: 'inet 10.1.0.20 peer 10.7.0.1/24 scope global a0' },
  { line: '10.1.0.20/25 noprefixroute', shown: 'inet 10.1.0.20/25 scope global noprefixroute a0' },
  { line: '2001:db8::20', shown: 'inet6 2001:db8::20/128 scope global nodad deprecated' },
  { line: '2001:db8::20 preferred_lft forever', shown: 'inet6 2001:db8::20/128 scope global nodad' },
  { line: '2001:db8::20/64 home', shown: 'inet6 2001:db8::20/64 scope global nodad home' },
  { line: '2001:db8::20/64 preferred_lft 0 noprefixroute', shown: 'inet6 2001:db8::20/64 scope global nodad deprecated noprefixroute' },
];

const ROUTES: readonly Row[] = [
  { line: '10.20.0.0/16 via 10.1.0.254', shown: '10.20.0.0/16 via 10.1.0.254 dev a0 proto keepalived' },
  { line: 'default via 10.1.0.254 dev a0 metric 7', shown: 'default via 10.1.0.254 dev a0 proto keepalived metric 7' },
  {
    line: '10.20.0.0/16 dev a0 scope link src 10.1.0.1 tos 0x10 table 300',
    shown: '10.20.0.0/16 tos 0x10 dev a0 table 300 proto keepalived scope link src 10.1.0.1',
  },
  { line: 'blackhole 10.20.0.0/16', shown: 'blackhole 10.20.0.0/16 proto keepalived' },
  { line: 'unreachable 10.20.0.0/16 metric 3', shown: 'unreachable 10.20.0.0/16 proto keepalived metric 3' },
  { line: 'prohibit 10.20.0.0/16 table 9', shown: 'prohibit 10.20.0.0/16 table 9 proto keepalived' },
  { line: '10.20.0.0/16 via 10.1.0.254 protocol static no_track', shown: '10.20.0.0/16 via 10.1.0.254 dev a0 proto static' },
  {
    line: '10.20.0.0/16 nexthop via 10.1.0.254 weight 2 nexthop via 10.1.0.253 dev a0',
    shown: '10.20.0.0/16 proto keepalived nexthop via 10.1.0.254 dev a0 weight 2 nexthop via 10.1.0.253 dev a0 weight 1',
  },
  { line: '10.20.0.0/16 via 10.9.9.9 dev a0 onlink', shown: '10.20.0.0/16 via 10.9.9.9 dev a0 proto keepalived onlink' },
  {
    line: '10.20.0.0/16 via 10.1.0.254 mtu lock 1400 advmss 1360 initcwnd 20 rto_min 300ms congctl reno',
    shown: '10.20.0.0/16 via 10.1.0.254 dev a0 proto keepalived mtu lock 1400 advmss 1360 initcwnd 20 rto_min 300ms congctl reno',
  },
  { line: '10.20.0.0/16 via inet6 fe80::9 dev a0', shown: '10.20.0.0/16 via inet6 fe80::9 dev a0 proto keepalived' },
  { line: '2001:db8:9::/48 via 2001:db8::fe', shown: '2001:db8:9::/48 via 2001:db8::fe dev a0 proto keepalived metric 1024 pref medium' },
  {
    line: '2001:db8:9::/48 from 2001:db8:1::/64 via 2001:db8::fe metric 5 pref high',
    shown: '2001:db8:9::/48 from 2001:db8:1::/64 via 2001:db8::fe dev a0 proto keepalived metric 5 pref high',
  },
  { line: 'blackhole inet6 default table 77', shown: 'blackhole default dev lo table 77 proto keepalived metric 1024 pref medium' },
];

const RULES: readonly Row[] = [
  { line: 'from 10.1.0.20 table 100 priority 50', shown: '50: from 10.1.0.20 lookup 100 proto keepalived' },
  { line: 'to 10.20.0.0/16 lookup main priority 51', shown: '51: from all to 10.20.0.0/16 lookup main proto keepalived' },
  { line: 'not from 10.1.0.0/24 unreachable priority 52', shown: '52: not from 10.1.0.0/24 unreachable proto keepalived' },
  { line: 'iif a0 oif lo prohibit priority 53', shown: '53: from all iif a0 oif lo prohibit proto keepalived' },
  { line: 'fwmark 0x10/0xff blackhole priority 54', shown: '54: from all fwmark 0x10/0xff blackhole proto keepalived' },
  { line: 'fwmark 7 table 1000 priority 55', shown: '55: from all fwmark 0x7 lookup 1000 proto keepalived' },
  {
    line: 'ipproto tcp sport 1-9 dport 80 uidrange 0-99 table 5 priority 56 no_track',
    shown: '56: from all uidrange 0-99 ipproto tcp sport 1-9 dport 80 lookup 5',
  },
  { line: 'table main suppress_prefixlength 0 priority 57', shown: '57: from all lookup main suppress_prefixlength 0 proto keepalived' },
  { line: 'goto 32766 priority 58', shown: '58: from all goto 32766 proto keepalived' },
  { line: 'from 2001:db8::/32 table 100 priority 59', shown: '59: from 2001:db8::/32 lookup 100 proto keepalived' },
];

describe('the kernel', { skip: SKIP }, () => {
  let here: Namespace;
  let there: Namespace;

  before(async () => {
    here = new Namespace('kernel');
    there = new Namespace('peer');
    cable(here, 'a0', ['10.1.0.1/24', '2001:db8::1/64'], there, 'b0', []);
    here.ip('link set a0 address 02:00:00:00:00:0a');
    await here.do('open');
  });

  after(async () => {
    await here?.remove();
    await there?.remove();
  });

  const words = (text: string) => text.replace(/[\\\s]+/g, ' ').trim();
  const addresses = () =>
    here
      .ip('-o addr show dev a0')
      .split('\n')
      .map((line) => words(line.replace(/^\d+: a0 /, '').replace(/ *\\.*/, '')));
  const routes = () => [4, 6].flatMap((family) => here.ip(`-${family} -o route show table all`).split('\n').map(words));
  const rules = () => [4, 6].flatMap((family) => here.ip(`-${family} rule`).split('\n').map(words));

  for (const { line, shown } of ADDRESSES)
    test(`address: ${line}`, async () => {
      const held = address(line);
      await here.do('addHeld', 'a0', held);
      await here.do('addHeld', 'a0', held);
      assert.ok(addresses().includes(shown), addresses().join('\n'));
      await here.do('removeHeld', 'a0', held);
      await here.do('removeHeld', 'a0', held);
      assert.ok(!addresses().includes(shown));
    });

  for (const { line, shown } of ROUTES)
    test(`route: ${line}`, async () => {
      const wanted = route(line);
      await here.do('addRoute', wanted);
      await here.do('addRoute', wanted);
      assert.equal(routes().filter((each) => each === shown).length, 1, routes().join('\n'));
      if (wanted.tracked) assert.deepEqual(await here.do('missingRoutes', [wanted]), []);
      await here.do('removeRoute', wanted);
      await here.do('removeRoute', wanted);
      assert.ok(!routes().includes(shown));
      assert.deepEqual(await here.do('missingRoutes', [wanted]), [wanted]);
    });

  for (const { line, shown } of RULES)
    test(`rule: ${line}`, async () => {
      const wanted = rule(line);
      await here.do('addRule', wanted);
      await here.do('addRule', wanted);
      assert.equal(rules().filter((each) => each === shown).length, 1, rules().join('\n'));
      if (wanted.tracked) assert.deepEqual(await here.do('missingRules', [wanted]), []);
      await here.do('removeRule', wanted);
      await here.do('removeRule', wanted);
      assert.ok(!rules().includes(shown));
      assert.deepEqual(await here.do('missingRules', [wanted]), [wanted]);
    });

  test('what it refuses is said in its words', async () => {
    await assert.rejects(here.do('addRoute', route('10.20.0.0/16 via 10.99.0.1')), /cannot add the route .*: Nexthop has invalid gateway/);
    await assert.rejects(here.do('addRoute', route('10.20.0.0/16 dev nope0')), /there is no interface nope0/);
    await assert.rejects(
      here.do('addHeld', 'a0', address('10.1.0.20/24 scope link')),
      /cannot add 10\.1\.0\.20\/24 to a0: ipv4: Invalid scope value/,
    );
  });

  test('a route of somebody else is neither removed nor taken for ours', async () => {
    here.ip('route add 10.30.0.0/16 via 10.1.0.254');
    await here.do('removeRoute', route('10.30.0.0/16 via 10.1.0.254'));
    assert.ok(routes().includes('10.30.0.0/16 via 10.1.0.254 dev a0'));
    assert.equal((await here.do('missingRoutes', [route('10.30.0.0/16 via 10.1.0.254')])).length, 1);
    here.ip('route del 10.30.0.0/16');
  });

  test('the loss of a route or a rule is told, and news of others are not', async () => {
    await here.do('addRoute', route('10.20.0.0/16 via 10.1.0.254'));
    await here.do('addRule', rule('from 10.1.0.20 table 100 priority 50'));
    const before = await here.do('routeChanges');
    here.ip('route add 10.31.0.0/16 via 10.1.0.254');
    here.ip('route del 10.31.0.0/16');
    assert.equal(await here.do('routeChanges'), before);
    here.ip('route del 10.20.0.0/16');
    assert.ok(await eventually(async () => (await here.do('routeChanges')) === before + 1));
    here.ip('rule del priority 50');
    assert.ok(await eventually(async () => (await here.do('routeChanges')) === before + 2));
  });

  test('a macvlan with the virtual MAC comes up, and once more is the same; another of its name gives way', async () => {
    await here.do('ensureVirtualMac', MAC);
    const [made] = JSON.parse(here.ip('-j -d link show dev vrrp.5')) as ShownLink[];
    assert.equal(made?.address, MAC.mac);
    assert.equal(made?.inet6_addr_gen_mode, 'none');
    assert.equal(made?.linkinfo.info_data.mode, 'private');
    assert.ok(made?.flags.includes('UP'));
    await here.do('ensureVirtualMac', MAC);
    assert.equal((JSON.parse(here.ip('-j link show dev vrrp.5')) as ShownLink[])[0]?.ifindex, made?.ifindex);
    here.ip('link del vrrp.5');
    here.ip('link add link a0 name vrrp.5 type macvlan mode bridge');
    await here.do('ensureVirtualMac', MAC);
    assert.match(here.ip('-d link show dev vrrp.5'), /00:00:5e:00:01:05[\s\S]*mode private/);
    await here.do('removeVirtualMac', MAC);
    await here.do('removeVirtualMac', MAC);
    assert.throws(() => here.ip('link show dev vrrp.5'));
  });

  test('with promote_secondaries the second address of a subnet survives the first; afterwards the setting is as it was', async () => {
    const setting = () => here.exec(['sysctl', '-n', 'net.ipv4.conf.a0.promote_secondaries']).trim();
    const before = setting();
    here.exec(['sysctl', '-qw', 'net.ipv4.conf.a0.promote_secondaries=0']);
    await here.do('promoteSecondaries', 'a0');
    await here.do('addHeld', 'a0', address('10.40.0.1/24'));
    await here.do('addHeld', 'a0', address('10.40.0.2/24'));
    await here.do('removeHeld', 'a0', address('10.40.0.1/24'));
    assert.ok(addresses().includes('inet 10.40.0.2/24 scope global a0'), addresses().join('\n'));
    await here.do('removeHeld', 'a0', address('10.40.0.2/24'));
    await here.do('demoteSecondaries');
    assert.equal(setting(), '0');
    here.exec(['sysctl', '-qw', `net.ipv4.conf.a0.promote_secondaries=${before}`]);
  });

  test('an interface that is no macvlan keeps its name', async () => {
    here.ip('link add vrrp.5 type veth peer name other');
    await assert.rejects(here.do('ensureVirtualMac', MAC), /cannot make vrrp\.5: there is another interface of this name/);
    await here.do('removeVirtualMac', MAC);
    here.ip('link del vrrp.5');
  });

  test('the settings of other interfaces are changed while a macvlan is there, and are then as they were', async () => {
    const setting = (name: string) => here.exec(['sysctl', '-n', `net.ipv4.conf.${name}`]).trim();
    here.exec(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=2', 'net.ipv4.conf.a0.rp_filter=0']);
    await here.do('ensureVirtualMac', MAC);
    assert.deepEqual(['a0.arp_ignore', 'a0.arp_filter', 'a0.rp_filter', 'all.rp_filter', 'vrrp/5.rp_filter'].map(setting), [
      '1',
      '1',
      '2',
      '0',
      '0',
    ]);
    await here.do('removeVirtualMac', MAC);
    assert.deepEqual(['a0.arp_ignore', 'a0.arp_filter', 'a0.rp_filter', 'all.rp_filter'].map(setting), ['0', '0', '0', '2']);
    here.exec(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0']);
  });

  test('they stay changed until the last macvlan is gone', async () => {
    const setting = (name: string) => here.exec(['sysctl', '-n', `net.ipv4.conf.${name}`]).trim();
    const all = () => ['a0.arp_ignore', 'a0.rp_filter', 'all.rp_filter'].map(setting);
    const other = { ...MAC, name: 'vrrp.6', mac: '00:00:5e:00:01:06' };
    here.exec(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=2', 'net.ipv4.conf.a0.rp_filter=0']);
    await here.do('ensureVirtualMac', MAC);
    await here.do('ensureVirtualMac', other);
    await here.do('removeVirtualMac', MAC);
    assert.deepEqual(all(), ['1', '2', '0']);
    await here.do('removeVirtualMac', other);
    assert.deepEqual(all(), ['0', '0', '2']);
    here.exec(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0']);
  });

  test('an interface that is there anew is changed anew', async () => {
    const setting = (name: string) => here.exec(['sysctl', '-n', `net.ipv4.conf.${name}`]).trim();
    here.ip('link add b0 type veth peer name b1');
    const macs = ['5', '6'].map((last) => ({ ...MAC, base: 'b0', name: `vrrp.${last}`, mac: `00:00:5e:00:01:0${last}` }));
    for (const mac of macs) await here.do('ensureVirtualMac', mac);
    here.ip('link del b0');
    here.ip('link add b0 type veth peer name b1');
    for (const mac of macs) await here.do('ensureVirtualMac', mac);
    assert.equal(setting('b0.arp_ignore'), '1');
    for (const mac of macs) await here.do('removeVirtualMac', mac);
    assert.equal(setting('b0.arp_ignore'), '0');
    here.ip('link del b0');
  });
});

describe('more news than there is room for', { skip: SKIP }, () => {
  test('everything is looked at again', async () => {
    const here = new Namespace('flooded');
    try {
      await here.do('open', 1);
      here.ip('link add a0 type veth peer name a1');
      const changes = await here.do('routeChanges');
      const lines = Array.from(
        { length: 400 },
        (_, i) => `addr add 10.2.${i >> 8}.${i & 255}/32 dev a0\nroute add 10.3.${i >> 8}.${i & 255} dev lo`,
      );
      await here.do('busily', ['bash', '-c', `ip link set lo up; printf '%s' '${lines.join('\n')}\n' | ip -batch -`]);
      assert.ok(await eventually(async () => (await here.do('interface', 'a0'))?.addresses.length === 400));
      assert.ok(await eventually(async () => (await here.do('routeChanges')) > changes));
    } finally {
      await here.remove();
    }
  });
});
