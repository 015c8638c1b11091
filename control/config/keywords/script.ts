// What keepalived runs: `"PROGRAM ARGUMENT…" [USER [GROUP]]`.

import type { Arguments } from '../keyword.js';
import type { Script, ScriptUser } from '../model.js';
import { type Split, splitCommand, splitLine } from '../script-words.js';

export const SCRIPT = 'SCRIPT [USER [GROUP]]';

/** Only what is in the quotes are arguments of the program: the words after it are a user and a group. */
export function script(arg: Arguments): Script {
  const [command = '', user, group] = wordsOf(arg, splitLine(arg.line('a program')));
  const argv = wordsOf(arg, splitCommand(command));
  if (argv[0] === undefined || argv[0] === '') return arg.refuse(`'${arg.keyword.text}' needs a program`);
  const found = user === undefined ? undefined : arg.users.find(user, group);
  const runner = found === undefined ? {} : 'problem' in found ? { disabled: found.problem } : { user: found };
  return arg.addScript({ argv, ...runner, place: arg.valuePlace });
}

/** Where the user is a keyword of its own. */
export function program(arg: Arguments): Script {
  const [command = '', extra] = wordsOf(arg, splitLine(arg.line('a program')));
  const argv = wordsOf(arg, splitCommand(command));
  if (argv[0] === undefined || argv[0] === '') return arg.refuse(`'${arg.keyword.text}' needs a program`);
  if (extra !== undefined) arg.warn(`'${extra.slice(0, 60)}' is ignored`, 'put the program and its arguments in one pair of quotes');
  return arg.addScript({ argv, place: arg.valuePlace });
}

/** `user USER [GROUP]`, where it is a keyword of its own; to be given to its script with `runAs`. */
export function scriptUser(arg: Arguments): ScriptUser {
  const name = arg.word('a user');
  const user = arg.users.find(name, arg.more() ? arg.word('a group') : undefined);
  return 'problem' in user ? arg.refuse(user.problem) : user;
}

/** While the configuration is being read: before it is known whether a program may be run, it has to be known who would run it. */
export function runAs(program: { user?: ScriptUser }, user: ScriptUser | undefined): void {
  if (user !== undefined) program.user = user;
}

function wordsOf(arg: Arguments, split: Split): readonly string[] {
  return 'words' in split ? split.words : arg.refuse(`'${arg.keyword.text}': ${split.problem}`);
}
