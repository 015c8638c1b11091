// What the thread that reads a configuration and the thread that asked for it say to each other, and what comes of it. Plain data: it is copied
// between threads.

import type { Host } from '../config/host-check.js';
import type { Config, Finding, VirtualServer } from '../config/model.js';

/** What the loading thread is started with. */
export interface LoadStart {
  readonly file: string;
  readonly configId?: string;
  readonly host: Host;
  /** Of the virtual servers that need not be sent again. */
  readonly known: readonly string[];
}

/** A configuration without its virtual servers, which follow in pieces. */
export type Rest = Omit<Config, 'virtualServers'>;

/** A virtual server, or the position of its like in `known`. */
export type Entry = number | { readonly fingerprint: string; readonly service: VirtualServer };

export interface LoadTimes {
  readonly parseMs: number;
  readonly checkMs: number;
  readonly compareMs: number;
}

export interface ReadMessage {
  readonly kind: 'read';
  readonly findings: readonly Finding[];
  /** Absent: nothing can be run; no entries follow. */
  readonly rest?: Rest;
  readonly times: LoadTimes;
}

export interface EntriesMessage {
  readonly kind: 'entries';
  readonly entries: readonly Entry[];
  readonly last: boolean;
}

export type FromLoad = ReadMessage | EntriesMessage;

/** The next piece is sent when the one before it has been taken: nothing else of this process has to wait for long. */
export type ToLoad = 'next';

/** A configuration, and by what to know its virtual servers again: those of the next one that say the same are these very objects. */
export interface Known {
  readonly config: Config;
  /** Of the virtual servers, in their order. */
  readonly fingerprints: readonly string[];
}

export interface Read {
  readonly findings: readonly Finding[];
  /** Absent: it cannot be run, and the findings say why. */
  readonly known?: Known;
  readonly times: LoadTimes;
}
