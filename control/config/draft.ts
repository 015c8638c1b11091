// Blocks while they are being read: what was written and nothing else. finish.ts adds defaults and what is inherited.

import type { Listener, NoDestination, Protocol, SchedulerFlag, Sloppy } from '../../dataplane/protocol.js';
import type { Address } from './address.js';
import type { Checker, DnsType, ExpectedReply, HttpCheck, HttpUrl, TlsFiles } from './checker.js';
import type { Route, Rule, StaticAddressDraft } from './kernel.js';
import type { Placed } from './keyword.js';
import type {
  DynamicInterfaces,
  FifoName,
  HmacKey,
  Place,
  Script,
  ScriptUser,
  Settings,
  StateNotices,
  UnicastPeer,
  VirtualAddress,
} from './model.js';
import type { LvsTimeouts, Profile } from './timeouts.js';
import type { LinkDelay, ParameterMatch, TrackedDraft } from './tracking.js';

export interface TopDraft extends Placed {
  readonly global: GlobalDraft;
  readonly settings: SettingsDraft;
  readonly instances: InstanceDraft[];
  readonly syncGroups: SyncGroupDraft[];
  readonly statics: StaticsDraft;
  readonly trackGroups: TrackGroupDraft[];
  readonly groups: GroupDraft[];
  readonly garpGroups: GarpGroupDraft[];
  readonly virtualServers: VirtualServerDraft[];
  readonly trackScripts: ScriptDraft[];
  readonly trackFiles: WatchedFileDraft[];
  readonly trackProcesses: WatchedProcessDraft[];
  readonly bfdInstances: BfdDraft[];
  readonly linkDelays: LinkDelay[];
  tls?: TlsDraft;
}

export interface StaticsDraft {
  readonly addresses: StaticAddressDraft[];
  readonly routes: Route[];
  readonly rules: Rule[];
}

/** Instances that want the interfaces of some static addresses and routes to be up. */
export interface TrackGroupDraft extends Placed {
  readonly name: string;
  readonly members: string[];
}

/** What stands after `use_vmac`. */
export interface VirtualMacDraft {
  readonly name?: string;
  /** Five octets, the virtual_router_id being the sixth, or six. */
  readonly mac?: string;
  readonly group?: number;
}

/** `SSL { … }` */
export interface TlsDraft extends TlsFiles, Placed {}

/** What global_defs and vrrp_instance can both say; the instance wins. */
export interface VrrpDraft {
  garpMasterDelayMs?: number;
  garpMasterRepeat?: number;
  garpMasterRefreshMs?: number;
  garpMasterRefreshRepeat?: number;
  garpLowerPriorityDelayMs?: number;
  garpLowerPriorityRepeat?: number;
  garpExtraInterfaces?: { readonly all: boolean; readonly intervalMs: number };
  lowerPriorityNoAdvert?: boolean;
  higherPrioritySendAdvert?: boolean;
  ownerIgnoreAdverts?: boolean;
  skipCheckAdvertAddresses?: boolean;
  checkUnicastSource?: boolean;
  strict?: boolean;
  v3ChecksumAsV2?: boolean;
  downTimerAdverts?: number;
}

/** `notify*` and `smtp_alert` of an instance or a sync group: the scripts by state, the others by name. */
export interface NoticesDraft {
  scripts?: readonly { readonly state: keyof NonNullable<StateNotices['scripts']>; readonly script: Script }[];
  always?: Script;
  masterReceivedLowerPriority?: Script;
  priorityChanges?: boolean;
  tellsDeleted?: true;
  mail?: boolean;
}

/** `notify_up`, `quorum_up` and their like. */
export interface HealthNoticesDraft {
  up?: Script;
  down?: Script;
  mail?: boolean;
}

/** How a running natlb is led and looked at. */
export interface OperatingDraft {
  reloadTimeFile?: string;
  reloadRepeat?: true;
  /** True: the usual one. */
  reloadFile?: string | true;
  instanceName?: string;
  dumpsNameInstance?: boolean;
  stateDumpFile?: string;
  statsDumpFile?: string;
  jsonDumpFile?: string;
  jsonVersion?: 1 | 2;
}

export interface GlobalDraft extends VrrpDraft, OperatingDraft, Placed {
  routerId?: string;
  vrrpVersion?: 2 | 3;
  timeouts?: LvsTimeouts;
  vrrpStartupDelayMs?: number;
  vrrpDelayAfterBootMs?: number;
  garpIntervalMs?: number;
  gnaIntervalMs?: number;
  multicastGroup4?: string;
  multicastGroup6?: string;
  logUnknownVrids?: boolean;
  minimalGarp?: boolean;
  scriptSecurity?: boolean;
  defaultInterface?: string;
  dynamicInterfaces?: DynamicInterfaces;
  virtualMacPrefix?: string;
  virtualMacAddressPrefix?: string;
  logAllFailures?: boolean;
  scriptUser?: ScriptUser;
  fifos?: readonly FifoDraft[];
  fifoScripts?: readonly { readonly name: FifoName; readonly script: Script }[];
  fifoStatesOnReload?: true;
  dbus?: true;
  dbusServiceName?: string;
  startupScript?: Script;
  startupTimeoutMs?: number;
  shutdownScript?: Script;
  shutdownTimeoutMs?: number;
  mailServer?: { readonly host: string; readonly port: number };
  mailHeloName?: string;
  mailFrom?: string;
  mailTo?: readonly string[];
  mailTimeoutMs?: number;
  mailWithoutFaults?: true;
  /** `smtp_alert`, and those of it for one side. */
  mail?: boolean;
  mailOfVrrp?: boolean;
  mailOfCheckers?: boolean;
  priorityChanges?: boolean;
}

export interface FifoDraft {
  readonly name: FifoName;
  readonly path: string;
  readonly owner?: ScriptUser;
  readonly place: Place;
}

export interface SettingsDraft extends Placed {
  interfaces?: readonly string[];
  backend?: Settings['backend'];
  maxFlows?: number;
  metrics?: { readonly address: string; readonly port: number };
  runDir?: string;
  readonly marks: MarkDraft[];
  readonly ruleFiles: RuleFileDraft[];
  timeouts?: TimeoutsDraft;
  takeoverMs?: number;
  halfOpen?: { readonly service: number; readonly source: number };
}

/** `firewall_mark`: what traffic it stands for. */
export interface MarkDraft {
  readonly mark: number;
  readonly place: Place;
  readonly listeners: readonly Listener[];
}

export interface RuleFileDraft {
  readonly file: string;
  readonly place: Place;
}

export interface TimeoutsDraft {
  readonly profile?: Profile;
  /** Milliseconds by state. */
  readonly states: Readonly<Record<string, number>>;
}

export interface GroupDraft extends Placed {
  readonly name: string;
  readonly entries: readonly GroupEntry[];
}

export type GroupEntry = { readonly place: Place } & (
  | { readonly kind: 'addresses'; readonly addresses: readonly Address[]; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family?: 4 | 6 }
);

export interface InstanceDraft extends VrrpDraft, NoticesDraft, Placed {
  readonly name: string;
  initialState?: 'master' | 'backup';
  interface?: string;
  virtualRouterId?: number;
  priority?: number;
  advertIntervalMs?: number;
  version?: 2 | 3;
  nativeIpv6?: boolean;
  readonly addresses: VirtualAddress[];
  readonly excludedAddresses: VirtualAddress[];
  readonly routes: Route[];
  readonly rules: Rule[];
  virtualMac?: VirtualMacDraft;
  transmitsByBase?: boolean;
  useVirtualMacForAddresses?: boolean;
  accept?: boolean;
  promoteSecondaries?: boolean;
  preempt?: boolean;
  preemptDelayMs?: number;
  authentication?: AuthenticationDraft;
  readonly tracked: TrackedDraft[];
  dontTrackPrimary?: boolean;
  trackSource?: boolean;
  hmac?: HmacDraft;
  sourceAddress?: Address;
  multicastGroup?: { readonly address: string; readonly family: 4 | 6 };
  readonly unicastPeers: UnicastPeer[];
  unicastTtl?: number;
  unicastFaultWithoutPeer?: boolean;
  oldUnicastChecksum?: 'always' | 'never';
  timerExpiredPriority?: number;
}

export interface HmacDraft extends Placed {
  readonly keys: HmacKey[];
  activeKey?: number;
  antiReplay?: 'time' | 'monotonic';
  windowSeconds?: number;
  mode?: 'enforce' | 'permissive' | 'receive-only';
}

export interface GarpGroupDraft extends Placed {
  readonly interfaces: string[];
  garpIntervalMs?: number;
  gnaIntervalMs?: number;
}

export interface AuthenticationDraft extends Placed {
  type?: 'pass' | 'ah';
  password?: string;
}

export interface SyncGroupDraft extends NoticesDraft, Placed {
  readonly name: string;
  readonly members: string[];
  readonly tracked: TrackedDraft[];
  trackingWeight?: boolean;
}

interface WeightDraft {
  weight?: number;
  reverse?: boolean;
}

export interface ScriptDraft extends WeightDraft, Placed {
  readonly name: string;
  script?: Script;
  user?: ScriptUser;
  intervalMs?: number;
  timeoutMs?: number;
  rise?: number;
  fall?: number;
  initFail?: boolean;
}

export interface WatchedFileDraft extends WeightDraft, Placed {
  readonly name: string;
  path?: string;
  initial?: { readonly value: number; readonly overwrite: boolean };
}

export interface WatchedProcessDraft extends WeightDraft, Placed {
  readonly name: string;
  command?: string;
  parameters?: readonly string[];
  match?: ParameterMatch;
  fullCommand?: boolean;
  quorum?: number;
  quorumMax?: number;
  forkDelayMs?: number;
  terminateDelayMs?: number;
}

export interface BfdDraft extends WeightDraft, Placed {
  readonly name: string;
  neighbor?: Address;
  source?: Address;
  minRxMs?: number;
  minTxMs?: number;
  idleTxMs?: number;
  multiplier?: number;
  passive?: boolean;
  ttl?: number;
  maxHops?: number;
  multihop?: boolean;
  vrrp?: boolean;
  checker?: boolean;
}

/** What a virtual server, a real server and a checker can each say; the innermost wins. */
export interface TimingDraft {
  connectTimeoutMs?: number;
  delayLoopMs?: number;
  retry?: number;
  delayBeforeRetryMs?: number;
  warmupMs?: number;
  alpha?: boolean;
}

export interface PoolDraft extends TimingDraft, Placed {
  weight?: number;
  inhibitOnFailure?: boolean;
  virtualHost?: string;
}

/** What stands after `virtual_server`. */
export type ServiceHead =
  | { readonly kind: 'address'; readonly written: string; readonly addresses: readonly Address[]; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number }
  | { readonly kind: 'group'; readonly group: string };

/** A flag as it is written: `flag-1` and its like mean something else to each scheduler. */
export interface FlagDraft {
  readonly flag: SchedulerFlag | 'flag-1' | 'flag-2' | 'flag-3';
  readonly place: Place;
}

/** `natlb { … }` within a virtual server. */
export interface ServiceOptionsDraft extends Placed {
  timeouts?: TimeoutsDraft;
  noDestination?: NoDestination;
  resets?: boolean;
  sloppy?: Sloppy;
  helper?: 'ftp' | 'none';
}

export interface VirtualServerDraft extends PoolDraft, HealthNoticesDraft {
  readonly head: ServiceHead;
  ipFamily?: 4 | 6;
  protocol?: Protocol;
  scheduler?: string;
  readonly flags: FlagDraft[];
  onePacket?: boolean;
  persistenceTimeoutMs?: number;
  /** As written: what it means depends on the family. */
  granularity?: string;
  readonly options: ServiceOptionsDraft;
  quorum?: number;
  hysteresis?: number;
  omega?: boolean;
  haSuspend?: boolean;
  sorryServer?: { readonly address: string; readonly port?: number };
  sorryServerInhibit?: boolean;
  readonly realServers: RealServerDraft[];
}

export interface RealServerDraft extends PoolDraft, HealthNoticesDraft {
  readonly address: Address;
  readonly port?: number;
  upperThreshold?: number;
  lowerThreshold?: number;
  readonly checkers: CheckerDraft[];
}

export interface CheckerDraft extends TimingDraft, Placed {
  readonly kind: Checker['kind'];
  readonly place: Place;
  logAllFailures?: boolean;
  connectAddress?: string;
  connectPort?: number;
  bindAddress?: string;
  bindPort?: number;
  bindInterface?: string;
  mark?: number;
  httpProtocol?: HttpCheck['protocol'];
  virtualHost?: string;
  fastRecovery?: boolean;
  /** It is SSL_GET. */
  readonly tls?: true;
  sni?: boolean;
  sniName?: string;
  tlsCompliant?: boolean;
  readonly urls: HttpUrlDraft[];
  heloName?: string;
  readonly hosts: CheckerDraft[];
  dnsType?: DnsType;
  /** Of what DNS is asked, of the BFD instance or of the track_file. */
  name?: string;
  script?: Script;
  user?: ScriptUser;
  scriptTimeoutMs?: number;
  dynamic?: boolean;
  payload?: string;
  requireReply?: boolean;
  reply?: Pick<ExpectedReply, 'data' | 'mask'>;
  shortestReply?: number;
  longestReply?: number;
  weight?: { readonly weight: number; readonly reverse: boolean };
}

export interface HttpUrlDraft extends Placed {
  readonly place: Place;
  path?: string;
  readonly statusCodes: { readonly from: number; readonly to: number }[];
  digest?: HttpUrl['digest'];
  virtualHost?: string;
  regex?: string;
  regexFlags?: string;
  regexInverted?: boolean;
  regexMinOffset?: number;
  regexMaxOffset?: number;
  tlsCompliant?: boolean;
}
