// What instances need of the interfaces they run on: whether they can, from which address, and the sockets, one for each interface and family.

import type { VrrpInstance } from '../config/model.js';
import { addressBytes, addressText, isLinkLocal } from './address-bytes.js';
import { type AdvertSocket, openAdvertSocket } from './advert-socket.js';
import type { HostInterface, VrrpHost } from './host.js';
import { advertInterface } from './interfaces.js';
import type { Received } from './packet.js';
import { OWNER_PRIORITY } from './state.js';
import { type Wanted, wantedOf } from './wanted.js';

export interface LinksOptions {
  readonly host: VrrpHost;
  /** All that run, or will. */
  readonly instances: () => readonly VrrpInstance[];
  readonly received: (interfaceName: string, packet: Received) => void;
  readonly failed: (text: string) => void;
  /** Something may have become possible or impossible that no link change will tell of. */
  readonly lookAgain: () => void;
}

const REOPEN_MS = 1_000;

/** Why the instance cannot run on `link`, in the operator's words; undefined: it can. */
export function linkFault(instance: VrrpInstance, link: HostInterface | undefined, virtual: ReadonlySet<string>): string | undefined {
  if (link === undefined) return `interface ${instance.interface} does not exist`;
  if (!link.up && !instance.dontTrackPrimary) return `interface ${instance.interface} down`;
  const { target, sourceAddress: own, trackSource } = instance;
  if (target.kind === 'unicast' && target.peers.length === 0) return 'unicast without any peers';
  if (own !== undefined && trackSource && !link.addresses.some(({ address }) => canonical(address) === canonical(own)))
    return `address ${own} is not on interface ${instance.interface}`;
  if (sourceAddress(instance, link, virtual) !== undefined) return undefined;
  return `no ${instance.family === 4 ? 'IPv4' : 'IPv6 link-local'} address for interface ${instance.interface}`;
}

/** What is configured, or the interface's own primary address: never a virtual one, whatever order they are in, but for the owner, whose own they are. */
export function sourceAddress(instance: VrrpInstance, link: HostInterface, virtual: ReadonlySet<string>): string | undefined {
  const { family, priority, sourceAddress: configured } = instance;
  if (configured !== undefined) return canonical(configured);
  const usable = link.addresses.filter((each) => each.family === family && (family === 4 || isLinkLocal(each.address)));
  // Among thousands of virtual ones its own comes first, and is asked for with every advert.
  const own = usable.find(({ address }) => !virtual.has(canonical(address))) ?? (priority === OWNER_PRIORITY ? usable[0] : undefined);
  return own && canonical(own.address);
}

export function virtualAddresses(instances: readonly VrrpInstance[]): ReadonlySet<string> {
  return new Set(instances.flatMap(heldAddresses).map(({ address }) => canonical(address)));
}

export function heldAddresses({ addresses, excludedAddresses }: VrrpInstance): VrrpInstance['addresses'] {
  return [...addresses, ...excludedAddresses];
}

function canonical(address: string): string {
  return addressText(addressBytes(address));
}

/** Sockets are opened when first wanted, and again when the interface was made anew. */
export class Links {
  private readonly sockets = new Map<string, { readonly socket: AdvertSocket; readonly wanted: string }>();
  private readonly options: LinksOptions;
  private reopen: NodeJS.Timeout | undefined;

  constructor(options: LinksOptions) {
    this.options = options;
  }

  /** Undefined when the instance has its sockets, else why not. */
  open(instance: VrrpInstance): string | undefined {
    const name = advertInterface(instance);
    const index = this.options.host.interface(name)?.index;
    if (index === undefined) return `interface ${name} does not exist`;
    const key = keyOf(name, instance.family);
    const known = this.sockets.get(key);
    const wanted = wantedOf(this.options.instances().filter((other) => keyOf(advertInterface(other), other.family) === key));
    const text = JSON.stringify(wanted);
    if (known?.socket.index === index && known.wanted === text) return undefined;
    this.sockets.delete(key);
    void known?.socket.close();
    try {
      this.sockets.set(key, { socket: this.openSocket(instance, index, wanted), wanted: text });
      return undefined;
    } catch (error) {
      this.tryAgain();
      return `no adverts on interface ${name}: ${(error as Error).message}`;
    }
  }

  private openSocket(instance: VrrpInstance, index: number, wanted: Wanted): AdvertSocket {
    const { host } = this.options;
    const { family } = instance;
    const name = advertInterface(instance);
    return openAdvertSocket({
      interface: name,
      index,
      family,
      ...wanted,
      hopLimitFilter: ({ lowest, highest }) => host.hopLimitFilter(lowest, highest),
      destinations: () => {
        const links = [...new Set([name, instance.interface])].map((each) => host.interface(each));
        const own = links.flatMap((link) => link?.addresses ?? []).filter((address) => address.family === 6);
        return [...wanted.groups, ...own.map(({ address }) => address)];
      },
      received: (packet) => this.options.received(name, packet),
      failed: (error) => this.options.failed(`adverts on ${name}: ${error.message}`),
      lost: () => this.lost(keyOf(name, family)),
    });
  }

  find(instance: VrrpInstance): AdvertSocket | undefined {
    return this.sockets.get(keyOf(advertInterface(instance), instance.family))?.socket;
  }

  /** Closes the sockets no instance needs. */
  async keepOnly(instances: readonly VrrpInstance[]): Promise<void> {
    const wanted = new Set(instances.map((instance) => keyOf(advertInterface(instance), instance.family)));
    const unwanted = [...this.sockets].filter(([key]) => !wanted.has(key));
    for (const [key] of unwanted) this.sockets.delete(key);
    await Promise.all(unwanted.map(([, { socket }]) => socket.close()));
  }

  async close(): Promise<void> {
    clearTimeout(this.reopen);
    await this.keepOnly([]);
  }

  private lost(key: string): void {
    const known = this.sockets.get(key);
    this.sockets.delete(key);
    void known?.socket.close();
    this.tryAgain();
  }

  private tryAgain(): void {
    clearTimeout(this.reopen);
    this.reopen = setTimeout(this.options.lookAgain, REOPEN_MS);
  }
}

function keyOf(name: string, family: 4 | 6): string {
  return `${name} ${family}`;
}
