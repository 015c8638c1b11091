// Keeps a flood of bad packets out of the log: the first line of a kind at once, then one per period saying how many were left out.

export type LogLimit = (kind: string, text: string, now: number) => string | undefined;

/** The text to log, or undefined when it is one too many. */
export function createLogLimit(periodMs: number): LogLimit {
  const kinds = new Map<string, { readonly quietUntil: number; readonly omitted: number }>();
  return (kind, text, now) => {
    const { quietUntil, omitted } = kinds.get(kind) ?? { quietUntil: Number.NEGATIVE_INFINITY, omitted: 0 };
    if (now < quietUntil) {
      kinds.set(kind, { quietUntil, omitted: omitted + 1 });
      return undefined;
    }
    kinds.set(kind, { quietUntil: now + periodMs, omitted: 0 });
    return omitted === 0 ? text : `${text} (and ${omitted} more since)`;
  };
}
