// What stands after `virtual_server` → what the service is called and what traffic it is for.

import type { Listener, Protocol, ServiceIdentity } from '../../dataplane/protocol.js';
import { familyOf } from './address.js';
import type { TlsFiles } from './checker.js';
import type { GlobalDraft, GroupDraft, GroupEntry, VirtualServerDraft } from './draft.js';
import { disjoint, listenersOn, portsOf } from './listeners.js';
import type { Marks } from './marks.js';
import type { Place } from './model.js';
import type { Report } from './report.js';

export interface Surroundings {
  readonly marks: Marks;
  readonly groups: readonly GroupDraft[];
  readonly global: GlobalDraft;
  readonly checks: CheckSurroundings;
  readonly report: Report;
}

/** What is written elsewhere and concerns every check. */
export interface CheckSurroundings {
  readonly tls: TlsFiles;
  readonly logAllFailures: boolean;
  /** Of each track_file, what it is worth. */
  readonly files: ReadonlyMap<string, { readonly weight: number; readonly reverse: boolean }>;
  /** Names of bfd_instances. */
  readonly sessions: ReadonlySet<string>;
}

export interface Resolved {
  readonly identity: ServiceIdentity;
  readonly family: 4 | 6;
  readonly listeners: readonly Listener[];
  /** Where a server without a port listens; 0: where the client asked. */
  readonly port: number;
  /** keepalived keeps clients of such a service on their servers. */
  readonly everyPort: boolean;
}

/** Nothing when it cannot be told; why not is reported. */
export function resolveHead(draft: VirtualServerDraft, surroundings: Surroundings): Resolved | undefined {
  const { head } = draft;
  switch (head.kind) {
    case 'address':
      return addressService(draft, head, surroundings);
    case 'fwmark':
      return markService(draft, head.mark, surroundings);
    case 'group':
      return groupService(draft, head.group, surroundings);
  }
}

type Head<Kind> = Extract<VirtualServerDraft['head'], { kind: Kind }>;

function addressService(draft: VirtualServerDraft, head: Head<'address'>, { report }: Surroundings): Resolved | undefined {
  const { addresses, written, port } = head;
  const [first] = addresses;
  if (first === undefined || contradicts(draft, first.family, report)) return undefined;
  const protocol = protocolOf(draft, report);
  const identity: ServiceIdentity =
    addresses.length === 1
      ? { kind: 'address', protocol, address: first.text, port }
      : { kind: 'group', protocol, group: port === 0 ? written : `${written} ${port}` };
  return { identity, family: first.family, listeners: listenersOn(addresses, [protocol], [portsOf(port)]), port, everyPort: port === 0 };
}

function markService(draft: VirtualServerDraft, mark: number, { marks, report }: Surroundings): Resolved | undefined {
  if (draft.protocol !== undefined) {
    const hint = 'it has the protocols of its mark';
    report.modified(placeOf(draft, 'protocol'), 'the protocol of a virtual server of a firewall mark is ignored', hint);
  }
  const family = familyOfServers(draft);
  const listeners = meaning(mark, family, { marks, report }, placeOf(draft));
  const identity = { kind: 'fwmark', mark, family } as const;
  return listeners === undefined ? undefined : { identity, family, listeners: disjoint(listeners), port: 0, everyPort: false };
}

function groupService(draft: VirtualServerDraft, name: string, { marks, groups, report }: Surroundings): Resolved | undefined {
  const group = groups.find((candidate) => candidate.name === name);
  const entries = group?.entries ?? [];
  if (entries.length === 0) {
    report.error(
      placeOf(draft),
      group === undefined ? `there is no virtual_server_group ${name}` : `virtual_server_group ${name} is empty`,
    );
    return undefined;
  }
  const family = familyOfGroup(draft, entries);
  const protocol = entries.some(({ kind }) => kind === 'addresses') ? protocolOf(draft, report) : draft.protocol;
  const parts = entries.map((entry) => listenersOf(entry, protocol ?? 'udp', family, { marks, report }));
  if (contradicts(draft, family, report) || parts.some((part) => part === undefined)) return undefined;
  const listeners = disjoint(parts.flatMap((part) => part ?? []));
  const identity = { kind: 'group', group: name, protocol: protocol ?? listeners[0]?.protocol ?? 'udp' } as const;
  const everyPort = entries.some((entry) => entry.kind === 'addresses' && entry.port === 0);
  return { identity, family, listeners, port: 0, everyPort };
}

function listenersOf(
  entry: GroupEntry,
  protocol: Protocol,
  family: 4 | 6,
  surroundings: Pick<Surroundings, 'marks' | 'report'>,
): readonly Listener[] | undefined {
  const { place } = entry;
  const families = entry.kind === 'fwmark' ? [entry.family ?? family] : entry.addresses.map((address) => address.family);
  if (families.every((one) => one === family)) {
    if (entry.kind === 'fwmark') return meaning(entry.mark, family, surroundings, place);
    return listenersOn(entry.addresses, [protocol], [portsOf(entry.port)]);
  }
  surroundings.report.error(place, `this is not IPv${family} like the rest of the service`, 'NAT cannot go from one family to the other');
  return undefined;
}

function meaning(mark: number, family: 4 | 6, { marks, report }: Pick<Surroundings, 'marks' | 'report'>, place: Place) {
  const all = marks.get(mark) ?? [];
  const own = all.filter(({ address }) => familyOf(address) === family);
  if (own.length > 0) return own;
  const message = all.length === 0 ? `nothing says what mark ${mark} stands for` : `mark ${mark} stands for no IPv${family} address`;
  report.error(place, message, `write firewall_mark ${mark} { ADDRESS PROTOCOL PORTS } or firewall_rules FILE in natlb { }`);
  return undefined;
}

/** A trap of keepalived's: everybody who leaves it out means TCP. */
function protocolOf(draft: VirtualServerDraft, report: Report): Protocol {
  if (draft.protocol !== undefined) return draft.protocol;
  const message = 'this virtual server has no protocol and therefore forwards UDP, NOT TCP';
  report.modified(placeOf(draft), message, "write 'protocol TCP' if that is meant");
  return 'udp';
}

function contradicts({ ipFamily, places }: VirtualServerDraft, family: 4 | 6, report: Report): boolean {
  if (ipFamily === undefined || ipFamily === family) return false;
  const place = places.ip_family ?? placeOf({ places });
  report.error(place, `ip_family is not that of the addresses, which are IPv${family}`, 'leave it out: only firewall marks need it');
  return true;
}

function familyOfGroup(draft: VirtualServerDraft, entries: readonly GroupEntry[]): 4 | 6 {
  const known = entries.flatMap((entry) => (entry.kind === 'fwmark' ? (entry.family ?? []) : entry.addresses.map(({ family }) => family)));
  return known[0] ?? familyOfServers(draft);
}

/** As keepalived finds it: what is said, else the servers', else that of the mask. */
function familyOfServers({ ipFamily, realServers, sorryServer, granularity }: VirtualServerDraft): 4 | 6 {
  const [server] = realServers.map(({ address }) => address.family);
  const sorry = sorryServer === undefined ? undefined : familyOf(sorryServer.address);
  const mask = granularity === undefined || granularity.includes('.') ? 4 : 6;
  return ipFamily ?? server ?? sorry ?? mask;
}

function placeOf({ places }: Pick<VirtualServerDraft, 'places'>, keyword = 'block'): Place {
  return places[keyword] ?? places.block ?? { file: '', line: 1, column: 1 };
}
