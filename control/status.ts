// What a running natlb can be asked: the one value behind `natlb status`, `natlb ipvsadm` and /metrics. Plain data: it crosses to a worker
// thread and over the control socket.

import type { Rates, Service, Snapshot, Stats } from '../dataplane/protocol.js';

export type VrrpState = 'init' | 'backup' | 'master' | 'fault';

/** Counters of one VRRP instance, by keepalived's own names for them (keepalived.stats). */
export interface VrrpCounters {
  readonly advertsReceived: number;
  readonly advertsSent: number;
  readonly becameMaster: number;
  readonly releasedMaster: number;
  readonly lengthErrors: number;
  readonly ttlErrors: number;
  readonly invalidType: number;
  readonly advertIntervalErrors: number;
  readonly addressListErrors: number;
  readonly checksumErrors: number;
  readonly versionErrors: number;
  readonly unknownVrid: number;
  readonly authInvalidType: number;
  readonly authTypeMismatch: number;
  readonly authFailure: number;
  /** Of auth_hmac: adverts without a trailer, and what was wrong with others. */
  readonly authExtMissing: number;
  readonly authExtMalformed: number;
  readonly authExtUnknownKey: number;
  readonly authExtInvalidHmac: number;
  readonly authExtStale: number;
  readonly authExtReplay: number;
  /** Unicast adverts from others than the peers. */
  readonly unicastSourceErrors: number;
  /** Dropped because we own the addresses (owner_ignore_adverts). */
  readonly ignoredAsOwner: number;
  /** Adverts with our own address as their sender. */
  readonly fromOwnAddress: number;
  readonly priorityZeroReceived: number;
  readonly priorityZeroSent: number;
}

export interface InstanceStatus {
  readonly name: string;
  readonly interface: string;
  readonly virtualRouterId: number;
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly state: VrrpState;
  readonly faults: readonly string[];
  readonly priority: number;
  readonly addresses: readonly string[];
  readonly group?: string;
  /** Unix time of the last change of state; 0 = never changed. */
  readonly lastTransitionMs: number;
  readonly counters: VrrpCounters;
}

export interface RealServerStatus {
  readonly address: string;
  readonly port: number;
  readonly configuredWeight: number;
  /** As configured; 0 = none. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly up: boolean;
  readonly checks: number;
  readonly failedChecks: number;
  /** What checks make of the configured weight; absent where they leave it. */
  readonly effectiveWeight?: number;
  /** Why the last failing check failed. */
  readonly lastFailure?: string;
}

type Described = 'name' | 'identity' | 'listeners' | 'scheduler' | 'schedulerFlags' | 'onePacket' | 'persistence';

/** The service as configured, and what its checks say. `name` is also what the data plane's counters know it by. */
export interface VirtualServerStatus extends Pick<Service, Described> {
  readonly quorumUp: boolean;
  readonly quorum: number;
  readonly sorryServerActive: boolean;
  readonly realServers: readonly RealServerStatus[];
}

export interface ConfigStatus {
  readonly file: string;
  readonly lastReloadSuccessful: boolean;
  /** Unix time; of the start if never reloaded. */
  readonly lastReloadSuccessMs: number;
  readonly reloads: number;
  readonly failedReloads: number;
  /** Unix time when the configuration before comes back unless this one is confirmed. Absent: it is not on trial. */
  readonly trialEndsMs?: number;
  /** What runs is not what was loaded last: nobody confirmed that. */
  readonly rolledBack?: true;
}

export type { DestinationRate, Rates, ServiceRate } from '../dataplane/protocol.js';

/** One thing that VRRP instances track. */
export interface TrackerStatus {
  readonly kind: 'interface' | 'script' | 'file' | 'process' | 'bfd' | 'virtual_server' | 'dataplane';
  readonly name: string;
  /** That track it. */
  readonly instances: readonly string[];
  /** `unknown`: a script that has not ended yet. A file has a value instead. */
  readonly state: 'well' | 'unwell' | 'unknown';
  readonly value?: number;
  /** How a script ended last. */
  readonly detail?: string;
}

export interface Status {
  readonly version: string;
  readonly routerId: string;
  readonly pid: number;
  readonly startedMs: number;
  readonly config: ConfigStatus;
  /** As configured; what `ipvsadm -L --timeout` shows. */
  readonly timeouts: Snapshot['timeouts'];
  readonly instances: readonly InstanceStatus[];
  readonly trackers: readonly TrackerStatus[];
  readonly virtualServers: readonly VirtualServerStatus[];
  readonly dataplane: {
    readonly state: 'starting' | 'running' | 'dead';
    readonly pid?: number;
    readonly restarts: number;
    /** It runs, but did not answer in time. */
    readonly silent?: true;
    /** Absent while the data plane is not running. */
    readonly stats?: Stats;
    /** Absent until it has been looked at twice. */
    readonly rates?: Rates;
  };
}
