// Asks the kernel by rtnetlink, and says what it refused in words for the operator.

import { addon } from './addon.js';

export interface Answer {
  /** An errno; 0: done. */
  readonly code: number;
  readonly error: string;
  readonly messages: readonly Uint8Array[];
}

export type Ask = (message: Uint8Array) => Answer;

export const askKernel: Ask = (message) => addon.askKernel(message);

/** Errors that mean that there is nothing left to do. */
export const THERE_ALREADY: readonly number[] = [17];
export const GONE_ALREADY: readonly number[] = [
  2, // no such rule
  3, // no such route
  19, // no such interface
  97, // no such address family here
  99, // no such address
];

/** `fine`: errors that are none here. */
export function perform(ask: Ask, message: Uint8Array, doing: string, fine: readonly number[] = []): void {
  const { code, error } = ask(message);
  if (code !== 0 && !fine.includes(code)) throw new Error(`cannot ${doing}: ${error}`);
}
