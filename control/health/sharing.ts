// Which checks are one and the same: whoever asks the same question in the same rhythm shares one probe.

import type { Checker } from '../config/checker.js';
import type { RealServer, VirtualServer } from '../config/model.js';
import { question, rhythm } from './question.js';

/** For whom a check is made. `checker` may stand elsewhere in the file than the one that is asked. */
export interface Subject {
  readonly service: VirtualServer;
  readonly server: RealServer;
  readonly checker: Checker;
  /** Which service of the configuration, and which server of it. */
  readonly at: { readonly service: number; readonly server: number };
}

export interface SharedCheck {
  readonly question: string;
  readonly rhythm: string;
  /** One of those that share it. */
  readonly checker: Checker;
  /** In the order of the configuration; never empty. */
  readonly subjects: readonly Subject[];
}

export function share(services: readonly VirtualServer[]): SharedCheck[] {
  const shared = new Map<string, SharedCheck & { readonly subjects: Subject[] }>();
  for (const subject of subjectsOf(services)) {
    const { checker } = subject;
    const [asked, when] = [question(checker), rhythm(checker)];
    const known = shared.get(`${asked} ${when}`);
    if (known === undefined) shared.set(`${asked} ${when}`, { question: asked, rhythm: when, checker, subjects: [subject] });
    else known.subjects.push(subject);
  }
  return [...shared.values()];
}

function* subjectsOf(services: readonly VirtualServer[]): Generator<Subject> {
  for (const [serviceAt, service] of services.entries())
    for (const [serverAt, server] of service.realServers.entries())
      for (const checker of server.checkers) yield { service, server, checker, at: { service: serviceAt, server: serverAt } };
}

export interface Continued<Held> {
  readonly check: SharedCheck;
  /** What is known of it already. Absent: it is new. */
  readonly held?: Held;
}

/** Which of the checks that were held goes on as which that is wanted: one of the same rhythm, or else one with the same question. */
export function carryOver<Held extends Pick<SharedCheck, 'question' | 'rhythm'>>(
  wanted: readonly SharedCheck[],
  held: readonly Held[],
): { readonly continued: readonly Continued<Held>[]; readonly ended: readonly Held[] } {
  const left = new Map<string, Held[]>();
  for (const each of held) left.set(each.question, [...(left.get(each.question) ?? []), each]);
  const exact = wanted.map((check) => takeFrom(left.get(check.question), ({ rhythm }) => rhythm === check.rhythm));
  const continued = wanted.map((check, index): Continued<Held> => {
    const found = exact[index] ?? takeFrom(left.get(check.question), () => true);
    return found === undefined ? { check } : { check, held: found };
  });
  return { continued, ended: [...left.values()].flat() };
}

function takeFrom<Held>(candidates: Held[] | undefined, fits: (held: Held) => boolean): Held | undefined {
  const index = candidates?.findIndex(fits) ?? -1;
  return index < 0 ? undefined : candidates?.splice(index, 1)[0];
}
