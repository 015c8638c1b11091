// What a configuration asks of the kernel's addresses, routes and rules, in rtnetlink's terms; numbers are rtnetlink's own.
// Read first: ip-address(8), ip-route(8), ip-rule(8).

import type { Place } from './place.js';

export interface Prefix {
  readonly address: string;
  readonly prefixLength: number;
}

export type AddressFlag = 'home' | 'mngtmpaddr' | 'noprefixroute' | 'autojoin' | 'dad';

/** What may be said of an address beside what it is. */
export interface AddressOptions {
  readonly broadcast?: string;
  readonly scope?: number;
  readonly label?: string;
  /** The other end; the prefix length is that of its subnet. */
  readonly peer?: string;
  readonly flags?: readonly AddressFlag[];
  /** Seconds, or for ever. Absent: for ever, but 0 for an IPv6 /128, which the host should not use as a source. */
  readonly preferredLifetime?: number | 'forever';
  /** Nothing happens when somebody else removes it. */
  readonly untracked?: true;
}

export interface StaticAddress extends AddressOptions, Prefix {
  readonly family: 4 | 6;
  readonly device: string;
  readonly trackGroup?: string;
  readonly place: Place;
}

/** Before it is known which interface the default one is. */
export type StaticAddressDraft = Omit<StaticAddress, 'device'> & { readonly device?: string };

export interface Hop {
  readonly gateway?: string;
  readonly device?: string;
  /** 1-256 */
  readonly weight?: number;
  readonly onLink?: true;
  readonly realms?: number;
}

export interface RouteMetric {
  /** RTAX_* */
  readonly number: number;
  readonly value: number | string;
}

export interface Route {
  readonly family: 4 | 6;
  /** RTN_* */
  readonly type: number;
  readonly destination: Prefix;
  readonly source?: Prefix;
  readonly preferredSource?: string;
  readonly tos?: number;
  readonly table: number;
  /** RTPROT_* */
  readonly protocol: number;
  readonly scope?: number;
  readonly priority?: number;
  /** None, for a blackhole; more than one share the traffic. */
  readonly hops: readonly Hop[];
  readonly metrics: readonly RouteMetric[];
  /** Of RTAX_*: what the kernel must not change. */
  readonly locked?: number;
  readonly preference?: number;
  readonly expiresS?: number;
  readonly ttlPropagate?: boolean;
  /** Where it goes among routes with the same destination. */
  readonly order: 'prepend' | 'add' | 'append';
  readonly tracked: boolean;
  readonly trackGroup?: string;
  /** As written, for messages. */
  readonly text: string;
  readonly place: Place;
}

export type RuleAction =
  | { readonly kind: 'lookup'; readonly table: number }
  | { readonly kind: 'vrf' }
  | { readonly kind: 'goto'; readonly target: number }
  | { readonly kind: 'nop' | 'blackhole' | 'unreachable' | 'prohibit' };

export type Range = readonly [first: number, last: number];

export interface Rule {
  readonly family: 4 | 6;
  readonly inverted?: true;
  readonly from?: Prefix;
  readonly to?: Prefix;
  readonly tos?: number;
  readonly inInterface?: string;
  readonly outInterface?: string;
  readonly mark?: { readonly value: number; readonly mask?: number };
  readonly ipProtocol?: number;
  readonly sourcePorts?: Range;
  readonly destinationPorts?: Range;
  readonly users?: Range;
  readonly tunnelId?: number;
  readonly realms?: number;
  readonly suppressPrefixLength?: number;
  readonly suppressGroup?: number;
  readonly action: RuleAction;
  readonly priority: number;
  /** Absent: the kernel's default, which no rule of ours that is tracked has. */
  readonly protocol?: number;
  readonly tracked: boolean;
  readonly trackGroup?: string;
  readonly text: string;
  readonly place: Place;
}

/** What is there for as long as natlb runs, whoever is master. */
export interface Statics {
  readonly addresses: readonly StaticAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
}

/** A macvlan interface that carries a virtual router's MAC. */
export interface VirtualMac {
  /** Of the interface that is made. */
  readonly name: string;
  /** The interface it is made on. */
  readonly base: string;
  readonly mac: string;
  readonly family: 4 | 6;
  readonly group?: number;
}

/** The mark of keepalived's routes and rules, which natlb's carry too: RTPROT_KEEPALIVED. */
export const OWN_PROTOCOL = 18;
