// When reload_time_file says to reload. Its first line is exactly HH:MM:SS, YY-MM-DD HH:MM:SS or YYYY-MM-DD HH:MM:SS, each perhaps with Z at its end
// for UTC. keepalived.conf(5).

const FORM = /^(?:(\d{2}|\d{4})-(\d{2})-(\d{2}) )?(\d{2}):(\d{2}):(\d{2})(Z)?$/;

/** What the machine's calendar makes of a time of day and, or else, of the day of `now`. */
export type Calendar = (fields: Fields, nowMs: number) => number;

export interface Fields {
  readonly date?: { readonly year: number; readonly month: number; readonly day: number };
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly isUtc: boolean;
}

export type Schedule =
  | { readonly kind: 'at'; readonly atMs: number }
  /** A date that has gone by: a reload that was made already. */
  | { readonly kind: 'past' }
  | { readonly kind: 'malformed'; readonly line: string };

const DAY_MS = 86_400_000;

export function scheduleOf(text: string, nowMs: number, calendar: Calendar): Schedule {
  const line = text.split('\n')[0] ?? '';
  const fields = fieldsOf(line);
  if (fields === undefined) return { kind: 'malformed', line: line.slice(0, 60) };
  const atMs = calendar(fields, nowMs);
  if (atMs > nowMs) return { kind: 'at', atMs };
  if (fields.date !== undefined) return { kind: 'past' };
  // A time of day that has gone by comes again tomorrow.
  return { kind: 'at', atMs: calendar(fields, nowMs + DAY_MS) };
}

function fieldsOf(line: string): Fields | undefined {
  const [all, year, month, day, hour, minute, second, utc] = FORM.exec(line) ?? [];
  if (all === undefined) return undefined;
  const time = { hour: Number(hour), minute: Number(minute), second: Number(second), isUtc: utc !== undefined };
  if (time.hour > 23 || time.minute > 59 || time.second > 59) return undefined;
  if (year === undefined) return time;
  const date = { year: Number(year.length === 2 ? `20${year}` : year), month: Number(month), day: Number(day) };
  return date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31 ? { ...time, date } : undefined;
}
