// Whatever happens in whatever order: what VRRP has been told is what follows from the facts, and is told once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Subject, Tracked, Tracking, TrackProcess, TrackScript } from '../../control/config/tracking.js';
import { judge, keyOf } from '../../control/track/judge.js';
import { INITIAL, step, type TrackEvent, wakesAt } from '../../control/track/machine.js';

const PLACE = { file: '', line: 1, column: 1 };
const SUBJECTS: readonly Subject[] = [
  ...(['interface', 'script', 'file', 'process', 'bfd'] as const).map((kind) => ({ kind, key: keyOf(kind, 'x'), name: 'x' })),
  { kind: 'dataplane', key: keyOf('dataplane', 'worker'), name: 'worker', fact: { kind: 'worker' } },
];

const weights = fc.record({ weight: fc.oneof(fc.constant(0), fc.integer({ min: -254, max: 254 })), reverse: fc.boolean() });
const tracked: fc.Arbitrary<readonly Tracked[]> = fc
  .subarray([...SUBJECTS])
  .chain((subjects) => fc.tuple(...subjects.map((subject) => weights.map((weight) => ({ ...subject, ...weight })))));

const script: TrackScript = {
  name: 'x',
  script: { argv: ['/bin/true'], place: PLACE },
  intervalMs: 10,
  timeoutMs: 10,
  rise: 2,
  fall: 2,
  initFail: false,
  weight: 0,
  reverse: false,
  places: {},
};
const daemon: TrackProcess = {
  name: 'x',
  command: 'x',
  parameters: [],
  match: 'any',
  fullCommand: false,
  quorum: 1,
  quorumMax: 2,
  forkDelayMs: 5,
  terminateDelayMs: 20,
  weight: 0,
  reverse: false,
  places: {},
};

const trackings: fc.Arbitrary<Tracking> = fc
  .array(fc.record({ priority: fc.integer({ min: 1, max: 255 }), tracked }), { maxLength: 3 })
  .map((instances) => ({
    scripts: [script],
    files: [],
    processes: [daemon],
    bfd: [],
    linkDelays: [],
    instances: instances.map((instance, i) => ({ name: `VI_${i}`, ...instance })),
  }));

const ALL = new Map([0, 1, 2].map((i) => [`VI_${i}`, 100] as const));
const states = fc.constantFrom('interface x', 'bfd x', 'dataplane worker');
const events: fc.Arbitrary<TrackEvent> = fc.oneof(
  trackings.map((tracking): TrackEvent => ({ kind: 'configured', tracking, priorities: ALL, facts: new Map() })),
  fc.constant<TrackEvent>({ kind: 'timer' }),
  fc.integer({ min: 0, max: 1 }).map((code): TrackEvent => ({ kind: 'ended', name: 'x', ending: { kind: 'exit', code } })),
  fc.integer({ min: 0, max: 3 }).map((count): TrackEvent => ({ kind: 'counted', name: 'x', count })),
  fc
    .record({ key: states, well: fc.boolean() })
    .map(({ key, well }): TrackEvent => ({ kind: 'learned', key, fact: { kind: 'state', well } })),
  fc.integer({ min: -300, max: 300 }).map((value): TrackEvent => ({ kind: 'learned', key: 'file x', fact: { kind: 'value', value } })),
);

test('VRRP is told what follows from the facts, between 1 and 254, and every change once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.integer({ min: 0, max: 30 })), { maxLength: 40 }), (happenings) => {
      let state = INITIAL;
      let now = 0;
      const priorities = new Map<string, number>();
      const faults = new Map<string, Set<string>>();
      for (const [event, pause] of happenings) {
        now += pause;
        const outcome = step(state, event, now);
        state = outcome.state;
        for (const effect of outcome.effects) {
          if (effect.kind === 'priority') priorities.set(effect.instance, effect.priority);
          if (effect.kind !== 'fault' && effect.kind !== 'recovered') continue;
          const known = faults.get(effect.instance) ?? new Set();
          faults.set(effect.instance, known);
          if (effect.kind === 'recovered') assert.ok(known.delete(effect.reason), `${effect.reason} was told to end and had not begun`);
          else if (event.kind === 'configured') known.add(effect.reason);
          else assert.ok(known.size < known.add(effect.reason).size, `${effect.reason} was told twice`);
        }
        for (const instance of state.tracking.instances) {
          const wanted = judge(instance, state.facts);
          assert.equal(priorities.get(instance.name), wanted.priority);
          assert.ok(wanted.priority === instance.priority || (wanted.priority >= 1 && wanted.priority <= 254));
          assert.deepEqual([...(faults.get(instance.name) ?? [])].sort(), [...wanted.faults].sort());
        }
        assert.ok(wakesAt(state) > now || event.kind !== 'timer', 'it wakes for what is done');
      }
    }),
  );
});
