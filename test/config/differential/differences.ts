// Where natlb answers otherwise than keepalived on purpose, and why. What no row here explains is a mistake.

import type { Finding } from '../../../control/config/model.js';
import type { Verdict } from './keepalived.js';

export interface Difference {
  readonly name: string;
  readonly reason: string;
  /** What natlb finds and keepalived does not. */
  readonly natlb?: RegExp;
  /** What keepalived says and natlb does not. */
  readonly keepalived?: RegExp;
  /** Only where the other side says this, too. */
  readonly beside?: RegExp;
  /** Only where the other side does not say this. */
  readonly unless?: RegExp;
  /** A file that shows it. */
  readonly example: string;
}

const SERVER = 'real_server 10.0.0.2 80 {\n}\n';
const SERVICE = `protocol TCP\nlb_algo rr\nlb_kind NAT\n${SERVER}`;
const INSTANCE = 'interface eth0\nvirtual_router_id 1\n';

const PROGRAMS = /enable_script_security is not$/;
const VIOLATION = /^SECURITY VIOLATION/;

export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'forwarding methods other than NAT',
    reason: 'natlb forwards with NAT only',
    natlb: /^forwarding method \S+ is not there/,
    example: `virtual_server 10.0.0.1 80 {\n${SERVICE.replace('NAT', 'DR')}}\n`,
  },
  {
    name: 'schedulers for caches',
    reason: 'lblc and lblcr are for caches of a transparent proxy',
    natlb: /^scheduler lblcr? is not there/,
    example: `virtual_server 10.0.0.1 80 {\n${SERVICE.replace('rr', 'lblc')}}\n`,
  },
  {
    name: 'firewall marks that nothing sets',
    reason: 'natlb has no kernel rules in front of it, so it must be told what a mark stands for',
    natlb: /^nothing says what mark \d+ stands for/,
    example: `virtual_server fwmark 1 {\n${SERVICE.replace('protocol TCP\n', '')}}\n`,
  },
  {
    name: 'one address in two instances',
    reason: 'whichever of them stops being master takes it away from the other',
    natlb: /^virtual address \S+ stands twice$/,
    example: `vrrp_instance A {\n${INSTANCE}virtual_ipaddress {\n10.0.0.1\n}\n}\nvrrp_instance B {\n${INSTANCE.replace('1\n', '2\n')}virtual_ipaddress {\n10.0.0.1\n}\n}\n`,
  },
  {
    name: 'one service twice',
    reason: 'keepalived merges them silently, and what the second says is lost',
    natlb: /^there are two virtual servers |^real_server \S+ \d+ stands twice/,
    example: `virtual_server 10.0.0.1 80 {\n${SERVICE}}\nvirtual_server 10.0.0.1 80 {\n${SERVICE.replace('0.2', '0.3')}}\n`,
  },
  {
    name: 'included files that are missing',
    reason: 'keepalived goes on without what the operator believes is there',
    natlb: /^cannot read /,
    example: 'include /nowhere.conf\n',
  },
  {
    name: 'lines that go on behind a backslash',
    reason: 'keepalived joins the lines of definitions only, and takes the backslash of others for a part of the word',
    keepalived: /^Unknown keyword '.*\\'/,
    example: 'global_defs {\nenable_script_security \\\n}\n',
  },
  {
    name: 'timers of more than 24 days',
    reason: 'the timers of Node end there',
    natlb: /^expected seconds from .*found '\d{8,}'/,
    example: `virtual_server 10.0.0.1 80 {\n${SERVICE}delay_loop 99999999\n}\n`,
  },
  {
    name: 'names of mail servers',
    reason: 'natlb looks them up when there is something to send',
    keepalived: /^Invalid smtp server /,
    example: 'global_defs {\nsmtp_server nowhere.invalid 25\n}\n',
  },
  {
    name: 'names of mail addresses',
    reason: 'a word that is no address would be refused by the server that takes the mail',
    natlb: /^expected an address, found /,
    example: 'global_defs {\nnotification_email {\nnobody at home\n}\n}\n',
  },
  {
    name: 'a password without auth_type',
    reason: 'keepalived goes on without authentication, which is not what a password is written for',
    natlb: /^authentication needs auth_type/,
    example: `vrrp_instance A {\n${INSTANCE}authentication {\nauth_pass secret\n}\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n`,
  },
  {
    name: 'routes with two destinations',
    reason: 'keepalived takes the last one without a word',
    natlb: /^unknown option '[\da-f.:]+(?:\/\d+)?' of a route$/,
    example: 'static_routes {\n10.1.0.0/16 10.2.0.0/16 via 192.168.0.1 dev eth0\n}\n',
  },
  {
    name: 'programs beside interfaces that are missing',
    reason: 'keepalived gives up before it looks at the programs, and another interface is all it takes to be where natlb is',
    natlb: PROGRAMS,
    beside: /^Non-existent interface specified in configuration/,
    unless: VIOLATION,
    example: `vrrp_script c {\nscript /bin/true\n}\nvrrp_instance A {\n${INSTANCE.replace('eth0', 'eth9')}track_script {\nc\n}\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n`,
  },
  {
    name: 'programs in blocks that nobody knows',
    reason: 'keepalived reads what is in them as if it stood outside',
    keepalived: VIOLATION,
    beside: /^unknown keyword /,
    unless: PROGRAMS,
    example:
      'bogus {\n}\nbogus {\nvrrp_script c {\nscript /bin/true\n}\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\ntrack_script {\nc\n}\n}\n',
  },
  {
    name: 'routes without dev',
    reason: 'keepalived 2.3 and later track them without a word',
    keepalived: /^Warning - cannot track route \S+ with no interface specified/,
    example: 'static_routes {\n10.1.0.0/16 via 192.168.0.1\n}\n',
  },
];

function applies({ beside, unless }: Difference, others: readonly string[]): boolean {
  return (beside === undefined || others.some((line) => beside.test(line))) && !others.some((line) => unless?.test(line));
}

/** What of a verdict is left when intended differences are taken away. */
export interface Remainder {
  readonly findings: readonly Finding[];
  readonly said: readonly string[];
  readonly used: readonly string[];
}

export function without(findings: readonly Finding[], { said }: Verdict): Remainder {
  const used = new Set<string>();
  const others = { natlb: said, keepalived: findings.map(({ message }) => message) };
  const explained = (text: string, side: 'natlb' | 'keepalived'): boolean => {
    const row = DIFFERENCES.find((difference) => difference[side]?.test(text) && applies(difference, others[side]));
    if (row !== undefined) used.add(row.name);
    return row !== undefined;
  };
  return {
    findings: findings.filter((finding) => !explained(finding.message, 'natlb')),
    said: said.filter((line) => !explained(line, 'keepalived')),
    used: [...used],
  };
}
