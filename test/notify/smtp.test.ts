// Plays the transcripts beside this file: what a mail server says, and what it is told. REWRITE=1 writes them anew; then read the difference.
//
//   First line: the behaviour. Then `S: ` is the server's, `silence` and `closed` happen; what follows indented is ours.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Mail } from '../../control/config/model.js';
import { content, type Session, type SmtpEffect, type SmtpEvent, START, step } from '../../control/notify/smtp.js';

const DIRECTORY = join(import.meta.dirname, '../../../test/notify/transcripts');
const mail: Mail = {
  server: { host: '192.0.2.25', port: 25 },
  heloName: 'lb1.example.com',
  from: 'The balancer <lb1@example.com>',
  to: ['admin@example.com', 'The night shift <night@example.com>'],
  timeoutMs: 1000,
  withoutFaults: false,
};

for (const file of readdirSync(DIRECTORY).filter((name) => name.startsWith('smtp-'))) {
  const path = join(DIRECTORY, file);
  const text = readFileSync(path, 'utf8');
  test(`mail: ${text.split('\n', 1)[0] ?? file}`, () => {
    const played = play(text);
    if (process.env.REWRITE) writeFileSync(path, played);
    else assert.equal(played, text);
  });
}

function play(text: string): string {
  const [title = '', ...lines] = text.trimEnd().split('\n');
  let session: Session = START;
  const played = lines
    .filter((line) => !line.startsWith(' '))
    .flatMap((line) => {
      const outcome = step(mail, 'THE MAIL\r\n.\r\n', session, eventOf(line));
      session = outcome.session;
      return [line, ...outcome.effects.map((effect) => `  ${shown(effect)}`)];
    });
  return `${[title, ...played].join('\n')}\n`;
}

/** `…` is where a packet ends in the middle of a line; `+` stands for the end of a line. */
function eventOf(line: string): SmtpEvent {
  if (line === 'silence' || line === 'closed') return { kind: line };
  const said = line.replace(/^S: ?/, '').replaceAll('+', '\r\n').replace('LONG', 'x'.repeat(5000));
  return { kind: 'text', text: said.endsWith('…') ? said.slice(0, -1) : `${said}\r\n` };
}

function shown(effect: SmtpEffect): string {
  if (effect.kind === 'send') return `C: ${effect.text.trimEnd().replaceAll('\r\n', '+')}`;
  return effect.kind === 'log' ? `log: ${effect.text}` : effect.kind;
}

test('a mail has its headers, and no line of its text ends it', () => {
  assert.equal(
    content(mail, { subject: '[lb1] VRRP Instance A - Stopping', text: '.hidden\nsecond' }, 'Mon, 01 Mar 2021 09:44:08 +0000'),
    [
      'Date: Mon, 01 Mar 2021 09:44:08 +0000',
      'From: The balancer <lb1@example.com>',
      'Subject: [lb1] VRRP Instance A - Stopping',
      'X-Mailer: natlb',
      'To: admin@example.com,',
      ' The night shift <night@example.com>',
      '',
      '..hidden',
      'second',
      '',
      '.',
      '',
    ].join('\r\n'),
  );
});

test('a subject stays one line of ASCII, whatever an instance is called', () => {
  assert.match(
    content(mail, { subject: 'A\r\nBcc: everybody@example.com', text: '' }, ''),
    /\r\nSubject: A Bcc: everybody@example.com\r\n/,
  );
  assert.match(content(mail, { subject: 'Zürich', text: '' }, ''), /\r\nSubject: =\?UTF-8\?B\?WsO8cmljaA==\?=\r\n/);
});
