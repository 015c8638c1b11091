// What the firewall rules people have say about marks: which traffic gets which.

import type { Listener } from '../../../dataplane/protocol.js';
import type { Place } from '../model.js';

/** A rule that sets a mark. */
export type MarkRule =
  | { readonly kind: 'read'; readonly place: Place; readonly mark: number; readonly listeners: readonly Listener[] }
  /** It depends on what a listener cannot say. `mark` is absent where even that depends on something. */
  | { readonly kind: 'unread'; readonly place: Place; readonly name: string; readonly mark?: number; readonly why: string };

export interface RuleFile {
  readonly rules: readonly MarkRule[];
  /** What keeps the whole file from being read. */
  readonly problem?: string;
}

/** Why a rule is not read; a parser of rules throws it and its caller makes it an `unread` rule. */
export class Unread extends Error {}
