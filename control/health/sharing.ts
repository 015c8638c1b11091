// Which checks are one and the same: whoever asks the same question in the same rhythm shares one probe. What takes long with thousands of
// services yields, so that whoever asks can do it in slices.

import type { Checker } from '../config/checker.js';
import type { RealServer, VirtualServer } from '../config/model.js';
import { question, rhythm } from './question.js';

/** For whom a check is made. `checker` may stand elsewhere in the file than the one that is asked. */
export interface Subject {
  readonly service: VirtualServer;
  readonly server: RealServer;
  readonly checker: Checker;
  /** Which server of the service. */
  readonly at: number;
}

export interface SharedCheck {
  readonly question: string;
  /** The question and its rhythm: no two shared checks have the same. */
  readonly identity: string;
  /** One of those that share it. */
  readonly checker: Checker;
  /** Never empty. */
  readonly subjects: readonly Subject[];
}

type Steps<Result> = Generator<undefined, Result, undefined>;

export function* share(services: readonly VirtualServer[]): Steps<SharedCheck[]> {
  const shared = new Map<string, SharedCheck & { readonly subjects: Subject[] }>();
  for (const subject of subjectsOf(services)) {
    const { checker } = subject;
    const asked = question(checker);
    const identity = `${asked} ${rhythm(checker)}`;
    const known = shared.get(identity);
    if (known === undefined) shared.set(identity, { question: asked, identity, checker, subjects: [subject] });
    else known.subjects.push(subject);
    yield;
  }
  return [...shared.values()];
}

function* subjectsOf(services: readonly VirtualServer[]): Generator<Subject> {
  for (const service of services)
    for (const [at, server] of service.realServers.entries()) for (const checker of server.checkers) yield { service, server, checker, at };
}

export interface Continued<Held> {
  readonly check: SharedCheck;
  /** What is known of it already. Absent: it is new. */
  readonly held?: Held;
}

export interface CarriedOver<Held> {
  readonly continued: readonly Continued<Held>[];
  readonly ended: readonly Held[];
}

type Holding = Pick<SharedCheck, 'question' | 'identity' | 'subjects'>;

/**
 * Some services go, and the checks `wanted` come with others: which of those that are held, by their identity, goes on as which: one of the same
 * rhythm, or else one with the same question that nobody wants any more. What is named in neither answer stays as it is.
 */
export function* carryOver<Held extends Holding>(
  wanted: readonly SharedCheck[],
  held: ReadonlyMap<string, Held>,
  gone: ReadonlySet<VirtualServer>,
): Steps<CarriedOver<Held>> {
  const { fewer, unwanted } = yield* leave(held, gone);
  const continued: Continued<Held>[] = [];
  const others: SharedCheck[] = [];
  for (const check of wanted) {
    const same = held.get(check.identity);
    if (same === undefined) others.push(check);
    else {
      const stay = unwanted.delete(same) ? [] : (fewer.get(same) ?? same.subjects);
      fewer.delete(same);
      continued.push({ check: { ...check, subjects: [...stay, ...check.subjects] }, held: same });
    }
    yield;
  }
  for (const [each, subjects] of fewer) continued.push(...withSubjects(each, subjects));
  const left = new Map<string, Held[]>();
  for (const each of unwanted) {
    const alike = left.get(each.question);
    if (alike === undefined) left.set(each.question, [each]);
    else alike.push(each);
  }
  for (const check of others) {
    const found = left.get(check.question)?.shift();
    continued.push(found === undefined ? { check } : { check, held: found });
    yield;
  }
  return { continued, ended: [...left.values()].flat() };
}

/** Whom the services that go leave behind: checks that somebody still wants, and checks that nobody does. */
function* leave<Held extends Holding>(held: ReadonlyMap<string, Held>, gone: ReadonlySet<VirtualServer>) {
  const fewer = new Map<Held, readonly Subject[]>();
  const unwanted = new Set<Held>();
  if (gone.size === 0) return { fewer, unwanted };
  for (const each of held.values()) {
    const subjects = each.subjects.filter(({ service }) => !gone.has(service));
    if (subjects.length === 0) unwanted.add(each);
    else if (subjects.length < each.subjects.length) fewer.set(each, subjects);
    yield;
  }
  return { fewer, unwanted };
}

function withSubjects<Held extends Holding>(held: Held, subjects: readonly Subject[]): Continued<Held>[] {
  const { question: asked, identity } = held;
  return subjects.slice(0, 1).map(({ checker }) => ({ check: { question: asked, identity, checker, subjects }, held }));
}
