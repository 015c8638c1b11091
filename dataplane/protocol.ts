// Every message between control and dataplane, and the types they carry. Plain data only: it crosses a process boundary.

export type Protocol = 'tcp' | 'udp';

/** A real server as the data plane sees it. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  /** 0 = no new flows; flows that exist go on. */
  readonly weight: number;
}

/** A virtual server. Its identity is (protocol, address, port). */
export interface Service {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** A name of the scheduler table: `rr`, `wrr`. */
  readonly scheduler: string;
  readonly destinations: readonly Destination[];
}

/** An address that control added to an interface, which the data plane removes when it must withdraw without control. */
export interface HeldAddress {
  readonly interface: string;
  readonly address: string;
  readonly prefixLength: number;
}

/** Everything configured, immutable, swapped in whole. Services whose address the host does not hold are not served. */
export interface Snapshot {
  readonly generation: number;
  readonly services: readonly Service[];
  /** Idle times, as `lvs_timeouts` and `ipvsadm --set` know them. */
  readonly timeouts: { readonly tcpMs: number; readonly tcpFinMs: number; readonly udpMs: number };
  /** What to remove when control is gone for `graceMs`. */
  readonly held: readonly HeldAddress[];
  readonly graceMs: number;
}

/** `auto` takes af_xdp where every interface can, else af_packet, and says why. */
export type Backend = 'af_xdp' | 'af_packet';

/** What a dataplane process is started with (the argument vector carries it as JSON). */
export interface Start {
  readonly interfaces: readonly string[];
  readonly backend: Backend | 'auto';
  readonly runDir: string;
  /** Flows the table holds at most. */
  readonly maxFlows: number;
}

export interface Traffic {
  readonly connections: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface DestinationStats extends Traffic {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
}

export interface ServiceStats extends Traffic {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly scheduler: string;
  readonly destinations: readonly DestinationStats[];
}

export interface DeviceStats {
  readonly interface: string;
  readonly queue: number;
  readonly received: number;
  readonly receivedBytes: number;
  readonly transmitted: number;
  readonly transmittedBytes: number;
  readonly transmitFull: number;
  readonly transmitError: number;
  readonly receiveLost: number;
}

export interface VerdictStats {
  readonly verdict: string;
  readonly fate: 'sent' | 'answered' | 'dropped';
  readonly help: string;
  readonly packets: number;
}

export interface Stats {
  readonly backend: Backend;
  readonly backendReason: string;
  readonly generation: number;
  readonly total: Traffic;
  readonly services: readonly ServiceStats[];
  /** Every verdict, zeros included. Their sum is `received`, once no batch is under way. */
  readonly verdicts: readonly VerdictStats[];
  readonly received: number;
  readonly devices: readonly DeviceStats[];
  readonly flows: { readonly entries: number; readonly capacity: number; readonly bytes: number };
  /** Rounds of the worker's loop: a number that stands still is a worker that stands still. */
  readonly rounds: number;
}

/** One line of `ipvsadm -Lnc`. State names are IPVS's. */
export interface FlowEntry {
  readonly protocol: Protocol;
  readonly expiresInMs: number;
  readonly state: string;
  readonly client: { readonly address: string; readonly port: number };
  readonly service: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

/** What can be asked of the data plane; the answer carries the value of the same name. */
export interface Readings {
  readonly stats: Stats;
  readonly flows: readonly FlowEntry[];
}

export type ToDataplane =
  | { readonly kind: 'configure'; readonly snapshot: Snapshot }
  | { readonly kind: 'read'; readonly id: number; readonly what: keyof Readings }
  | { readonly kind: 'stop' };

export type FromDataplane =
  | { readonly kind: 'ready'; readonly backend: Backend; readonly backendReason: string; readonly adoptedFlows: number }
  | { readonly kind: 'configured'; readonly generation: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value: Readings[keyof Readings] }
  | { readonly kind: 'refused'; readonly id: number; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };
