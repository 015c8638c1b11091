// What is known of each instance beside its state, by its name; kept over a reload.

import type { VrrpInstance } from '../config/model.js';
import { type Memory, noMemory } from './authenticator.js';
import { type ChecksumForms, type Counters, noCounts } from './counters.js';

export interface Ledger {
  readonly counters: Counters;
  readonly checksumForms: ChecksumForms;
  lastTransitionMs: number;
  linkFault: string | undefined;
  /** Of what authentication has sent and heard. */
  readonly memory: Memory;
  /** Whose advert was heard last. */
  lastSource: string | undefined;
  /** A peer computes checksums as keepalived did until 1.3.6, and we do as well. */
  toMulticastGroup: boolean;
}

export class Ledgers {
  private readonly known = new Map<string, Ledger>();

  of({ name }: Pick<VrrpInstance, 'name'>): Ledger {
    const ledger = this.known.get(name) ?? emptyLedger();
    this.known.set(name, ledger);
    return ledger;
  }

  clearCounters(): void {
    for (const { counters } of this.known.values()) Object.assign(counters, noCounts());
  }
}

function emptyLedger(): Ledger {
  const checksumForms = { 'with-pseudo-header': 0, 'message-only': 0, 'to-multicast-group': 0 };
  const told = { lastTransitionMs: 0, linkFault: undefined, lastSource: undefined, toMulticastGroup: false };
  return { counters: noCounts(), checksumForms, memory: noMemory(), ...told };
}
