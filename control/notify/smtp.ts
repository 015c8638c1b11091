// One mail over SMTP (RFC 5321), as a machine: replies in, commands out. The commands, and what is logged of failures, are keepalived's.

import type { Mail } from '../config/model.js';

export type Stage = 'greeting' | 'HELO' | 'MAIL' | 'RCPT' | 'DATA' | 'BODY' | 'QUIT' | 'over';

export interface Session {
  readonly stage: Stage;
  /** How many recipients were named to the server. */
  readonly recipients: number;
  /** Of a reply that is not complete. */
  readonly pending: string;
  readonly sent: boolean;
}

export type SmtpEvent =
  | { readonly kind: 'text'; readonly text: string }
  /** The server said nothing for too long. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'closed' };

export type SmtpEffect =
  | { readonly kind: 'send'; readonly text: string }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'close' };

export interface SmtpOutcome {
  readonly session: Session;
  readonly effects: readonly SmtpEffect[];
}

export const START: Session = { stage: 'greeting', recipients: 0, pending: '', sent: false };

const EXPECTED: Readonly<Record<Exclude<Stage, 'over'>, number>> = {
  greeting: 220,
  HELO: 250,
  MAIL: 250,
  RCPT: 250,
  DATA: 354,
  BODY: 250,
  QUIT: 221,
};
/** More than any server says in a line; RFC 5321 4.5.3.1.5 has 512. */
const LONGEST_LINE = 1024;

/** `content`: headers and body, dots doubled, as it goes over the line. */
export function step(mail: Mail, content: string, session: Session, event: SmtpEvent): SmtpOutcome {
  if (session.stage === 'over') return { session, effects: [] };
  if (event.kind === 'text') return read(mail, content, session, event.text);
  const server = nameOf(mail);
  if (event.kind === 'closed')
    return over(session, session.stage === 'QUIT' ? [] : [log(`Remote SMTP server ${server} has closed the connection.`)]);
  const silence = log(`Timeout reading data to remote SMTP server ${server}.`);
  return session.stage === 'QUIT' ? over(session, [silence]) : quit(session, [silence]);
}

function nameOf({ server: { host, port } }: Mail): string {
  return `[${host}]:${port}`;
}

function read(mail: Mail, content: string, session: Session, text: string): SmtpOutcome {
  const lines = (session.pending + text).split('\n');
  const pending = lines.pop() ?? '';
  if (pending.length > LONGEST_LINE) {
    const problem = log(`Received buffer from remote SMTP server ${nameOf(mail)} overflow our get read buffer length.`);
    return quit({ ...session, pending: '' }, [problem]);
  }
  const effects: SmtpEffect[] = [];
  let now: Session = { ...session, pending };
  for (const line of lines) {
    if (now.stage === 'over') break;
    // `250-` goes on; only the last line of a reply counts.
    const [, code = '', mark] = /^(\d{3})(-?)/.exec(line) ?? [];
    if (mark === '-') continue;
    const outcome = reply(mail, content, now, Number(code || -1));
    now = outcome.session;
    effects.push(...outcome.effects);
  }
  return { session: now, effects };
}

function reply(mail: Mail, content: string, session: Session, code: number): SmtpOutcome {
  const { stage } = session;
  if (stage === 'over') return { session, effects: [] };
  if (code !== EXPECTED[stage]) {
    const command = stage === 'greeting' ? '(E)SMTP' : stage;
    const problem = log(`Error processing ${command} cmd on SMTP server ${nameOf(mail)}. SMTP status code = ${code}`);
    return stage === 'QUIT' ? over(session, []) : quit(session, [problem]);
  }
  switch (stage) {
    case 'greeting':
      return send(session, 'HELO', `HELO ${mail.heloName}`);
    case 'HELO':
      return send(session, 'MAIL', `MAIL FROM:${pathOf(mail.from)}`);
    case 'MAIL':
    case 'RCPT':
      return nameRecipient(mail, session);
    case 'DATA':
      return { session: { ...session, stage: 'BODY' }, effects: [{ kind: 'send', text: content }] };
    case 'BODY':
      return quit({ ...session, sent: true }, []);
    case 'QUIT':
      return over(session, []);
  }
}

function nameRecipient({ to }: Mail, session: Session): SmtpOutcome {
  const next = to[session.recipients];
  if (next === undefined) return send(session, 'DATA', 'DATA');
  return send({ ...session, recipients: session.recipients + 1 }, 'RCPT', `RCPT TO:${pathOf(next)}`);
}

/** `The night shift <night@example.com>` → `<night@example.com>` */
function pathOf(address: string): string {
  return /<[^<>]*>$/.exec(address)?.[0] ?? `<${address}>`;
}

function send(session: Session, stage: Stage, command: string): SmtpOutcome {
  return { session: { ...session, stage }, effects: [{ kind: 'send', text: `${command}\r\n` }] };
}

function quit(session: Session, before: readonly SmtpEffect[]): SmtpOutcome {
  return { session: { ...session, stage: 'QUIT' }, effects: [...before, { kind: 'send', text: 'QUIT\r\n' }] };
}

function over(session: Session, before: readonly SmtpEffect[]): SmtpOutcome {
  return { session: { ...session, stage: 'over' }, effects: [...before, { kind: 'close' }] };
}

function log(text: string): SmtpEffect {
  return { kind: 'log', text };
}

/** Headers and body up to the dot that ends them. `when`: as RFC 5322 writes it. */
export function content({ from, to }: Mail, { subject, text }: { readonly subject: string; readonly text: string }, when: string): string {
  const headers = [
    ['Date', when],
    ['From', from],
    ['Subject', encoded(subject)],
    ['X-Mailer', 'natlb'],
    ['To', to.join(',\r\n ')],
  ].map(([name, value]) => `${name}: ${value}`);
  const body = text.split(/\r\n|\n/).map((line) => (line.startsWith('.') ? `.${line}` : line));
  return [...headers, '', ...body, '', '.', ''].join('\r\n');
}

/** No line of its own, and beyond ASCII as RFC 2047 has it. */
function encoded(subject: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name in quotes may hold any character
  const line = subject.replace(/[\u0000-\u001f\u007f]+/g, ' ');
  return /^[ -~]*$/.test(line) ? line : `=?UTF-8?B?${Buffer.from(line).toString('base64')}?=`;
}
