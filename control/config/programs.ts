// Whether what is to be run can be, and may be: keepalived's own checks of programs, whose findings exit status 5 of `natlb check` is about.

import { modified, warning } from './finding.js';
import type { Finding, Place, Script, ScriptUser } from './model.js';
import type { Users } from './users.js';

/** What is known of a file by its path. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface Programs {
  /** Of the link itself, where it is one. */
  readonly lstat: (path: string) => FileFacts | undefined;
  /** Where it is once all links are followed. */
  readonly realPath: (path: string) => string | undefined;
  /** Where a program without a path is looked for. */
  readonly searchPath: readonly string[];
  /** Who natlb is. */
  readonly own: ScriptUser;
}

export interface Verdict {
  readonly disabled?: string;
  /** keepalived calls it insecure, and runs it all the same without enable_script_security. */
  readonly unsafe?: string;
  /** There is something that would be run. */
  readonly found: boolean;
}

/** A test for a file that can be opened, written as a redirection: nothing is run. */
export const FILE_TEST = /^<[ \t]*\//;

const WRITABLE = { group: 0o020, others: 0o002 } as const;
const STICKY = 0o1000;
const EXECUTABLE = { owner: 0o100, group: 0o010, others: 0o001 } as const;
const SET_ID = { user: 0o4000, group: 0o2000 } as const;

export function judge({ argv: [program = ''], user }: Script, secured: boolean, programs: Programs): Verdict {
  if (FILE_TEST.test(program)) return { found: false };
  const path = pathOf(program, programs);
  const real = path && programs.realPath(path);
  const facts = real === undefined ? undefined : programs.lstat(real);
  if (path === undefined || real === undefined || facts === undefined) return { found: false, disabled: 'it cannot be found' };
  const runner = user ?? programs.own;
  if (facts.kind !== 'file') return { found: true, disabled: 'it is not a file' };
  if (!executable(facts, runner)) return { found: true, disabled: `it is not executable for ${runner.name}` };
  const unsafe = needsProtection(facts, runner) ? (unsafePart(path, programs) ?? unsafePart(real, programs)) : undefined;
  if (unsafe === undefined) return { found: true };
  return secured ? { found: true, unsafe, disabled: unsafe } : { found: true, unsafe };
}

export interface Settling {
  readonly secured: boolean;
  /** Who runs what names nobody: `script_user`, or who is there by keepalived's custom. Absent: natlb's own user. */
  readonly user?: ScriptUser;
  /** Those of vrrp_script: keepalived counts it as an error when one is not there. */
  readonly tracked: ReadonlySet<Script>;
  /** Absent: nothing is known of files, and everything taken for sound. */
  readonly programs?: Programs;
}

const DEFAULT_USER = 'keepalived_script';

export function usualUser(users: Users): ScriptUser | undefined {
  const found = users.find(DEFAULT_USER);
  return 'problem' in found ? undefined : found;
}

/** Says of each program who runs it, or why nobody does. */
export function settle(scripts: readonly Script[], { secured, user, tracked, programs }: Settling): Finding[] {
  for (const script of scripts) complete(script, user);
  const verdicts = scripts.map((script) => ({ script, verdict: verdictOf(script, secured, programs) }));
  const first = verdicts.find(({ verdict }) => verdict.found)?.script;
  const orphan = secured ? scripts.find((script) => script.user === undefined) : undefined;
  return [
    ...verdicts.flatMap(({ script, verdict }) => findingsOf(script, verdict, tracked.has(script))),
    ...(orphan === undefined ? [] : [nobody(orphan)]),
    ...(secured || first === undefined ? [] : [insecure(first.place)]),
  ];
}

/** One that was left out before it was looked for is nobody's risk. */
function verdictOf(script: Script, secured: boolean, programs: Programs | undefined): Verdict {
  if (script.disabled !== undefined) return { found: false };
  return programs === undefined ? { found: true } : judge(script, secured, programs);
}

function complete(script: { user?: ScriptUser }, user: ScriptUser | undefined): void {
  if (script.user === undefined && user !== undefined) script.user = user;
}

function findingsOf(script: Script, { disabled, unsafe }: Verdict, tracked: boolean): Finding[] {
  const reason = script.disabled ?? disabled;
  if (reason !== undefined) disable(script, reason);
  const name = script.argv[0] ?? '';
  if (reason !== undefined) return [(tracked ? modified : warning)(script.place, `'${name}' is never run: ${reason}`)];
  return unsafe === undefined ? [] : [warning(script.place, `'${name}' is not safe: ${unsafe}`)];
}

function disable(script: { disabled?: string }, reason: string): void {
  script.disabled = reason;
}

/** keepalived would run these with the rights of root, whoever may write to them. */
export function insecure(place: Place): Finding {
  const message = 'programs are configured and enable_script_security is not';
  return { severity: 'warning', place, message, hint: 'write enable_script_security in global_defs', about: 'script-security' };
}

function nobody({ place }: Script): Finding {
  const message = `nobody is there to run it: enable_script_security is on, and there is no user ${DEFAULT_USER}`;
  return { severity: 'error', place, message, hint: "write 'script_user USER' in global_defs" };
}

/** Relative paths start at the root, where keepalived works. */
function pathOf(program: string, { searchPath, lstat, realPath }: Programs): string | undefined {
  if (program.includes('/')) return program.startsWith('/') ? program : `/${program}`;
  return searchPath
    .map((directory) => `${directory}/${program}`)
    .find((path) => {
      const real = realPath(path);
      const facts = real === undefined ? undefined : lstat(real);
      return facts?.kind === 'file' && (facts.mode & 0o111) !== 0;
    });
}

function executable({ uid, gid, mode }: FileFacts, user: ScriptUser): boolean {
  if (user.uid === 0) return (mode & 0o111) !== 0;
  if (user.uid === uid) return (mode & EXECUTABLE.owner) !== 0;
  return (mode & (user.gid === gid ? EXECUTABLE.group : EXECUTABLE.others)) !== 0;
}

/** Whoever can change it would have the rights of root. */
function needsProtection({ uid, gid, mode }: FileFacts, user: ScriptUser): boolean {
  const asRoot = uid === 0 && (mode & SET_ID.user) !== 0 && (mode & EXECUTABLE.owner) !== 0;
  const asRootGroup = gid === 0 && (mode & SET_ID.group) !== 0 && (mode & EXECUTABLE.group) !== 0;
  return user.uid === 0 || user.gid === 0 || asRoot || asRootGroup;
}

/** The first part of the path that somebody but root can write to, or replace. */
function unsafePart(path: string, { lstat }: Programs): string | undefined {
  for (let slash = 0; slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const part = slash === 0 ? '/' : path.slice(0, slash);
    if (writable(lstat(part))) return `${part} can be changed by others than root`;
  }
  return writable(lstat(path)) ? `${path} can be changed by others than root` : undefined;
}

function writable(facts: FileFacts | undefined): boolean {
  if (facts === undefined) return true;
  const { kind, uid, gid, mode } = facts;
  if (uid !== 0) return true;
  if (kind === 'link' || (kind === 'directory' && (mode & STICKY) !== 0)) return false;
  return (gid !== 0 && (mode & WRITABLE.group) !== 0) || (mode & WRITABLE.others) !== 0;
}
