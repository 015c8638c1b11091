// What is wrong with a configuration although every line of it is right: things that clash, miss each other or cannot work.

import { checkServices } from './check-services.js';
import { at, error, modified, repeated, warning } from './finding.js';
import { lint } from './lint.js';
import type { Config, Finding, SyncGroup, VrrpInstance } from './model.js';

export function check(config: Config): Finding[] {
  return [
    ...config.instances.flatMap((instance) => INSTANCE_CHECKS.flatMap((rule) => rule(instance))),
    ...checkServices(config.virtualServers),
    ...lint(config),
    ...CONFIG_CHECKS.flatMap((rule) => rule(config)),
  ];
}

const INSTANCE_CHECKS: readonly ((instance: VrrpInstance) => readonly Finding[])[] = [
  instanceWithoutAddress,
  addressesOfTwoFamilies,
  ipv6WithVersion2,
  firstIpv6Address,
  advertInterval,
  priorityOfOwner,
  preemption,
  authentication,
];

const CONFIG_CHECKS: readonly ((config: Config) => readonly Finding[])[] = [
  sameInstanceTwice,
  sameRouterIdTwice,
  sameAddressTwice,
  sameGroupTwice,
  membersOfGroups,
];

// Instances

function instanceWithoutAddress({ name, addresses, places }: VrrpInstance): Finding[] {
  if (addresses.length > 0 || places.no_virtual_ipaddress !== undefined) return [];
  return [modified(at(places), `vrrp_instance ${name} has no virtual_ipaddress`, 'it takes part in elections and holds nothing')];
}

function addressesOfTwoFamilies({ addresses, family }: VrrpInstance): Finding[] {
  return addresses
    .filter((address) => address.family !== family)
    .map(({ address, place }) =>
      error(place, `${address} is not IPv${family} like the first address of its instance`, 'use virtual_ipaddress_excluded'),
    );
}

function ipv6WithVersion2({ name, family, version, places }: VrrpInstance): Finding[] {
  if (family === 4 || version === 3) return [];
  return [error(at(places, 'version'), `vrrp_instance ${name} has IPv6 addresses, which VRRP version 2 cannot carry`, 'write version 3')];
}

/** RFC 9568 erratum 8300. Between unicast peers nobody goes by it. */
function firstIpv6Address({ family, addresses, target, strict }: VrrpInstance): Finding[] {
  const [first] = addresses;
  if (family === 4 || first?.family !== 6 || target.kind === 'unicast' || strict || /^fe[89ab]/i.test(first.address)) return [];
  const hint = 'add an address of fe80::/10 before it';
  return [warning(first.place, `the first address of an IPv6 instance should be link-local, and ${first.address} is not`, hint)];
}

/** Version 2 carries whole seconds in a byte, version 3 hundredths of seconds in twelve bits. */
function advertInterval({ version, advertIntervalMs, places }: VrrpInstance): Finding[] {
  const place = at(places, 'advert_int');
  if (version === 2 && advertIntervalMs % 1000 !== 0)
    return [error(place, 'VRRP version 2 can advertise whole seconds only', 'write version 3')];
  if (version === 3 && advertIntervalMs > 40_950) return [error(place, 'VRRP version 3 can advertise 40.95 seconds at most')];
  if (version === 3 && advertIntervalMs % 10 !== 0) return [error(place, 'VRRP version 3 can advertise hundredths of seconds only')];
  return [];
}

function priorityOfOwner({ name, priority, initialState, places }: VrrpInstance): Finding[] {
  if (priority !== 255) return [];
  const message = `priority 255 makes vrrp_instance ${name} the owner of its addresses: it takes them over at once, whoever has them`;
  const contrary = initialState === 'backup' ? 'state BACKUP is of no use with it' : undefined;
  return [warning(at(places, 'priority'), message, contrary)];
}

function preemption({ name, initialState, preempt, places }: VrrpInstance): Finding[] {
  if (initialState === 'backup' && places.nopreempt !== undefined && places.preempt_delay !== undefined && !preempt)
    return [modified(places.preempt_delay, `preempt_delay has no effect in vrrp_instance ${name}: it has nopreempt`)];
  if (initialState === 'backup') return [];
  const useless = [];
  const hint = 'write state BACKUP: the priority alone decides';
  // As keepalived does: who starts as master does not wait for anybody.
  if (places.nopreempt !== undefined)
    useless.push(modified(places.nopreempt, `nopreempt has no effect in vrrp_instance ${name}: it starts as MASTER`, hint));
  if (places.preempt_delay !== undefined)
    useless.push(modified(at(places, 'preempt_delay'), `preempt_delay has no effect in vrrp_instance ${name}: it starts as MASTER`, hint));
  return useless;
}

function authentication({ version, family, strict, hmac, authentication: { type }, places }: VrrpInstance): Finding[] {
  if (places.authentication === undefined || strict || hmac !== undefined || family === 6) return [];
  if (version === 3) return [modified(places.authentication, 'VRRP version 3 has no authentication; it is left out')];
  if (type === 'none') return [error(places.authentication, 'authentication needs auth_type PASS or AH, and auth_pass')];
  return [];
}

// All together

function sameInstanceTwice({ instances }: Config): Finding[] {
  return repeated(
    instances,
    ({ name }) => name,
    ({ places }) => at(places),
    ({ name }) => `there are two instances named ${name}`,
  );
}

function sameRouterIdTwice({ instances }: Config): Finding[] {
  return repeated(
    instances,
    (instance) => `${instance.interface} ${instance.family} ${instance.virtualRouterId}`,
    ({ places }) => at(places, 'virtual_router_id'),
    (instance, first) =>
      `${instance.name} and ${first.name} both have virtual_router_id ${instance.virtualRouterId} on ${instance.interface} (IPv${instance.family})`,
  );
}

/** One instance adds it once and advertises it as often as it stands there, like its neighbours; two would take it from each other. */
function sameAddressTwice({ instances }: Config): Finding[] {
  const all = instances.flatMap(({ name, addresses, excludedAddresses }) =>
    [...addresses, ...excludedAddresses].map(({ address, place }) => ({ name, address, place })),
  );
  const within = (item: { readonly name: string; readonly address: string }): string => `${item.name} ${item.address}`;
  const firsts = [...new Map(all.toReversed().map((item) => [within(item), item])).values()];
  const again = all.filter((item) => !firsts.includes(item));
  return [
    ...again.map(({ address, place }) => warning(place, `virtual address ${address} stands twice in its instance`)),
    ...repeated(
      firsts.toReversed(),
      ({ address }) => address,
      ({ place }) => place,
      ({ address }) => `virtual address ${address} stands twice`,
    ),
  ];
}

function sameGroupTwice({ syncGroups }: Config): Finding[] {
  return repeated(
    syncGroups,
    ({ name }) => name,
    ({ places }) => at(places),
    ({ name }) => `there are two sync groups named ${name}`,
  );
}

function membersOfGroups({ syncGroups, instances }: Config): Finding[] {
  const known = new Set(instances.map(({ name }) => name));
  const groupOf = new Map<string, string>();
  return syncGroups.flatMap((group) => [...membersOf(group, known, groupOf), ...(group.members.length < 2 ? [lonely(group)] : [])]);
}

function membersOf({ name, members, places }: SyncGroup, known: ReadonlySet<string>, groupOf: Map<string, string>): Finding[] {
  return members.flatMap((member) => {
    const other = groupOf.get(member);
    groupOf.set(member, other ?? name);
    if (!known.has(member)) return [error(at(places, 'group'), `sync group ${name} names ${member}, and there is no such vrrp_instance`)];
    return other === undefined ? [] : [error(at(places, 'group'), `${member} is in sync group ${other} already`)];
  });
}

function lonely({ name, members, places }: SyncGroup): Finding {
  return modified(at(places), `sync group ${name} has ${members.length === 0 ? 'no member' : 'one member only'}`);
}
