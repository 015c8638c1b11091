// The guard's chains for VRRP: what is sent to an address of `no_accept`, and what an interface with a virtual MAC must not say. nft(8).

import type { VrrpInstance } from '../config/model.js';

export type GuardedInstance = Pick<VrrpInstance, 'addresses' | 'excludedAddresses' | 'noAccept' | 'priority' | 'virtualMacs'>;

/** keepalived's, where `nftables_priority` does not say. */
const PRIORITY = -1;
const OWNER_PRIORITY = 255;
const NEIGHBOUR_DISCOVERY = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept';
/** Switches learn where a MAC is from what it sends, and a backup's interface would tell them that it is there. */
const HEARD_BY_SWITCHES = ['ip protocol igmp', 'icmpv6 type { mld-listener-report, mld2-listener-report, nd-router-solicit }'];

/** None when no instance asks for it. What is for services the data plane has taken before. */
export function vrrpChains(instances: readonly GuardedInstance[]): string[] {
  const refused = instances
    .filter(({ noAccept, priority }) => noAccept && priority !== OWNER_PRIORITY)
    .flatMap(({ addresses, excludedAddresses }) => [...addresses, ...excludedAddresses]);
  const made = instances.flatMap(({ virtualMacs = [] }) => virtualMacs.map(({ name }) => `"${name}"`));
  const quiet = made.length === 0 ? [] : HEARD_BY_SWITCHES.map((what) => `oifname { ${made.join(', ')} } ${what} drop`);
  const output = [...quiet, ...refusals(refused, 'saddr')];
  return [...chain('accepted', 'input', refusals(refused, 'daddr')), ...chain('said', 'output', output)];
}

function refusals(refused: VrrpInstance['addresses'], end: 'saddr' | 'daddr'): string[] {
  const of = (family: 4 | 6) => refused.filter((each) => each.family === family).map(({ address }) => address);
  const [four, six] = [of(4), of(6)];
  return [
    ...(four.length === 0 ? [] : [`ip ${end} { ${four.join(', ')} } counter drop comment "no_accept"`]),
    ...(six.length === 0 ? [] : [NEIGHBOUR_DISCOVERY, `ip6 ${end} { ${six.join(', ')} } counter drop comment "no_accept"`]),
  ];
}

function chain(name: string, hook: 'input' | 'output', rules: readonly string[]): string[] {
  if (rules.length === 0) return [];
  const head = `    type filter hook ${hook} priority ${PRIORITY}; policy accept;`;
  return [`  chain ${name} {`, head, ...rules.map((rule) => `    ${rule}`), '  }'];
}
