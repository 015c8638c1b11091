// A configuration on trial: when it goes back, and what does and does not keep it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { step, type TrialEvent, type TrialState } from '../../control/reload/trial.js';

/** `applied` names what ran before; after it, for how long it is on trial. */
function play(...lines: readonly string[]): readonly string[] {
  let state: TrialState<string>;
  return lines.map((line) => {
    const [at = '', word = '', before = '', ms] = line.split(' ');
    const outcome = step(state, eventOf(word, before, ms), Number(at));
    state = outcome.state;
    const effects = outcome.effects.flatMap((effect) =>
      effect.kind === 'log' ? [] : [effect.kind === 'wake' ? `wake ${effect.at}` : `go back to ${effect.to}`],
    );
    return [state === undefined ? 'settled' : `on trial until ${state.endsAt}`, ...effects].join('; ');
  });
}

function eventOf(word: string, before: string, ms: string | undefined): TrialEvent<string> {
  if (word === 'applied') return { kind: 'applied', before, ...(ms === undefined ? {} : { trialMs: Number(ms) }) };
  return word === 'confirm' ? { kind: 'confirm' } : { kind: 'timer' };
}

const ROWS: readonly (readonly [name: string, lines: readonly string[], states: readonly string[]])[] = [
  ['without a trial nothing ever goes back', ['0 applied A', '1 timer'], ['settled', 'settled']],
  ['what nobody confirms goes back', ['0 applied A 60', '60 timer'], ['on trial until 60; wake 60', 'settled; go back to A']],
  ['what is confirmed stays', ['0 applied A 60', '59 confirm', '60 timer'], ['on trial until 60; wake 60', 'settled', 'settled']],
  ['a timer that is early is armed again', ['0 applied A 60', '59 timer'], ['on trial until 60; wake 60', 'on trial until 60; wake 60']],
  [
    'a second trial starts the time anew, and goes back to where the first began',
    ['0 applied A 60', '30 applied B 60', '60 timer', '90 timer'],
    ['on trial until 60; wake 60', 'on trial until 90; wake 90', 'on trial until 90; wake 90', 'settled; go back to A'],
  ],
  [
    'a plain reload meanwhile confirms nothing',
    ['0 applied A 60', '30 applied B', '60 timer'],
    ['on trial until 60; wake 60', 'on trial until 60', 'settled; go back to A'],
  ],
  [
    'after it was confirmed the next trial goes back to it',
    ['0 applied A 60', '10 confirm', '20 applied B 60', '80 timer'],
    ['on trial until 60; wake 60', 'settled', 'on trial until 80; wake 80', 'settled; go back to B'],
  ],
  ['there may be nothing to confirm', ['0 confirm'], ['settled']],
];

for (const [name, lines, states] of ROWS) {
  test(`trial: ${name}`, () => {
    assert.deepEqual(play(...lines), states);
  });
}
