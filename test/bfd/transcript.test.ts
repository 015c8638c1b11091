// Plays the transcripts beside this file: what happens to a BFD session, and what it makes of it.
// NATLB_REWRITE=1 writes what happened into them instead; read the difference before you commit it.
//
//   First line: the behaviour. bfd key=value…    keys: minRx minTx idleTx multiplier passive
//   TIME EVENT => STATE, sends TIME, expires TIME; effects
//
// Events: start · packet STATE [poll] [final] [demand] [mult N] [rx MS] [tx MS] [your N] [my N] · timer · stop. Packets leave at 80 % of the interval.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BfdState, Packet } from '../../control/bfd/packet.js';
import { type BfdEffect, type BfdEvent, INITIAL, type Session, step } from '../../control/bfd/session.js';
import type { BfdInstance } from '../../control/config/tracking.js';
import { bfdInstance } from './instance.js';

const DIRECTORY = join(import.meta.dirname, '../../../test/bfd/transcripts');
const REWRITE = process.env.NATLB_REWRITE === '1';
const ARROW = '=> ';
const COLUMN = 44;
/** 75 % and a fifth of the quarter above it. */
const RANDOM = 0.2;

for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.txt'))) {
  const path = join(DIRECTORY, file);
  const text = readFileSync(path, 'utf8');
  test(text.split('\n', 1)[0] ?? file, () => {
    const played = play(text);
    if (REWRITE) writeFileSync(path, played);
    else assert.equal(played, text);
  });
}

function play(text: string): string {
  const [title = '', settings = '', ...lines] = text.trimEnd().split('\n');
  const config = parseConfig(settings.split(/\s+/).slice(1));
  let session = INITIAL;
  const rows = lines.map((line) => {
    const [row = ''] = line.split(ARROW);
    const [time = '', ...words] = row.trim().split(/\s+/);
    const outcome = step(config, session, parseEvent(words), Number(time));
    session = outcome.session;
    return `${row.trimEnd().padEnd(COLUMN)}${ARROW}${[describe(session), ...outcome.effects.map(describeEffect)].join('; ')}`;
  });
  return `${[title, settings, ...rows].join('\n')}\n`;
}

const SETTINGS: Readonly<Record<string, (value: string) => Partial<BfdInstance>>> = {
  minRx: (value) => ({ minRxMs: Number(value) }),
  minTx: (value) => ({ minTxMs: Number(value) }),
  idleTx: (value) => ({ idleTxMs: Number(value) }),
  multiplier: (value) => ({ multiplier: Number(value) }),
  passive: () => ({ passive: true }),
};

function parseConfig(settings: readonly string[]): BfdInstance {
  const pairs = settings.map((setting) => setting.split('='));
  for (const [key = ''] of pairs) assert.ok(key in SETTINGS, `no setting "${key}"`);
  return bfdInstance(Object.assign({}, ...pairs.map(([key = '', value = '']) => SETTINGS[key]!(value))));
}

function parseEvent([kind, ...words]: readonly string[]): BfdEvent {
  switch (kind) {
    case 'start':
      return { kind, discriminator: 11, random: RANDOM };
    case 'packet':
      return { kind, packet: parsePacket(words), random: RANDOM };
    case 'timer':
      return { kind, random: RANDOM };
    case 'stop':
      return { kind };
    default:
      throw new Error(`no event "${kind}"`);
  }
}

function parsePacket(words: readonly string[]): Packet {
  const after = (word: string, otherwise: number): number => (words.includes(word) ? Number(words[words.indexOf(word) + 1]) : otherwise);
  return {
    state: words[0] as BfdState,
    diagnostic: 0,
    poll: words.includes('poll'),
    final: words.includes('final'),
    demand: words.includes('demand'),
    multiplier: after('mult', 3),
    myDiscriminator: after('my', 22),
    yourDiscriminator: after('your', 11),
    requiredMinRxMs: after('rx', 100),
    desiredMinTxMs: after('tx', 100),
  };
}

function describe({ state, sendAt, expiresAt }: Session): string {
  const at = (what: string, time: number): string => (time === Number.POSITIVE_INFINITY ? '' : `, ${what} ${Math.round(time)}`);
  return `${state}${at('sends', sendAt)}${at('expires', expiresAt)}`;
}

function describeEffect(effect: BfdEffect): string {
  switch (effect.kind) {
    case 'send': {
      const { state, poll, final, yourDiscriminator, desiredMinTxMs, diagnostic } = effect.packet;
      const why = diagnostic === 0 ? '' : ` diag ${diagnostic}`;
      return `send ${state}${poll ? ' poll' : ''}${final ? ' final' : ''}${why} your ${yourDiscriminator} tx ${desiredMinTxMs}`;
    }
    case 'changed':
      return effect.up ? 'UP' : 'DOWN';
    case 'log':
      return `"${effect.text}"`;
  }
}
