// Sends mail, a few at a time; what cannot be sent is logged and forgotten, as keepalived does.

import { connect, type Socket } from 'node:net';
import type { Mail } from '../config/model.js';
import type { Log } from '../log.js';
import { content, type Session, type SmtpEffect, START, step } from './smtp.js';

export interface Letter {
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  send(mail: Mail, letter: Letter): void;
  /** Sends what waits, as far as it can be done in this time. */
  close(withinMs: number): Promise<void>;
}

const SESSIONS = 4;
/** When a thousand servers go down, what went down last is worth more than what went down first. */
const WAITING = 200;

interface Order {
  readonly mail: Mail;
  readonly letter: Letter;
}

export function openMailer(log: Log): Mailer {
  const waiting: Order[] = [];
  const sockets = new Set<Socket>();
  let dropped = 0;
  let idle: (() => void) | undefined;

  function next(): void {
    const order = sockets.size < SESSIONS ? waiting.shift() : undefined;
    if (order !== undefined) start(order);
    else if (sockets.size === 0) idle?.();
  }

  function start(order: Order): void {
    const socket = converse(order, log, () => {
      sockets.delete(socket);
      sayDropped();
      next();
    });
    sockets.add(socket);
  }

  function sayDropped(): void {
    if (dropped > 0) log(`${dropped} mails were not sent: too many were waiting`);
    dropped = 0;
  }

  return {
    send(mail, letter) {
      waiting.push({ mail, letter });
      if (waiting.length > WAITING && waiting.shift() !== undefined) dropped += 1;
      next();
    },
    async close(withinMs) {
      if (sockets.size > 0) {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, withinMs);
        });
        const done = new Promise<void>((resolve) => {
          idle = resolve;
        });
        await Promise.race([late, done]);
        clearTimeout(timer);
      }
      sayDropped();
      const unsent = waiting.splice(0).length + sockets.size;
      if (unsent > 0) log(`${unsent} mails were not sent: natlb ends`);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** One connection, from the first to the last word; `done` is called once, when it is over. */
function converse({ mail, letter }: Order, log: Log, done: () => void): Socket {
  const { host, port } = mail.server;
  const text = content(mail, letter, dateText());
  const socket = connect({ host, port });
  let session: Session = START;
  let connected = false;
  const perform = (effect: SmtpEffect): void => {
    if (effect.kind === 'send') socket.write(effect.text);
    else if (effect.kind === 'log') log(effect.text);
    else socket.destroy();
  };
  const handle = (event: Parameters<typeof step>[3]): void => {
    const outcome = step(mail, text, session, event);
    session = outcome.session;
    for (const effect of outcome.effects) perform(effect);
  };
  socket.setEncoding('latin1');
  socket.setTimeout(mail.timeoutMs);
  socket.on('timeout', () => {
    if (connected) return handle({ kind: 'silence' });
    log(`Timeout opening connection to remote SMTP server [${host}]:${port}.`);
    socket.destroy();
  });
  socket.on('connect', () => {
    connected = true;
  });
  socket.on('data', (data) => handle({ kind: 'text', text: String(data) }));
  socket.on('end', () => handle({ kind: 'closed' }));
  socket.on('error', ({ message }) => log(`SMTP connection ERROR to [${host}]:${port}: ${message}.`));
  socket.on('close', done);
  return socket;
}

/** `Mon, 01 Mar 2021 09:44:08 +0000` */
function dateText(): string {
  return new Date().toUTCString().replace('GMT', '+0000');
}
