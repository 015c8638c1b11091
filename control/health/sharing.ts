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
  /** The question and its rhythm: no two shared checks have the same. */
  readonly identity: string;
  /** One of those that share it. */
  readonly checker: Checker;
  /** In the order of the configuration; never empty. */
  readonly subjects: readonly Subject[];
}

export function share(services: readonly VirtualServer[]): SharedCheck[] {
  const shared = new Map<string, SharedCheck & { readonly subjects: Subject[] }>();
  for (const subject of subjectsOf(services)) {
    const { checker } = subject;
    const asked = question(checker);
    const identity = `${asked} ${rhythm(checker)}`;
    const known = shared.get(identity);
    if (known === undefined) shared.set(identity, { question: asked, identity, checker, subjects: [subject] });
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
export function carryOver<Held extends Pick<SharedCheck, 'question' | 'identity'>>(
  wanted: readonly SharedCheck[],
  held: readonly Held[],
): { readonly continued: readonly Continued<Held>[]; readonly ended: readonly Held[] } {
  const known = new Map(held.map((each) => [each.identity, each]));
  const exact = wanted.map(({ identity }) => {
    const same = known.get(identity);
    known.delete(identity);
    return same;
  });
  const left = new Map<string, Held[]>();
  for (const each of known.values()) left.set(each.question, [...(left.get(each.question) ?? []), each]);
  const continued = wanted.map((check, index): Continued<Held> => {
    const found = exact[index] ?? left.get(check.question)?.shift();
    return found === undefined ? { check } : { check, held: found };
  });
  return { continued, ended: [...left.values()].flat() };
}
