// The typed face of the `host` addon (native/host): netlink and the few system calls Node does not offer.

import { createRequire } from 'node:module';

export interface AddonAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 4 | 6;
  readonly scope: string;
}

export interface AddonLink {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly addresses: readonly AddonAddress[];
}

/** The kernel's links, kept from its news. Does not keep the process alive. */
export interface LinkMonitor {
  /** Takes in what the kernel has told since; true when anything is different now. */
  drain(): boolean;
  links(): AddonLink[];
  close(): void;
}

/** Hears of routes and rules with a mark of ours. Does not keep the process alive. */
export interface RouteMonitor {
  /** Takes in what the kernel has told since; true: some of it was ours, or was lost. */
  drain(): boolean;
  close(): void;
}

/** A UDP socket that tells how far its packets have come. Does not keep the process alive. */
export interface HopSocket {
  /** The next packet that waits; undefined: none does. */
  receive(): { readonly bytes: Uint8Array; readonly source: string; readonly destination: string; readonly ttl: number } | undefined;
  close(): void;
}

export interface ProbeSocket {
  readonly kind: 'stream' | 'datagram' | 'echo';
  readonly family: 4 | 6;
  /** To send from. */
  readonly address?: string;
  readonly port?: number;
  readonly mark?: number;
  readonly interface?: string;
}

export interface HostAddon {
  /** On any address; throws when the port is taken. `onReadable` is called while packets wait. */
  readonly HopSocket: new (
    family: 4 | 6,
    port: number,
    onReadable: () => void,
  ) => HopSocket;
  /** `onReadable` is called when there is something to drain, until it is drained. */
  readonly LinkMonitor: new (
    onReadable: () => void,
    /** How much news the kernel keeps until it is heard; 0: plenty. */
    bufferBytes: number,
  ) => LinkMonitor;
  readonly RouteMonitor: new (onReadable: () => void, protocol: number, bufferBytes: number) => RouteMonitor;
  /** Sends one rtnetlink message, which must ask for an acknowledgement or a dump, and waits for all of the answer. */
  askKernel(message: Uint8Array): { readonly code: number; readonly error: string; readonly messages: readonly Uint8Array[] };
  /** Returns a file descriptor, which is the caller's. */
  hopLimitFilter(lowest: number, highest: number): number;
  /** Opened and bound; returns a file descriptor, which is the caller's. */
  probeSocket(wanted: ProbeSocket): number;
  sdNotify(socket: string, text: string): void;
  /** False: another process holds the lock of this open file. */
  lock(fd: number): boolean;
  /** `listener` is called for each such signal from now on. Does not keep the process alive. */
  onSignal(number: number, listener: () => void): void;
}

// Seen from dist/control/host.
const PATH = '../../../build/Release/host.node';

export const addon: HostAddon = createRequire(import.meta.url)(PATH);
