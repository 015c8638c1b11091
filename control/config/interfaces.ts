// Which interfaces the data plane must have where the configuration does not say: those of the virtual addresses and those towards the
// real servers.

import { bitsOf, parseAddress, widthOf } from './address.js';
import type { Host } from './host-check.js';
import type { Config, VirtualServer } from './model.js';

interface Subnet {
  readonly interface: string;
  readonly family: 4 | 6;
  readonly shift: bigint;
  readonly bits: bigint;
}

/** Remembers what it has found for a service, as long as the host's addresses stay: of thousands a reload changes hardly ever more than a few. */
export class DataplaneInterfaces {
  #found = new WeakMap<VirtualServer, readonly string[]>();
  #hostText = '';

  /** In the order of first mention, each once. */
  *of(config: Config, host: Host): Generator<undefined, readonly string[], undefined> {
    if (config.settings.interfaces !== undefined) return config.settings.interfaces;
    this.#lookAt(host);
    const subnets = subnetsOf(host);
    const all = new Set(virtualInterfaces(config));
    for (const service of config.virtualServers) {
      const found = this.#found.get(service) ?? towardsService(service, subnets);
      this.#found.set(service, found);
      for (const name of found) all.add(name);
      yield;
    }
    return [...all];
  }

  #lookAt({ interfaces }: Host): void {
    const text = JSON.stringify(interfaces.map(({ name, addresses }) => [name, addresses]));
    if (text !== this.#hostText) this.#found = new WeakMap();
    this.#hostText = text;
  }
}

function virtualInterfaces({ instances }: Config): string[] {
  // What is made for a virtual MAC stands on an interface that carries its frames.
  const below = new Map(instances.flatMap(({ virtualMacs = [] }) => virtualMacs.map(({ name, base }) => [name, base] as const)));
  return instances.flatMap((instance) => [
    instance.interface,
    ...[...instance.addresses, ...instance.excludedAddresses].flatMap(({ device }) =>
      device === undefined ? [] : (below.get(device) ?? device),
    ),
  ]);
}

/** Without those of one address, which nothing is behind. */
function subnetsOf({ interfaces }: Host): Subnet[] {
  return interfaces.flatMap(({ name, addresses }) =>
    addresses.flatMap((own): Subnet[] => {
      const address = parseAddress(own.address);
      if (address === undefined || own.prefixLength >= widthOf(address.family)) return [];
      const shift = BigInt(widthOf(address.family) - own.prefixLength);
      return [{ interface: name, family: address.family, shift, bits: bitsOf(address) >> shift }];
    }),
  );
}

function towardsService({ listeners, realServers }: VirtualServer, subnets: readonly Subnet[]): string[] {
  const addresses = new Set([...listeners, ...realServers].map(({ address }) => address));
  return [...new Set([...addresses].flatMap((address) => towards(address, subnets) ?? []))];
}

function towards(text: string, subnets: readonly Subnet[]): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const bits = bitsOf(address);
  return subnets.find((subnet) => subnet.family === address.family && subnet.bits === bits >> subnet.shift)?.interface;
}
