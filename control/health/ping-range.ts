// net.ipv4.ping_group_range: the groups from one to another; none where the first is above the last.

/** What to write so that `group` is in it too; nothing when it is. */
export function rangeWith(text: string, group: number): string | undefined {
  const [first = 1, last = 0] = text.trim().split(/\s+/).map(Number);
  if (first <= group && group <= last) return undefined;
  return first > last ? `${group} ${group}` : `${Math.min(first, group)} ${Math.max(last, group)}`;
}
