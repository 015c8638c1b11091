// What the oracle and natlb have in common: frames in, frames out, and what they say of their flows.

import type { Service } from '../../dataplane/protocol.js';

export interface Sent {
  readonly device: number;
  readonly frame: Buffer;
}

export interface Balancer {
  configure(services: readonly Service[]): void;
  /** What comes out because of this frame; its own fate, where that is known. */
  send(device: number, frame: Buffer): { readonly out: readonly Sent[]; readonly verdict: string };
  /** A line for each destination: weight, active and inactive flows. */
  loads(): readonly string[];
  /** Every flow, templates too. */
  flows(): readonly FlowLine[];
  /** Since the start: connections, packets in and out, bytes in and out. */
  totals(): readonly number[];
}

export interface FlowLine {
  /** Ends and state. */
  readonly text: string;
  readonly expiresInS: number;
}
