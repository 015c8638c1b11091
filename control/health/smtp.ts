// The client's side of a short SMTP conversation (RFC 5321): greeting, HELO, QUIT. Lines in, lines out.

export type SmtpStep =
  | { readonly kind: 'send'; readonly line: string }
  | { readonly kind: 'more' }
  | { readonly kind: 'passed' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface SmtpReader {
  push(text: string): SmtpStep;
}

/** More than any server has to say here. */
const LONGEST_REPLY = 8192;

interface Stage {
  readonly code: string;
  readonly complaint: string;
  readonly next: (heloName: string) => SmtpStep;
}

const STAGES: readonly Stage[] = [
  { code: '220', complaint: 'Bad greeting banner', next: (heloName) => ({ kind: 'send', line: `HELO ${heloName}` }) },
  { code: '250', complaint: 'Bad HELO response', next: () => ({ kind: 'send', line: 'QUIT' }) },
  // keepalived: whatever it says to QUIT.
  { code: '', complaint: '', next: () => ({ kind: 'passed' }) },
];

export function readSmtp(heloName: string): SmtpReader {
  let stage = 0;
  let text = '';
  return {
    push: (more) => {
      text += more;
      if (text.length > LONGEST_REPLY) return { kind: 'refused', reason: 'the answer is longer than 8 KiB' };
      const reply = lastLine(text);
      const current = STAGES[stage];
      if (reply === undefined || current === undefined) return { kind: 'more' };
      text = '';
      stage += 1;
      return reply.startsWith(current.code) ? current.next(heloName) : { kind: 'refused', reason: current.complaint };
    },
  };
}

/** Of a reply of several lines the last has no hyphen behind its code; nothing while it has not come. */
function lastLine(text: string): string | undefined {
  const lines = text.split('\n').slice(0, -1);
  return lines.find((line) => !/^\d{3}-/.test(line));
}
