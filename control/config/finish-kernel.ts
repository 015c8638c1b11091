// What the configuration asks of the kernel, finished: which interface each address goes to, and which interfaces are made for it.

import type { GlobalDraft, InstanceDraft, TopDraft } from './draft.js';
import { at } from './finding.js';
import type { StaticAddress, StaticAddressDraft, Statics, VirtualMac } from './kernel.js';
import type { VirtualAddress, VrrpInstance } from './model.js';
import type { Report } from './report.js';

/** keepalived's, where `default_interface` does not say. */
const DEFAULT_INTERFACE = 'eth0';
const NAME_LENGTH = 15;

type KernelPart = Pick<
  VrrpInstance,
  | 'addresses'
  | 'excludedAddresses'
  | 'virtualMac'
  | 'virtualMacs'
  | 'routes'
  | 'rules'
  | 'staticInterfaces'
  | 'noAccept'
  | 'promoteSecondaries'
>;

/** Gives each interface that is made a name that no other has; the same configuration always gets the same ones. */
export class InterfaceNames {
  private readonly taken: Set<string>;

  constructor(instances: readonly InstanceDraft[]) {
    this.taken = new Set(instances.flatMap(({ virtualMac }) => virtualMac?.name ?? []));
  }

  /** As keepalived: PREFIX.VRID, PREFIX6.VRID for a second one of IPv6, and on with other numbers. */
  next(prefix: string, virtualRouterId: number, family: 4 | 6): string {
    const numbers = ['', ...(family === 6 ? ['6'] : []), ...Array.from({ length: 300 }, (_, i) => String(i + 1))];
    const name = numbers.map((number) => shortened(prefix, `${number}.${virtualRouterId}`)).find((each) => !this.taken.has(each));
    this.taken.add(name ?? '');
    return name ?? '';
  }
}

function shortened(prefix: string, rest: string): string {
  return prefix.slice(0, NAME_LENGTH - rest.length) + rest;
}

interface Surroundings {
  readonly interface: string;
  readonly virtualRouterId: number;
  readonly family: 4 | 6;
  readonly global: GlobalDraft;
  readonly names: InterfaceNames;
  readonly staticInterfaces: readonly string[];
  readonly report: Report;
}

export function finishKernelPart(draft: InstanceDraft, surroundings: Surroundings): KernelPart {
  if (draft.transmitsByBase && draft.virtualMac === undefined)
    surroundings.report.modified(at(draft.places, 'vmac_xmit_base'), 'vmac_xmit_base has no effect without use_vmac');
  const own = ownMac(draft, surroundings);
  const made: VirtualMac[] = own === undefined ? [] : [own];
  const place = (address: VirtualAddress) => placed(address, { draft, surroundings, made });
  const addresses = draft.addresses.map(place);
  const excludedAddresses = draft.excludedAddresses.map(place);
  return {
    addresses,
    excludedAddresses,
    ...(own && { virtualMac: { interface: own.name, transmitsByBase: transmitsByBase(draft, surroundings) } }),
    ...(made.length > 0 && { virtualMacs: made }),
    ...(draft.routes.length > 0 && { routes: draft.routes }),
    ...(draft.rules.length > 0 && { rules: draft.rules }),
    ...(surroundings.staticInterfaces.length > 0 && { staticInterfaces: [...new Set(surroundings.staticInterfaces)] }),
    ...(draft.accept === false && { noAccept: true as const }),
    ...(draft.promoteSecondaries && { promoteSecondaries: true as const }),
  };
}

/** To single peers adverts go where routes lead, which is by the interface itself. */
function transmitsByBase({ transmitsByBase: written = false, unicastPeers, places }: InstanceDraft, { report }: Surroundings): boolean {
  if (written || unicastPeers.length === 0) return written;
  report.warning(at(places, 'use_vmac'), 'with unicast_peer adverts go by the interface itself', 'write vmac_xmit_base to say so');
  return true;
}

function ownMac(
  { virtualMac }: InstanceDraft,
  { interface: base, virtualRouterId, family, global, names }: Surroundings,
): VirtualMac | undefined {
  if (virtualMac === undefined) return undefined;
  const { name = names.next(global.virtualMacPrefix ?? 'vrrp', virtualRouterId, family), mac, group } = virtualMac;
  return { name, base, mac: macOf(mac, virtualRouterId, family), family, ...(group === undefined ? {} : { group }) };
}

/** RFC 9568 7.3 */
function macOf(written: string | undefined, virtualRouterId: number, family: 4 | 6): string {
  const last = virtualRouterId.toString(16).padStart(2, '0');
  if (written === undefined) return `00:00:5e:00:0${family === 4 ? 1 : 2}:${last}`;
  return written.length === 17 ? written : `${written}:${last}`;
}

interface Placing {
  readonly draft: InstanceDraft;
  readonly surroundings: Surroundings;
  readonly made: VirtualMac[];
}

/** Without a dev an address goes where the adverts' MAC is; with one, to a macvlan there when that is asked for. */
function placed(
  { useVirtualMac, ...address }: VirtualAddress & { readonly useVirtualMac?: true },
  { draft, surroundings, made }: Placing,
): VirtualAddress {
  const own = draft.virtualMac === undefined ? undefined : made[0];
  const wanted = useVirtualMac ?? draft.useVirtualMacForAddresses ?? false;
  const elsewhere = address.device !== undefined && address.device !== surroundings.interface;
  const otherFamily = address.family !== surroundings.family;
  if (own !== undefined && address.device === undefined && !(wanted && otherFamily)) return { ...address, device: own.name };
  if (!wanted || !(elsewhere || otherFamily || own === undefined)) return address;
  return { ...address, device: macOn(address.device ?? surroundings.interface, address.family, { draft, surroundings, made }).name };
}

function macOn(base: string, family: 4 | 6, { draft, surroundings: { virtualRouterId, global, names }, made }: Placing): VirtualMac {
  const known = made.find((each) => each.base === base && each.family === family);
  if (known !== undefined) return known;
  const prefix = global.virtualMacAddressPrefix ?? global.virtualMacPrefix ?? 'vrrp';
  const mac = macOf(draft.virtualMac?.mac, virtualRouterId, family);
  const next = { name: names.next(prefix, virtualRouterId, family), base, mac, family };
  made.push(next);
  return next;
}

/** By the name of the instance: the interfaces of what stands in its track_group. */
export function trackedStatics(
  { statics: { addresses, routes, rules }, trackGroups, global }: TopDraft,
  report: Report,
): ReadonlyMap<string, readonly string[]> {
  const tracked = new Map<string, string[]>();
  const all = [
    ...addresses.map(({ trackGroup, place, device = global.defaultInterface ?? DEFAULT_INTERFACE }) => ({
      trackGroup,
      place,
      devices: [device],
    })),
    ...routes.map(({ trackGroup, place, hops }) => ({ trackGroup, place, devices: hops.flatMap(({ device }) => device ?? []) })),
    ...rules.map(({ trackGroup, place, inInterface }) => ({ trackGroup, place, devices: inInterface === undefined ? [] : [inInterface] })),
  ];
  for (const { trackGroup, place, devices } of all) {
    if (trackGroup === undefined) continue;
    const groups = trackGroups.filter(({ name }) => name === trackGroup);
    if (groups.length === 0) report.warning(place, `there is no track_group ${trackGroup}`);
    for (const name of groups.flatMap(({ members }) => members)) tracked.set(name, [...(tracked.get(name) ?? []), ...devices]);
  }
  return tracked;
}

export function finishStatics({ statics: { addresses, routes, rules }, global }: TopDraft): { readonly statics?: Statics } {
  if (addresses.length + routes.length + rules.length === 0) return {};
  const device = global.defaultInterface ?? DEFAULT_INTERFACE;
  return { statics: { addresses: addresses.map((address) => withDevice(address, device)), routes, rules } };
}

function withDevice(address: StaticAddressDraft, device: string): StaticAddress {
  return { ...address, device: address.device ?? device };
}
