// Which programs may be run: keepalived's rules, on files that are not there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Script, ScriptUser } from '../../control/config/model.js';
import { type FileFacts, judge, type Programs } from '../../control/config/programs.js';

const root: ScriptUser = { name: 'root', uid: 0, gid: 0 };
const keeper: ScriptUser = { name: 'keeper', uid: 1001, gid: 50 };
const DIRECTORY: FileFacts = { kind: 'directory', uid: 0, gid: 0, mode: 0o755 };
const PROGRAM: FileFacts = { kind: 'file', uid: 0, gid: 0, mode: 0o755 };

/** Paths with what differs from what root would have put there. */
function machine(different: Readonly<Record<string, Partial<FileFacts> | string>>): Programs {
  const links = new Map(Object.entries(different).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  const facts = new Map<string, FileFacts>(['/', '/etc', '/etc/natlb', '/tmp', '/usr', '/usr/bin'].map((path) => [path, DIRECTORY]));
  facts.set('/etc/natlb/run', PROGRAM).set('/usr/bin/program', PROGRAM);
  for (const [path, fact] of Object.entries(different))
    if (typeof fact === 'string') facts.set(path, { ...PROGRAM, kind: 'link', mode: 0o777 });
    else facts.set(path, { ...(facts.get(path) ?? PROGRAM), ...fact });
  return {
    lstat: (path) => facts.get(path),
    realPath: (path) => (facts.has(links.get(path) ?? path) ? (links.get(path) ?? path) : undefined),
    searchPath: ['/bin', '/usr/bin'],
    own: root,
  };
}

const RUN = '/etc/natlb/run';
const OTHERS = /can be changed by others than root/;

interface Row {
  readonly what: string;
  readonly argv?: readonly string[];
  readonly user?: ScriptUser;
  readonly files?: Readonly<Record<string, Partial<FileFacts> | string>>;
  readonly disabled?: RegExp;
  /** Run, unless enable_script_security. */
  readonly unsafe?: RegExp;
}

const ROWS: readonly Row[] = [
  { what: 'a program of root' },
  { what: 'a program on the search path', argv: ['program', 'with', 'arguments'] },
  { what: 'a test whether a file can be opened', argv: ['< /etc/nothing'] },
  { what: 'nothing', argv: ['/etc/natlb/nothing'], disabled: /cannot be found/ },
  { what: 'nothing on the search path', argv: ['nothing'], disabled: /cannot be found/ },
  { what: 'a directory', argv: ['/etc/natlb'], disabled: /not a file/ },
  { what: 'a file nobody can execute', files: { [RUN]: { mode: 0o644 } }, disabled: /not executable for root/ },
  { what: 'a file others can execute', user: keeper, files: { [RUN]: { mode: 0o705 } } },
  { what: 'a file root alone can execute', user: keeper, files: { [RUN]: { mode: 0o700 } }, disabled: /not executable for keeper/ },
  { what: 'a file its group can execute', user: keeper, files: { [RUN]: { mode: 0o750, gid: 50 } } },
  {
    what: 'a file of its own that it cannot execute',
    user: keeper,
    files: { [RUN]: { mode: 0o077, uid: 1001 } },
    disabled: /not executable/,
  },
  { what: 'a program of somebody else', files: { [RUN]: { uid: 1001 } }, unsafe: OTHERS },
  { what: 'a program everybody can write to', files: { [RUN]: { mode: 0o757 } }, unsafe: OTHERS },
  { what: 'a program its group can write to', files: { [RUN]: { mode: 0o775, gid: 50 } }, unsafe: OTHERS },
  { what: 'a program the group of root can write to', files: { [RUN]: { mode: 0o775 } } },
  { what: 'a directory everybody can write to', files: { '/etc/natlb': { mode: 0o777 } }, unsafe: /\/etc\/natlb can be changed/ },
  { what: 'such a directory further up', files: { '/etc': { uid: 1001 } }, unsafe: /\/etc can be changed/ },
  { what: 'a directory like /tmp', argv: ['/tmp/run'], files: { '/tmp': { mode: 0o1777 }, '/tmp/run': {} } },
  { what: 'what is not safe, run by somebody without rights', user: keeper, files: { [RUN]: { mode: 0o777 } } },
  { what: 'the same with the rights of root', user: keeper, files: { [RUN]: { mode: 0o4777 } }, unsafe: OTHERS },
  { what: 'a link to a program', argv: ['/etc/natlb/link'], files: { '/etc/natlb/link': RUN } },
  {
    what: 'a link to what is not safe',
    argv: ['/etc/natlb/link'],
    files: { '/etc/natlb/link': '/tmp/run', '/tmp': { mode: 0o777 }, '/tmp/run': {} },
    unsafe: /\/tmp can/,
  },
  { what: 'a link of somebody else', argv: ['/tmp/link'], files: { '/tmp/link': RUN, '/tmp': { uid: 1001 } }, unsafe: /\/tmp can/ },
];

for (const { what, argv = [RUN], user = root, files = {}, disabled, unsafe } of ROWS) {
  const script: Script = { argv, user, place: { file: 'test', line: 1, column: 1 } };
  test(`${what} is ${disabled ? 'never run' : unsafe ? 'run only without enable_script_security' : 'run'}`, () => {
    const free = judge(script, false, machine(files));
    const secured = judge(script, true, machine(files));
    assert.match(free.disabled ?? 'it is run', disabled ?? /^it is run$/);
    assert.match(secured.disabled ?? 'it is run', disabled ?? unsafe ?? /^it is run$/);
    assert.match(free.unsafe ?? 'it is safe', unsafe ?? /^it is safe$/);
  });
}
