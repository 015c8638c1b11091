// A configuration on trial: it gives way to the one before it unless somebody confirms it in time.
// step(state, event, now) → {state, effects}. Times in milliseconds.

/** `before`: what to go back to. Nothing confirmed it: a second reload meanwhile leaves it as it is. */
export interface Trial<Before> {
  readonly before: Before;
  readonly endsAt: number;
}

export type TrialState<Before> = Trial<Before> | undefined;

export type TrialEvent<Before> =
  /** A configuration took the place of `before`; with `trialMs` only on trial. */
  | { readonly kind: 'applied'; readonly before: Before; readonly trialMs?: number }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'timer' };

export type TrialEffect<Before> =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'go back'; readonly to: Before };

export interface TrialOutcome<Before> {
  readonly state: TrialState<Before>;
  readonly effects: readonly TrialEffect<Before>[];
}

export function step<Before>(state: TrialState<Before>, event: TrialEvent<Before>, now: number): TrialOutcome<Before> {
  switch (event.kind) {
    case 'applied':
      return apply(state, event.before, event.trialMs, now);
    case 'confirm':
      return state === undefined ? { state, effects: [] } : { state: undefined, effects: [log('The configuration on trial is confirmed')] };
    case 'timer':
      return look(state, now);
  }
}

function apply<Before>(state: TrialState<Before>, before: Before, trialMs: number | undefined, now: number): TrialOutcome<Before> {
  if (trialMs !== undefined) {
    const trial = { before: state?.before ?? before, endsAt: now + trialMs };
    return { state: trial, effects: [log(`On trial: ${otherwise(trialMs)}`), { kind: 'wake', at: trial.endsAt }] };
  }
  if (state === undefined) return { state, effects: [] };
  return { state, effects: [log(`Still on trial: ${otherwise(state.endsAt - now)}`)] };
}

function look<Before>(state: TrialState<Before>, now: number): TrialOutcome<Before> {
  if (state === undefined) return { state, effects: [] };
  if (now < state.endsAt) return { state, effects: [{ kind: 'wake', at: state.endsAt }] };
  const text = 'Nobody confirmed the configuration on trial: going back to the one before it; the file still says otherwise';
  return { state: undefined, effects: [log(text), { kind: 'go back', to: state.before }] };
}

function otherwise(inMs: number): string {
  return `goes back to the configuration that was last not on trial in ${Math.ceil(inMs / 1000)} s unless 'natlb confirm' comes`;
}

function log(text: string): { readonly kind: 'log'; readonly text: string } {
  return { kind: 'log', text };
}
