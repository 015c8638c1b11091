// When reload_time_file says to reload: its forms, exactly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Calendar, scheduleOf } from '../../control/reload/schedule.js';

const NOW = Date.UTC(2026, 0, 2, 12, 0, 0);

const utc: Calendar = ({ date, hour, minute, second }, nowMs) => {
  const now = new Date(nowMs);
  const { year, month, day } = date ?? { year: now.getUTCFullYear(), month: now.getUTCMonth() + 1, day: now.getUTCDate() };
  return Date.UTC(year, month - 1, day, hour, minute, second);
};

const ROWS: readonly (readonly [text: string, at: string])[] = [
  ['13:30:00', '2026-01-02T13:30:00.000Z'],
  ['13:30:00Z\nanything', '2026-01-02T13:30:00.000Z'],
  ['11:30:00', '2026-01-03T11:30:00.000Z'],
  ['12:00:00', '2026-01-03T12:00:00.000Z'],
  ['26-02-03 04:05:06', '2026-02-03T04:05:06.000Z'],
  ['2026-02-03 04:05:06Z', '2026-02-03T04:05:06.000Z'],
  ['2026-01-01 04:05:06', 'past'],
  ['26-01-02 12:00:00', 'past'],
  ['', 'malformed'],
  [' 13:30:00', 'malformed'],
  ['13:30:00 ', 'malformed'],
  ['13:30', 'malformed'],
  ['24:00:00', 'malformed'],
  ['2026-13-01 00:00:00', 'malformed'],
  ['2026-02-03  04:05:06', 'malformed'],
  ['tomorrow', 'malformed'],
];

for (const [text, at] of ROWS) {
  test(`reload_time_file: ${JSON.stringify(text)} is ${at}`, () => {
    const schedule = scheduleOf(text, NOW, utc);
    assert.equal(schedule.kind === 'at' ? new Date(schedule.atMs).toISOString() : schedule.kind, at);
  });
}
