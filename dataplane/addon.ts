// The typed face of the `forwarder` addon.

import { createRequire } from 'node:module';
import type {
  Backend,
  Explanation,
  FlowEntry,
  FlowQuestion,
  HeldAddress,
  PacketQuestion,
  ServiceStats,
  SnapshotChange,
  Stats,
  Trace,
  Traffic,
  VerdictStats,
} from './protocol.js';

export interface ListedFlows {
  readonly flows: FlowEntry[];
  readonly matched: number;
  /** Absent: there are no more. */
  readonly next?: number;
}

/** The data plane of this machine: devices, worker, flow table. Every call may throw an Error that says what could not be done. */
export interface Engine {
  readonly about: { readonly backend: Backend; readonly backendReason: string; readonly adoptedFlows: number; readonly flowsLast: boolean };
  /** Swaps the snapshot in whole, or throws and changes nothing. What it is based on must be the one before. */
  configure(snapshot: SnapshotChange): void;
  stats(): Stats;
  /** Of the worker's loop: a number that stands still is a worker that stands still. */
  rounds(): number;
  flows(question: FlowQuestion): ListedFlows;
  /** Changes nothing. */
  explain(question: PacketQuestion): Explanation;
  /** Packets with these verdicts (none: with any) since the last call; they are watched until endTrace(). */
  trace(verdicts: readonly string[]): Trace;
  endTrace(): void;
  /** Nothing more is steered here, and the addresses leave the interfaces. */
  withdraw(held: readonly HeldAddress[]): void;
  /** Ends the worker and closes the devices; flows stay in their file. */
  close(): void;
}

export interface EngineOptions {
  readonly interfaces: readonly string[];
  readonly backend: Backend | 'auto';
  /** Empty: flows end with the process. */
  readonly flowFile: string;
  readonly maxFlows: number;
}

export interface MemoryInterface {
  readonly mac: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
  /** Its frames have these VLAN tags: one, or a provider's and a customer's. */
  readonly vlans?: readonly number[];
  /** They travel by the device of this interface, where it is not its own. */
  readonly device?: number;
  /** Of the frames of that device only those to its own MAC are its own. */
  readonly macvlan?: true;
}

/** What a MemoryRouter takes for the kernel's: positions in `interfaces` number its devices. */
export interface Surroundings {
  readonly interfaces: readonly MemoryInterface[];
  readonly routes: readonly { readonly prefix: string; readonly length: number; readonly interface: number; readonly gateway?: string }[];
  readonly neighbours: readonly { readonly address: string; readonly interface: number; readonly mac: string }[];
}

/** How a frame's sender left work to a NIC. Neither: its checksum is complete. */
export interface FrameOffload {
  /** The device cannot tell whether the checksum is complete. */
  readonly unknown?: true;
  readonly checksumStart?: number;
  readonly checksumOffset?: number;
  readonly gsoSize?: number;
}

export interface SentFrame {
  readonly device: number;
  readonly frame: Buffer;
  readonly partialChecksum: boolean;
  /** 0 = an ordinary frame. */
  readonly gsoSize: number;
}

/** The real pipeline between memory devices: no privilege, no network, no clock. */
export interface MemoryRouter {
  /** Returns the frames by which flows without their destination are told of their end; so does `advance` for those that were idle. */
  configure(snapshot: Omit<SnapshotChange, 'held' | 'graceMs'>): SentFrame[];
  route(surroundings: Surroundings): void;
  /** Lets time pass: milliseconds, in steps of 125. */
  advance(ms: number): SentFrame[];
  /** An address of a service has just come to this router. */
  takeOver(): void;
  /** Frames that arrive on a device as one batch, at most 64. */
  send(device: number, frames: readonly Uint8Array[], offload?: FrameOffload): { verdicts: string[]; out: SentFrame[] };
  transmitRoom(device: number, frames: number): void;
  stats(): { services: ServiceStats[]; total: Traffic; verdicts: VerdictStats[]; ended: Stats['ended']; flows: Stats['flows'] };
  flows(): FlowEntry[];
  /** As Engine.flows and Engine.explain. */
  flowPiece(question: FlowQuestion): ListedFlows;
  explain(question: PacketQuestion): Explanation;
}

interface Addon {
  readonly Engine: new (options: EngineOptions) => Engine;
  readonly MemoryRouter: new (options: Surroundings & { readonly maxFlows: number; readonly takesOffload: boolean }) => MemoryRouter;
  readonly schedulers: readonly string[];
}

const addon: Addon = createRequire(import.meta.url)('../../build/Release/forwarder.node');

export const { Engine, MemoryRouter, schedulers } = addon;
