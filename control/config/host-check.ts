// What a configuration asks of the machine it is to run on: interfaces that exist, addresses its subnets can reach.

import { type Address, inSubnet, parseAddress, widthOf } from './address.js';
import type { Config, Finding, Place, VirtualAddress } from './model.js';

export interface Host {
  readonly interfaces: readonly HostInterface[];
  /** No natlb runs here: a virtual address the host has is somebody else's doing. Absent: not known. */
  readonly withoutNatlb?: boolean;
}

export interface HostInterface {
  readonly name: string;
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[];
}

interface Subnet {
  readonly interface: string;
  readonly address: Address;
  readonly prefixLength: number;
}

export function checkHost(config: Config, host: Host): Finding[] {
  const held = heldAddresses(config);
  const below = new Map(config.instances.flatMap(({ virtualMacs = [] }) => virtualMacs.map(({ name, base }) => [name, base] as const)));
  const subnets = [...hostSubnets(host), ...held.flatMap((address) => subnetOf(address.interface, address))];
  const made = config.instances.flatMap(({ virtualMacs = [] }) => virtualMacs.map(({ name }) => name));
  const names = new Set([...host.interfaces.map(({ name }) => name), ...made]);
  return [
    ...missingInterfaces(config, names),
    ...onLoopback(config),
    ...held
      .filter((address) => names.has(address.interface))
      .flatMap((address) => outside({ ...address, interface: below.get(address.interface) ?? address.interface }, subnets)),
    ...unreachable(config, subnets),
    ...nobodys(config, subnets),
    ...setByHand(held, host),
  ];
}

type Held = VirtualAddress & { readonly interface: string };

function heldAddresses({ instances }: Config): Held[] {
  return instances.flatMap((instance) =>
    [...instance.addresses, ...instance.excludedAddresses].map((address) => ({
      ...address,
      interface: address.device ?? instance.interface,
    })),
  );
}

function missingInterfaces(config: Config, names: ReadonlySet<string>): Finding[] {
  const { instances, settings, statics, global } = config;
  // What is not there may come.
  if (global.dynamicInterfaces !== undefined) return [];
  const wanted = [
    ...instances.map(({ interface: name, places }) => ({ name, place: places.interface })),
    ...instances.flatMap(({ addresses, excludedAddresses }) =>
      [...addresses, ...excludedAddresses].map(({ device, place }) => ({ name: device, place })),
    ),
    ...(statics?.addresses ?? []).map(({ device, place }) => ({ name: device, place })),
    ...[...(statics?.routes ?? []), ...instances.flatMap(({ routes = [] }) => routes)].flatMap(({ hops, place }) =>
      hops.map(({ device }) => ({ name: device, place })),
    ),
    ...(settings.interfaces ?? []).map((name) => ({ name, place: settings.places.interfaces })),
    ...trackedInterfaces(config),
  ];
  const hint = `this machine has ${[...names].join(', ') || 'none'}`;
  return wanted.flatMap(({ name, place }): Finding[] => {
    if (name === undefined || place === undefined || names.has(name)) return [];
    return [{ severity: 'error', place, message: `there is no interface ${name}`, hint }];
  });
}

/** Nobody on the wire asks for an address that is in nobody's subnet. One that brings a subnet along is its own reason. */
function outside({ address, interface: name, prefixLength, family, place }: Held, subnets: readonly Subnet[]): Finding[] {
  const local = subnets.filter(
    (subnet) => subnet.interface === name && subnet.address.family === family && subnet.prefixLength < widthOf(family),
  );
  if (prefixLength < widthOf(family) || isIn(address, local)) return [];
  return [
    warning(
      place,
      `virtual address ${address} is in no subnet of ${name}`,
      `${name} has ${local.map(show).join(', ') || `no IPv${family} subnet`}`,
    ),
  ];
}

function unreachable({ virtualServers }: Config, subnets: readonly Subnet[]): Finding[] {
  return virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ address, places }) => {
      if (places.block === undefined || isIn(address, subnets)) return [];
      return [warning(places.block, `real_server ${address} is in no local subnet`, 'its replies must come back through this router')];
    }),
  );
}

/** Until VRRP has had its say both routers would answer for it; then it goes, whoever put it there. */
function setByHand(held: readonly Held[], { interfaces, withoutNatlb = false }: Host): Finding[] {
  if (!withoutNatlb) return [];
  return held.flatMap(({ address, place }) =>
    interfaces
      .filter(({ addresses }) => addresses.some((own) => parseAddress(own.address)?.text === address))
      .map(({ name }) =>
        warning(
          place,
          `${name} has virtual address ${address} already, and no natlb runs here`,
          'VRRP takes it away unless this router is master',
        ),
      ),
  );
}

/** A service whose address neither VRRP nor the host holds never sees a packet. */
function nobodys({ virtualServers }: Config, subnets: readonly Subnet[]): Finding[] {
  const held = new Set(subnets.map(({ address }) => address.text));
  return virtualServers.flatMap(({ listeners, places: { block } }) => {
    if (block === undefined) return [];
    const lacking = [...new Set(listeners.map(({ address }) => address))].filter((address) => !held.has(address));
    const [address] = lacking;
    if (address === undefined) return [];
    const others = lacking.length === 1 ? '' : ` nor ${lacking.length - 1} more of this virtual server`;
    const reason =
      lacking.length === 1 ? 'it is in no virtual_ipaddress and not an address of this machine' : 'no virtual_ipaddress has them';
    return [warning(block, `nothing holds ${address}${others}: ${reason}`)];
  });
}

/** Those that are said to be; what virtual addresses are on is watched as well. */
function trackedInterfaces({ instances, syncGroups, tracking }: Config): { readonly name: string; readonly place: Place | undefined }[] {
  return tracking.instances.flatMap(({ name: instance, tracked }) => {
    const own = instances.find(({ name }) => name === instance);
    const group = syncGroups.find(({ members }) => members.includes(instance));
    const devices = new Set([...(own?.addresses ?? []), ...(own?.excludedAddresses ?? [])].map(({ device }) => device));
    return tracked
      .filter(({ kind, name }) => kind === 'interface' && !devices.has(name))
      .map(({ name }) => ({ name, place: own?.places.track_interface ?? group?.places.track_interface }));
  });
}

function onLoopback({ instances }: Config): Finding[] {
  return instances
    .filter((instance) => instance.interface === 'lo')
    .map(({ name, places }): Finding => {
      const place = places.interface ?? places.block ?? { file: '', line: 1, column: 1 };
      return { severity: 'error', place, message: `vrrp_instance ${name} is on lo, where it has no neighbours` };
    });
}

function hostSubnets({ interfaces }: Host): Subnet[] {
  return interfaces.flatMap(({ name, addresses }) => addresses.flatMap((address) => subnetOf(name, address)));
}

function subnetOf(name: string, { address, prefixLength }: { readonly address: string; readonly prefixLength: number }): Subnet[] {
  const parsed = parseAddress(address);
  return parsed === undefined ? [] : [{ interface: name, address: parsed, prefixLength }];
}

function isIn(text: string, subnets: readonly Subnet[]): boolean {
  const address = parseAddress(text);
  return (
    address !== undefined &&
    subnets.some((subnet) => subnet.prefixLength < widthOf(address.family) && inSubnet(address, subnet.address, subnet.prefixLength))
  );
}

function show({ address, prefixLength }: Subnet): string {
  return `${address.text}/${prefixLength}`;
}

function warning(place: Place, message: string, hint?: string): Finding {
  return { severity: 'warning', place, message, ...(hint === undefined ? {} : { hint }) };
}
