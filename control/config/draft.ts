// Blocks while they are being read: what was written and nothing else. finish.ts adds defaults and what is inherited.

import type { Address } from './address.js';
import type { Placed } from './keyword.js';
import type { HttpUrl, Place, Settings, VirtualAddress } from './model.js';
import type { LvsTimeouts } from './timeouts.js';

export interface TopDraft extends Placed {
  readonly global: GlobalDraft;
  readonly settings: SettingsDraft;
  readonly instances: InstanceDraft[];
  readonly syncGroups: SyncGroupDraft[];
  readonly virtualServers: VirtualServerDraft[];
}

/** What global_defs and vrrp_instance can both say; the instance wins. */
export interface VrrpDraft {
  garpMasterDelayMs?: number;
  garpMasterRepeat?: number;
  garpMasterRefreshMs?: number;
  garpMasterRefreshRepeat?: number;
  downTimerAdverts?: number;
}

export interface GlobalDraft extends VrrpDraft, Placed {
  routerId?: string;
  vrrpVersion?: 2 | 3;
  timeouts?: LvsTimeouts;
  vrrpStartupDelayMs?: number;
  v3ChecksumAsV2?: boolean;
  minimalGarp?: boolean;
  scriptSecurity?: boolean;
}

export interface SettingsDraft extends Placed {
  interfaces?: readonly string[];
  backend?: Settings['backend'];
  maxFlows?: number;
  metrics?: { readonly address: string; readonly port: number };
  runDir?: string;
}

export interface InstanceDraft extends VrrpDraft, Placed {
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
  preempt?: boolean;
  preemptDelayMs?: number;
  authentication?: AuthenticationDraft;
}

export interface AuthenticationDraft extends Placed {
  type?: 'pass' | 'ah';
  password?: string;
}

export interface SyncGroupDraft extends Placed {
  readonly name: string;
  readonly members: string[];
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

export interface VirtualServerDraft extends PoolDraft {
  readonly address: Address;
  readonly port: number;
  protocol?: 'tcp' | 'udp';
  scheduler?: string;
  quorum?: number;
  hysteresis?: number;
  sorryServer?: { readonly address: string; readonly port?: number };
  sorryServerInhibit?: boolean;
  readonly realServers: RealServerDraft[];
}

export interface RealServerDraft extends PoolDraft {
  readonly address: Address;
  readonly port?: number;
  readonly checkers: CheckerDraft[];
}

export interface CheckerDraft extends TimingDraft, Placed {
  readonly kind: 'tcp' | 'http';
  readonly place: Place;
  connectAddress?: string;
  connectPort?: number;
  bindAddress?: string;
  bindPort?: number;
  httpProtocol?: '1.0' | '1.0C' | '1.1';
  virtualHost?: string;
  readonly urls: HttpUrlDraft[];
}

export interface HttpUrlDraft extends Placed {
  readonly place: Place;
  path?: string;
  readonly statusCodes: { readonly from: number; readonly to: number }[];
  digest?: HttpUrl['digest'];
  virtualHost?: string;
}
