// Which interfaces the data plane must have where the configuration does not say: those of the virtual addresses and those towards the
// real servers.

import { inSubnet, parseAddress, widthOf } from './address.js';
import type { Host, HostInterface } from './host-check.js';
import type { Config } from './model.js';

/** In the order of first mention, each once. */
export function dataplaneInterfaces(config: Config, host: Host): readonly string[] {
  if (config.settings.interfaces !== undefined) return config.settings.interfaces;
  // What is made for a virtual MAC stands on an interface that carries its frames.
  const below = new Map(config.instances.flatMap(({ virtualMacs = [] }) => virtualMacs.map(({ name, base }) => [name, base] as const)));
  const virtual = config.instances.flatMap((instance) => [
    instance.interface,
    ...[...instance.addresses, ...instance.excludedAddresses].flatMap(({ device }) =>
      device === undefined ? [] : (below.get(device) ?? device),
    ),
  ]);
  const addresses = new Set(
    config.virtualServers.flatMap(({ listeners, realServers }) => [...listeners, ...realServers].map(({ address }) => address)),
  );
  return [...new Set([...virtual, ...[...addresses].flatMap((address) => towards(address, host.interfaces))])];
}

function towards(text: string, interfaces: readonly HostInterface[]): string[] {
  const address = parseAddress(text);
  if (address === undefined) return [];
  const reaches = interfaces.filter(({ addresses }) =>
    addresses.some((own) => {
      const subnet = parseAddress(own.address);
      return subnet !== undefined && own.prefixLength < widthOf(address.family) && inSubnet(address, subnet, own.prefixLength);
    }),
  );
  return reaches.map(({ name }) => name).slice(0, 1);
}
