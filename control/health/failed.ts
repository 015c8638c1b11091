// A probe that failed, in one word and in a sentence.

import type { Fault, ProbeResult } from './checker.js';

export function failed(fault: Fault, reason: string): ProbeResult {
  return { kind: 'failed', fault, reason };
}
