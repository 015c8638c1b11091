// Firewall rules that set marks: what is read of them, and why the others are not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MarkRule } from '../../control/config/firewall/rule.js';
import { listenerText } from '../../control/config/listeners.js';
import { readRules } from '../../control/config/marks.js';
import { sourceDirectory } from './source-directory.js';

const FILE = 'rules';
const VIP = '-d 203.0.113.10/32';

/** `mark: traffic`, or `mark: why not`; nothing for a rule that sets no mark. */
const IPTABLES: readonly (readonly [rule: string, said: string | undefined])[] = [
  // The forms of Red Hat's guide, as they are typed.
  [`-A PREROUTING -p tcp ${VIP} --dport 80 -j MARK --set-mark 80`, '80: TCP 203.0.113.10 80'],
  [`-A PREROUTING -p tcp ${VIP} -m multiport --dports 80,443 -j MARK --set-mark 80`, '80: TCP 203.0.113.10 80; TCP 203.0.113.10 443'],
  [`-A PREROUTING -p tcp ${VIP} --dport 10000:20000 -j MARK --set-mark 21`, '21: TCP 203.0.113.10 10000-20000'],
  // And as iptables-save gives them back.
  [`-A PREROUTING ${VIP} -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x50/0xffffffff`, '80: TCP 203.0.113.10 80'],
  [`[17:1020] -A PREROUTING ${VIP} -p udp -m udp --dport 53 -j MARK --set-xmark 0x35/0xffffffff`, '53: UDP 203.0.113.10 53'],
  [`-A INPUT ${VIP} -p sctp -j MARK --set-mark 1`, '1: SCTP 203.0.113.10 0-65535'],
  ['-A PREROUTING -d 2001:db8::10/128 -p tcp -m tcp --dport 80 -j MARK --set-mark 80', '80: TCP 2001:db8::10 80'],
  [
    `-A PREROUTING ${VIP} -p 6 -m comment --comment "a b" -m multiport --dports 1:2,5 -j MARK --set-mark 7`,
    '7: TCP 203.0.113.10 1-2; TCP 203.0.113.10 5',
  ],
  ['-A PREROUTING -d 203.0.113.8/31 -p tcp --dport 80 -j MARK --set-mark 80', '80: TCP 203.0.113.8 80; TCP 203.0.113.9 80'],
  // What a listener cannot say.
  [`-A PREROUTING -i eth0 ${VIP} -p tcp --dport 80 -j MARK --set-mark 80`, "80: it depends on '-i'"],
  [`-A PREROUTING -s 192.0.2.0/24 ${VIP} -p tcp -j MARK --set-mark 80`, "80: it depends on '-s'"],
  [`-A PREROUTING ${VIP} -p tcp ! --dport 22 -j MARK --set-mark 80`, "80: it depends on '!'"],
  [`-A PREROUTING ${VIP} -p tcp -m state --state NEW -j MARK --set-mark 80`, "80: it depends on '-m state'"],
  [`-A PREROUTING ${VIP} -p tcp -m tcp --syn -j MARK --set-mark 80`, "80: it depends on '--syn'"],
  [`-A PREROUTING ${VIP} -p icmp -j MARK --set-mark 80`, '80: it is for protocol icmp'],
  [`-A PREROUTING ${VIP} -p tcp --dport http -j MARK --set-mark 80`, '80: http are no ports'],
  ['-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 80', '80: it names no destination (-d)'],
  ['-A PREROUTING -d 10.0.0.0/8 -p tcp -j MARK --set-mark 80', '80: these are 16777216 addresses; a service can have 4096'],
  [`-A PREROUTING ${VIP} -j MARK --set-mark 80`, '80: it names no protocol (-p)'],
  [`-A LVS ${VIP} -p tcp -j MARK --set-mark 80`, '80: it stands in chain LVS, not in PREROUTING or INPUT'],
  [`-A PREROUTING ${VIP} -p tcp -j MARK --set-mark 0x50/0xff`, '80: it sets some bits of the mark'],
  [`-A PREROUTING ${VIP} -p tcp -j MARK --or-mark 0x50`, '80: it sets some bits of the mark'],
  [`-A PREROUTING ${VIP} -p tcp -j MARK --and-mark 0x50`, 'any: it sets some bits of the mark'],
  ['-A PREROUTING -p tcp -j CONNMARK --restore-mark', 'any: what CONNMARK sets depends on the connection'],
  ['-A PREROUTING -p tcp -j HMARK --hmark-mod 5', 'any: what HMARK sets depends on the connection'],
  ['-A PREROUTING -p tcp -j TPROXY --on-port 1 --tproxy-mark 0x50/0xffffffff', '80: it is a transparent proxy'],
  // No marks of packets.
  ['-A PREROUTING -j CONNMARK --save-mark', undefined],
  [`-A PREROUTING ${VIP} -p tcp --dport 80 -j ACCEPT`, undefined],
  ['-A PREROUTING -m comment --comment "-j MARK --set-mark 80"', undefined],
  [':PREROUTING ACCEPT [0:0]', undefined],
  ['-A', undefined],
];

for (const [line, said] of IPTABLES) {
  test(`iptables: '${line}' is ${said ?? 'nothing'}`, () => {
    const { rules, problem } = readRules(FILE, `*mangle\n${line}\nCOMMIT\n`);
    assert.equal(problem, undefined);
    assert.deepEqual(rules.map(told), said === undefined ? [] : [said]);
    for (const { place } of rules) assert.deepEqual(place, { file: FILE, line: 2, column: 1 });
  });
}

/** Of rules/nft-list.txt, which nft 1.0.6 printed for rules/nft-list.nft; by handle of the rule. */
const NFT: readonly string[] = [
  '80: TCP 203.0.113.10 80; TCP 203.0.113.10 443',
  '21: TCP 203.0.113.10 10000-20000',
  '21: TCP 203.0.113.10 21',
  '53: UDP 2001:db8::10 53',
  ...['7: TCP 203.0.113.10 80; TCP 203.0.113.10 443; TCP 203.0.113.10 8000-8100; TCP 203.0.113.16 80; TCP 203.0.113.16 443'],
  '8: TCP 203.0.113.0 53; UDP 203.0.113.0 53; TCP 203.0.113.1 53; UDP 203.0.113.1 53; TCP 203.0.113.2 53',
  '9: SCTP 203.0.113.10 0-65535',
  "80: it depends on 'iifname'",
  '25: it names no destination (ip daddr)',
  'any: the mark it sets depends on the packet',
  'any: the mark it sets depends on the packet',
  "80: it compares with '!='",
  "11: it depends on ''",
  'any: the mark it sets depends on the packet',
  '80: its chain is not at prerouting or input',
];

test('nft: rules are read as nft prints them', () => {
  const text = readFileSync(join(sourceDirectory('rules'), 'nft-list.txt'), 'utf8');
  const { rules, problem } = readRules(FILE, text);
  assert.equal(problem, undefined);
  // Of many listeners the first five are enough to see.
  assert.deepEqual(
    rules.map((rule) => told(rule).split('; ').slice(0, 5).join('; ')),
    NFT,
  );
  for (const { place } of rules) assert.match(text.slice(place.column - 1), /^"rule": \{/);
});

const NO_RULES = ['', 'hello', '{', '{}', '[]', '{"nftables": 5}', '{"nftables": null}'];
for (const text of NO_RULES) {
  test(`'${text}' is no list of rules`, () => assert.match(String(readRules(FILE, text).problem), /^this is n/));
}

test('nft: whatever its output has become, reading it ends with a value', () => {
  const words = fc.constantFrom(
    'rule',
    'expr',
    'match',
    'left',
    'right',
    'mangle',
    'key',
    'meta',
    'mark',
    'value',
    'set',
    'range',
    'op',
    'xt',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(null, 80, '==', '@x', 'mark', 'tcp'),
      fc.array(tie('tree')),
      tie('node'),
    ),
    node: fc.dictionary(words, tie('tree')),
  }));
  fc.assert(
    fc.property(fc.array(tree), (items) => {
      const { rules } = readRules(FILE, JSON.stringify({ nftables: items }));
      for (const rule of rules) assert.equal(typeof told(rule), 'string');
    }),
  );
});

test('iptables: whatever stands in a file, reading it ends with a value', () => {
  const words = fc.constantFrom(
    '-A',
    'PREROUTING',
    '-d',
    '203.0.113.10/32',
    '-p',
    'tcp',
    '-j',
    'MARK',
    '--set-mark',
    '80',
    '!',
    '"',
    '\n',
    '--dport',
    '/',
  );
  fc.assert(
    fc.property(fc.array(words), (line) => {
      const { rules } = readRules(FILE, `*mangle\n${line.join(' ')}`);
      for (const rule of rules) assert.equal(typeof told(rule), 'string');
    }),
  );
});

function told(rule: MarkRule): string {
  const said = rule.kind === 'read' ? rule.listeners.map(listenerText).join('; ') : rule.why;
  return `${rule.mark ?? 'any'}: ${said}`;
}
