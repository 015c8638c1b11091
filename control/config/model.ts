// The configuration as the rest of natlb sees it: plain frozen values, times in milliseconds, each block with the place of every value.

import type { Service, Snapshot, Timeouts } from '../../dataplane/protocol.js';
import type { Checker } from './checker.js';
import type { AddressOptions, Route, Rule, Statics, VirtualMac } from './kernel.js';
import type { Place, Places, Script, ScriptUser } from './place.js';
import type { Tracking } from './tracking.js';

export type { Place, Places, Script, ScriptUser };

/** What happens when an instance or a sync group changes its state. */
export interface StateNotices {
  /** `notify_master` and its like. */
  readonly scripts?: Readonly<Partial<Record<'MASTER' | 'BACKUP' | 'FAULT' | 'STOP' | 'DELETED', Script>>>;
  /** `notify`, told every state. */
  readonly always?: Script;
  readonly masterReceivedLowerPriority?: Script;
  readonly priorityChanges?: true;
  /** `notify_deleted`: without it an instance that a reload leaves out is said to be in FAULT. */
  readonly tellsDeleted?: true;
  readonly mail?: true;
}

/** What happens when a real server, or the quorum of a virtual server, goes up or down. */
export interface HealthNotices {
  readonly up?: Script;
  readonly down?: Script;
  readonly mail?: true;
}

export type FifoName = 'notify_fifo' | 'vrrp_notify_fifo' | 'lvs_notify_fifo';

export interface Fifo {
  readonly name: FifoName;
  readonly path: string;
  readonly owner?: ScriptUser;
  /** What reads it. */
  readonly script?: Script;
  readonly place: Place;
}

export interface Mail {
  readonly server: { readonly host: string; readonly port: number };
  readonly heloName: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutMs: number;
  /** Nothing of FAULT. */
  readonly withoutFaults: boolean;
}

export interface TimedScript {
  readonly script: Script;
  readonly timeoutMs: number;
}

export interface Notifications {
  /** `enable_dbus`. */
  readonly dbus?: { readonly serviceName: string };
  readonly fifos: readonly Fifo[];
  readonly fifoStatesOnReload: boolean;
  readonly mail?: Mail;
  readonly startup?: TimedScript;
  readonly shutdown?: TimedScript;
}

export interface VirtualAddress extends AddressOptions {
  readonly address: string;
  readonly family: 4 | 6;
  /** keepalived's default: 32 or 128. */
  readonly prefixLength: number;
  /** Absent: the instance's interface. */
  readonly device?: string;
  readonly place: Place;
}

export interface UnicastPeer {
  readonly address: string;
  readonly family: 4 | 6;
  /** What TTL or hop limit its adverts may have. */
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly rangeGiven: boolean;
  readonly place: Place;
}

/** Where adverts go, and come from. */
export type AdvertTarget =
  | { readonly kind: 'multicast'; readonly group: string }
  /** Without peers: there is nobody to talk to, and the instance is in FAULT. */
  | {
      readonly kind: 'unicast';
      readonly peers: readonly UnicastPeer[];
      readonly ttl: number;
      /** Take adverts from peers only. */
      readonly checkSource: boolean;
    };

export interface HmacKey {
  readonly id: number;
  /** 32 to 64 bytes, as hex digits. */
  readonly hex: string;
  readonly place: Place;
}

/** `auth_hmac` of keepalived 2.4. */
export interface AuthHmac {
  readonly keys: readonly HmacKey[];
  /** Of the key that adverts are signed with. */
  readonly activeKey: number;
  readonly antiReplay: 'time' | 'monotonic';
  readonly windowSeconds: number;
  /** Receive-only signs nothing; it and permissive take adverts that are not signed. */
  readonly mode: 'enforce' | 'permissive' | 'receive-only';
}

export interface VrrpInstance {
  readonly name: string;
  readonly initialState: 'master' | 'backup';
  readonly interface: string;
  readonly virtualRouterId: number;
  /** 1-255; 255 = address owner. */
  readonly priority: number;
  readonly advertIntervalMs: number;
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly addresses: readonly VirtualAddress[];
  /** virtual_ipaddress_excluded: held with the others, not advertised. */
  readonly excludedAddresses: readonly VirtualAddress[];
  /** By the macvlan of this name adverts go, unless the interface below carries them; addresses without a device are there. */
  readonly virtualMac?: { readonly interface: string; readonly transmitsByBase: boolean };
  /** The interfaces that are made for it, its own first. */
  readonly virtualMacs?: readonly VirtualMac[];
  /** virtual_routes and virtual_rules: there while it is master. */
  readonly routes?: readonly Route[];
  readonly rules?: readonly Rule[];
  /** Of static addresses, routes and rules whose track_group it is in: it is in FAULT while one of these is down. */
  readonly staticInterfaces?: readonly string[];
  /** Packets to its addresses are dropped, but for those of services, unless it owns them. */
  readonly noAccept?: true;
  /** Set on its interface while natlb runs. */
  readonly promoteSecondaries?: true;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  /** It stays what it is when its interface goes down. */
  readonly dontTrackPrimary?: true;
  readonly target: AdvertTarget;
  /** unicast_src_ip or mcast_src_ip. Absent: the interface's own primary address. */
  readonly sourceAddress?: string;
  /** track_src_ip: in FAULT while its interface has not got that address. */
  readonly trackSource?: true;
  readonly authentication: { readonly type: 'none' } | { readonly type: 'pass' | 'ah'; readonly password: string };
  readonly hmac?: AuthHmac;
  readonly garpMasterDelayMs: number;
  readonly garpMasterRepeat: number;
  readonly garpMasterRefreshMs: number;
  readonly garpMasterRefreshRepeat: number;
  /** After an advert of a lower priority was heard as master. */
  readonly garpLowerPriorityDelayMs: number;
  readonly garpLowerPriorityRepeat: number;
  /** How often announcements go to interfaces of addresses that are not the instance's; 0: never. `all`: not only to virtual MACs. */
  readonly garpExtraInterfaces: { readonly all: boolean; readonly intervalMs: number };
  readonly downTimerAdverts: number;
  /** RFC 3768 and 5798 say nothing in answer to a lesser master; RFC 9568 and keepalived advertise. */
  readonly lowerPriorityNoAdvert: boolean;
  /** A master that loses says so once more, so that the other one announces its addresses again. */
  readonly higherPrioritySendAdvert: boolean;
  /** Of the owner of the addresses alone. */
  readonly ownerIgnoreAdverts: boolean;
  /** Addresses in adverts are compared only when the sender is another than before. */
  readonly skipCheckAdvertAddresses: boolean;
  /** timer_expired_backup: the highest priority another router may have; we step back when that one must have taken over. Absent: never. */
  readonly timerExpiredPriority?: number;
  readonly strict: boolean;
  /** v3 over IPv4 and unicast: the checksum keepalived had until 1.3.6, with the multicast group in its pseudo-header. */
  readonly oldUnicastChecksum: 'detect' | 'always' | 'never';
  /** v3 over IPv4: checksum of the message alone, as RFC 9568 has it, instead of with a pseudo-header. */
  readonly v3ChecksumAsV2: boolean;
  readonly notices?: StateNotices;
  readonly places: Places;
}

export interface SyncGroup {
  readonly name: string;
  readonly members: readonly string[];
  readonly notices?: StateNotices;
  readonly places: Places;
}

export interface RealServer {
  readonly address: string;
  /** 0: the port the client asked for. */
  readonly port: number;
  readonly weight: number;
  readonly inhibitOnFailure: boolean;
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
  readonly checkers: readonly Checker[];
  readonly notices?: HealthNotices;
  readonly places: Places;
}

/** A service as the data plane will know it, but for its destinations: these follow from the real servers and their health. */
export interface VirtualServer extends Omit<Service, 'destinations'> {
  readonly family: 4 | 6;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly alpha: boolean;
  /** When natlb ends, its servers and its quorum are told to be down. */
  readonly omega?: true;
  /** Checked only while the host has its address. */
  readonly haSuspend?: true;
  readonly sorryServer?: { readonly address: string; readonly port: number };
  readonly sorryServerInhibit: boolean;
  readonly realServers: readonly RealServer[];
  /** Of its quorum. */
  readonly notices?: HealthNotices;
  readonly places: Places;
}

/** Interfaces may be missing, and come; `changing`: they may also become others of the same name. */
export type DynamicInterfaces = 'coming' | 'changing';

/** How long announcements wait for each other, on all of `interfaces` together. */
export interface GarpGroup {
  readonly interfaces: readonly string[];
  readonly garpIntervalMs: number;
  readonly gnaIntervalMs: number;
}

/** Paths as configured: a directory when they end in `/`, and below the run directory when they do not begin with one. */
export interface Dumps {
  readonly data?: string;
  readonly stats?: string;
  readonly json?: string;
  readonly jsonVersion?: 1 | 2;
  /** Part of their names. */
  readonly instance?: string;
}

/** How a running natlb is led and looked at. */
export interface Operating {
  /** Says when to reload. */
  readonly reloadTimeFile?: string;
  /** Every day at that time. */
  readonly reloadRepeat?: true;
  /** Is there while the configuration is read. `true`: keepalived.reload in the run directory. */
  readonly reloadFile?: string | true;
  readonly dumps?: Dumps;
}

export interface GlobalDefs {
  readonly routerId: string;
  readonly vrrpVersion: 2 | 3;
  readonly vrrpStartupDelayMs: number;
  /** Counted from when the machine started. */
  readonly vrrpDelayAfterBootMs: number;
  /** Of interfaces in no garp_group. */
  readonly garpIntervalMs: number;
  readonly gnaIntervalMs: number;
  readonly garpGroups: readonly GarpGroup[];
  readonly logUnknownVrids: boolean;
  readonly dynamicInterfaces?: DynamicInterfaces;
  readonly operating?: Operating;
  readonly places: Places;
}

/** The `natlb { … }` block. Absent values are inferred. */
export interface Settings {
  readonly interfaces?: readonly string[];
  readonly backend: 'auto' | 'af_xdp' | 'af_packet';
  /** Flows the table holds at most. */
  readonly maxFlows: number;
  /** Of every state, lvs_timeouts included. */
  readonly timeouts: Timeouts;
  readonly takeoverMs: number;
  readonly halfOpen: Snapshot['halfOpen'];
  readonly metrics?: { readonly address: string; readonly port: number };
  readonly runDir: string;
  readonly places: Places;
}

export interface Config {
  readonly file: string;
  readonly global: GlobalDefs;
  readonly instances: readonly VrrpInstance[];
  readonly syncGroups: readonly SyncGroup[];
  readonly virtualServers: readonly VirtualServer[];
  readonly notifications?: Notifications;
  readonly statics?: Statics;
  readonly tracking: Tracking;
  readonly settings: Settings;
}

/** A finding about a configuration. `error`: cannot be run as written; `warning`: runs, but look. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly place: Place;
  readonly message: string;
  /** What the operator might do: the nearest keyword, the expected form. */
  readonly hint?: string;
  /** What `natlb check` has an exit code of its own for. */
  readonly about?: 'script-security' | 'modified';
}
