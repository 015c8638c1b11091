// What VRRP's priorities and faults depend on besides adverts: the things that are watched, and for which instance each counts how much.

import type { Place, Places, Script } from './place.js';

/** What it is worth: a positive one is added while all is well, a negative one while it is not; 0 makes its failure a fault. */
export interface Weight {
  readonly weight: number;
  /** Added becomes taken away, and a fault of what is well. */
  readonly reverse: boolean;
}

export interface TrackScript extends Weight {
  readonly name: string;
  readonly script: Script;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row until it counts as well, failures in a row until it does not. */
  readonly rise: number;
  readonly fall: number;
  /** It counts as failed before it has ended for the first time. */
  readonly initFail: boolean;
  readonly places: Places;
}

export interface TrackFile extends Weight {
  readonly name: string;
  readonly path: string;
  /** What is written into it at the start; `overwrite`: also when there is one already. */
  readonly initial?: { readonly value: number; readonly overwrite: boolean };
  readonly places: Places;
}

/** `exactly` these parameters, these as the `first` ones, or these as the first with the last one only `begun`. */
export type ParameterMatch = 'any' | 'exactly' | 'first' | 'begun';

export interface TrackProcess extends Weight {
  readonly name: string;
  readonly command: string;
  readonly parameters: readonly string[];
  readonly match: ParameterMatch;
  /** The command line is compared, not the process's short name. */
  readonly fullCommand: boolean;
  /** So many processes are enough, and so many not too many. */
  readonly quorum: number;
  readonly quorumMax: number;
  /** A change to enough counts after this time, and one to too few (or too many). */
  readonly forkDelayMs: number;
  readonly terminateDelayMs: number;
  readonly places: Places;
}

export interface BfdInstance extends Weight {
  readonly name: string;
  readonly neighbor: string;
  readonly source?: string;
  readonly family: 4 | 6;
  readonly minRxMs: number;
  readonly minTxMs: number;
  /** Between packets while the session is not up. */
  readonly idleTxMs: number;
  readonly multiplier: number;
  /** Says nothing until it has heard the neighbour. */
  readonly passive: boolean;
  readonly multihop: boolean;
  /** Of what is sent. */
  readonly ttl: number;
  /** Packets of a lower TTL come from further away than configured. */
  readonly leastTtl: number;
  /** Whether track_bfd and BFD_CHECK may refer to it. */
  readonly vrrp: boolean;
  readonly checker: boolean;
  readonly places: Places;
}

/** Changes of an interface count after these times only, and not at all if it has changed back by then. */
export interface LinkDelay {
  readonly interface: string;
  readonly downMs: number;
  readonly upMs: number;
  readonly place: Place;
}

/** Facts of the data plane, which the kernel and keepalived cannot know. */
export type DataplaneFact =
  /** The worker's loop goes round. */
  | { readonly kind: 'worker' }
  /** The interface receives, or transmits, when it has reason to. */
  | { readonly kind: 'receive' | 'transmit'; readonly interface: string }
  /** No more than so many per cent of the flow table are in use. */
  | { readonly kind: 'flow_table'; readonly percent: number };

/** What an instance or a group names. The key is unique among all that is watched. */
export type Subject =
  | { readonly kind: 'interface' | 'script' | 'file' | 'process' | 'bfd'; readonly key: string; readonly name: string }
  | { readonly kind: 'virtual_server'; readonly key: string; readonly name: string; readonly services: readonly string[] }
  | { readonly kind: 'dataplane'; readonly key: string; readonly name: string; readonly fact: DataplaneFact };

export type Tracked = Subject & Weight;

export interface InstanceTracking {
  /** Of the instance. */
  readonly name: string;
  /** As configured. */
  readonly priority: number;
  readonly tracked: readonly Tracked[];
}

export interface Tracking {
  readonly scripts: readonly TrackScript[];
  readonly files: readonly TrackFile[];
  readonly processes: readonly TrackProcess[];
  readonly bfd: readonly BfdInstance[];
  readonly linkDelays: readonly LinkDelay[];
  /** Only instances that track something. */
  readonly instances: readonly InstanceTracking[];
}

/** As it was written in an instance or a group: without a weight it is the watched thing's own. */
export interface TrackedDraft {
  readonly subject: Subject;
  readonly weight?: number;
  readonly reverse?: boolean;
  readonly place: Place;
}
