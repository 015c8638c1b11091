// MISC_CHECK: what it means how a script ended.

import type { MiscCheck } from '../config/checker.js';
import type { ProbeResult } from './checker.js';
import { failed } from './failed.js';

/** As `runScript` tells it. */
type End =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed'; readonly reason: string };

/** With misc_dynamic codes from 2 on are a weight, 2 being 0. A script that could not be started says nothing about the server. */
export function miscResult({ dynamic, timeoutMs }: Pick<MiscCheck, 'dynamic' | 'timeoutMs'>, end: End): ProbeResult {
  switch (end.kind) {
    case 'exit':
      if (end.code === 0) return { kind: 'passed' };
      if (dynamic && end.code >= 2) return { kind: 'passed', weight: { set: end.code - 2 } };
      return failed('status', `exited with status ${end.code}`);
    case 'signal':
      return failed('broken', `due to signal ${end.signal}`);
    case 'timeout':
      return failed('silence', `still not ended after ${timeoutMs / 1000} s`);
    case 'failed':
      return { kind: 'unable', reason: end.reason };
  }
}
