// Every message between control and dataplane, and the types they carry. Plain data only: it crosses a process boundary.

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** A real server as the data plane sees it. */
export interface Destination {
  readonly address: string;
  /** 0 = the port the client asked for. */
  readonly port: number;
  /** 0 = no new flows; flows that exist go on. */
  readonly weight: number;
  /** Flows from which on it gets no new ones, and below which it does again (uthreshold, lthreshold). 0 = none; lower 0 = 3/4 of upper. */
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
  /** Its weight is 0 because its checks fail: what knows no end of a connection (UDP, persistence) goes elsewhere. */
  readonly down?: true;
}

/** Traffic to one address: ports from `firstPort` to `lastPort`, both included. 0 to 65535 is all of it. */
export interface Listener {
  readonly address: string;
  readonly protocol: Protocol;
  readonly firstPort: number;
  readonly lastPort: number;
}

/** As `virtual_server` names it. */
export type ServiceIdentity =
  | { readonly kind: 'address'; readonly protocol: Protocol; readonly address: string; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family: 4 | 6 }
  | { readonly kind: 'group'; readonly group: string; readonly protocol: Protocol };

export type SchedulerFlag = 'sh-port' | 'sh-fallback' | 'mh-port' | 'mh-fallback';

/**
 * Idle times in milliseconds by state: the names of native/core/flow_state.h, which are those of `ipvsadm -Lnc`, with SCTP_ before those of SCTP.
 * A state that is not named keeps IPVS's.
 */
export type Timeouts = Readonly<Record<string, number>>;

/** What happens to the first packet of a client when there is no destination. `default`: rst for TCP, icmp for the others. */
export type NoDestination = 'default' | 'rst' | 'icmp' | 'drop';

/** When a TCP flow may begin with something else than a SYN: never, shortly after this router took an address over, always. */
export type Sloppy = 'never' | 'takeover' | 'always';

/** A virtual server. */
export interface Service {
  /** Unlike that of every other service; the log and the metrics know it by this. */
  readonly name: string;
  readonly identity: ServiceIdentity;
  /** All of one family. Where services overlap: firewall marks before single ports, these before ranges. */
  readonly listeners: readonly Listener[];
  /** A name of the scheduler table. */
  readonly scheduler: string;
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** Every packet is scheduled on its own (`ops`); UDP only. */
  readonly onePacket: boolean;
  /** Clients that share this much of their address get one destination, until `timeoutMs` after the last of their flows. */
  readonly persistence?: { readonly timeoutMs: number; readonly prefixLength: number };
  /** Reads FTP control connections, and expects the data connections they agree on. */
  readonly helper?: 'ftp';
  /** Over those of the snapshot. */
  readonly timeouts: Timeouts;
  readonly noDestination: NoDestination;
  /** RST to both sides of a TCP flow that is given up: idle for too long, or without its destination. */
  readonly resets: boolean;
  readonly sloppy: Sloppy;
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
  readonly timeouts: Timeouts;
  /** For so long after an address came to this router, TCP without a flow is not answered: its flows may be on their way here. */
  readonly takeoverMs: number;
  /** Half-open TCP flows of one service, and of one client network (/24, /64) with one service, beyond which new ones are shed. 0 = any number. */
  readonly halfOpen: { readonly service: number; readonly source: number };
  /** What to remove when control is gone for `graceMs`. */
  readonly held: readonly HeldAddress[];
  readonly graceMs: number;
}

/** `auto` takes af_xdp where every interface can, else af_packet, and says why. */
export type Backend = 'af_xdp' | 'af_packet';

/** A snapshot as it is told: a number stands for the service at that place in the snapshot of generation `base`. */
export interface SnapshotChange extends Omit<Snapshot, 'services'> {
  readonly services: readonly (Service | number)[];
  readonly base?: number;
}

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
  /** Persistence templates that name it. */
  readonly persistent: number;
}

export interface ServiceStats extends Traffic {
  readonly name: string;
  readonly destinations: readonly DestinationStats[];
}

/** What passes in a second, on average over the last eight or so. */
export interface DestinationRate extends Traffic {
  readonly address: string;
  readonly port: number;
}

export interface ServiceRate extends Traffic {
  readonly name: string;
  readonly destinations: readonly DestinationRate[];
}

export interface Rates {
  readonly total: Traffic;
  readonly services: readonly ServiceRate[];
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
  /** RSTs sent to both sides of flows that were given up; half-open flows given up to make room for others. */
  readonly ended: { readonly resetsSent: number; readonly halfOpenShed: number };
  readonly flows: { readonly entries: number; readonly capacity: number; readonly bytes: number };
  /** Rounds of the worker's loop: a number that stands still is a worker that stands still. */
  readonly rounds: number;
}

/** One line of `ipvsadm -Lnc`. State names are IPVS's. */
export interface FlowEntry {
  /** Of the service. */
  readonly name: string;
  /** `ip`: a persistence template of a service with several protocols. */
  readonly protocol: Protocol | 'ip';
  /** It keeps a client with a destination; no packet belongs to it. */
  readonly template: boolean;
  readonly expiresInMs: number;
  readonly state: string;
  readonly client: { readonly address: string; readonly port: number };
  readonly service: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Which flows: what is absent fits any, and so does port 0. */
export interface FlowFilter {
  /** Of the service. */
  readonly name?: string;
  /** As the client knows the service. */
  readonly service?: Endpoint;
  readonly client?: Endpoint & { readonly prefixLength: number };
  readonly server?: Endpoint;
  readonly state?: string;
}

/** A piece of the table: a million flows are neither read nor held at once. */
export interface FlowQuestion {
  /** 0, or `next` of the piece before. */
  readonly cursor: number;
  /** Flows in the piece at most. */
  readonly count: number;
  /** False: only their number is wanted. */
  readonly listed: boolean;
  readonly filter: FlowFilter;
}

export interface FlowPiece {
  /** Each flow a FlowEntry in one line of JSON: control passes them on unread. */
  readonly lines: string;
  readonly matched: number;
  /** Absent: this was the last piece. */
  readonly next?: number;
}

/** A packet of a client: what opens a connection, or goes on with the flow that there is. */
export interface PacketQuestion {
  readonly protocol: Protocol;
  readonly client: Endpoint;
  readonly service: Endpoint;
}

export interface Candidate extends Endpoint {
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
  /** Above its threshold. */
  readonly overloaded: boolean;
}

/** An Ethernet frame, in hexadecimal, and the interface it is on. */
export interface ExplainedFrame {
  readonly interface: string;
  readonly frame: string;
}

/** What would become of a packet now. */
export interface Explanation {
  /** Its name. Absent: nobody serves that address, port and protocol. */
  readonly service?: string;
  /** Whether this host holds the service's address. */
  readonly isLocal: boolean;
  /** What the scheduler chooses from. */
  readonly candidates: readonly Candidate[];
  /** That the packet belongs to. */
  readonly flow?: FlowEntry;
  /** The template that keeps the client with a destination. */
  readonly kept?: FlowEntry;
  readonly chosen?: Endpoint;
  readonly verdict: string;
  readonly fate: VerdictStats['fate'];
  readonly help: string;
  readonly in: ExplainedFrame;
  /** What leaves, or would if its next hop's link-layer address (`mac`) were known. */
  readonly out?: ExplainedFrame & { readonly nextHop: string; readonly mac?: string };
}

/** A packet as it came, or as it left, and what finally happened to it. */
export interface TracedPacket {
  /** Microseconds since 1970. */
  readonly atUs: number;
  readonly interface: string;
  readonly leaving: boolean;
  readonly verdict: string;
  /** Of the whole frame. */
  readonly length: number;
  /** Its first bytes, in hexadecimal. */
  readonly frame: string;
}

/** Since it was asked last; for the first time it is empty. */
export interface Trace {
  readonly packets: readonly TracedPacket[];
  /** Packets there was no room for. */
  readonly lost: number;
}

/** What can be asked of the data plane; the answer carries the value of the same name. */
export interface Readings {
  readonly stats: Stats & { readonly rates?: Rates };
  /** Rounds of the worker's loop, without all the rest. */
  readonly rounds: number;
  readonly flows: FlowPiece;
  readonly explain: Explanation;
  readonly trace: Trace;
}

/** What more there is to say to ask for it. */
export interface Questions {
  readonly stats: undefined;
  readonly rounds: undefined;
  readonly flows: FlowQuestion;
  readonly explain: PacketQuestion;
  /** Verdicts; none: all of them. */
  readonly trace: readonly string[];
}

export type Question = {
  [What in keyof Readings]: { readonly what: What; readonly about: Questions[What] };
}[keyof Readings];

export type ToDataplane =
  | { readonly kind: 'configure'; readonly snapshot: SnapshotChange }
  | ({ readonly kind: 'read'; readonly id: number } & Question)
  | { readonly kind: 'stop' };

export type FromDataplane =
  | { readonly kind: 'ready'; readonly backend: Backend; readonly backendReason: string; readonly adoptedFlows: number }
  | { readonly kind: 'configured'; readonly generation: number; readonly tookMs: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value: Readings[keyof Readings] }
  | { readonly kind: 'refused'; readonly id: number; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  /** For the log. */
  | { readonly kind: 'said'; readonly message: string };
