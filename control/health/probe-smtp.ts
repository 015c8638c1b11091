// SMTP_CHECK: the real server is well if it greets, and answers HELO.

import type { CheckerOf } from '../config/checker.js';
import { converse } from './connection.js';
import { failed } from './failed.js';
import { readSmtp, type SmtpStep } from './smtp.js';
import type { Cancel, Done } from './watch.js';

export function probeSmtp(checker: CheckerOf<'smtp'>, done: Done): Cancel {
  return converse(checker, done, ({ socket, finish, refreshTimeout }) => {
    const reader = readSmtp(checker.heloName);
    const started = performance.now();
    const longestMs = Math.max(checker.delayLoopMs, checker.connectTimeoutMs);
    const act = (step: SmtpStep): void => {
      if (step.kind === 'passed') finish({ kind: 'passed' });
      else if (step.kind === 'refused') finish(failed('status', step.reason));
      else if (step.kind === 'send') send(step.line);
    };
    const send = (line: string): void => {
      refreshTimeout();
      socket.write(`${line}\r\n`);
    };
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      act(reader.push(String(text)));
      if (performance.now() - started > longestMs)
        finish(failed('silence', 'the conversation was still not over when the next check was due'));
    });
    socket.once('end', () => finish(failed('no response', 'closed before the conversation was over')));
  });
}
