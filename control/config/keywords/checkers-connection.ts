// What checkers have in common, and what those have that connect to something.

import type { CheckerDraft } from '../draft.js';
import type { Keyword } from '../keyword.js';
import { timingKeywords } from './timing.js';

const LONGEST_INTERFACE_NAME = 15;

/** Without connect_timeout, which keepalived counts to the connection. */
export const commonKeywords: readonly Keyword<CheckerDraft>[] = [
  ...timingKeywords.filter(({ name }) => name !== 'connect_timeout'),
  { name: 'log_all_failures', takes: '[BOOL]', set: (arg) => ({ logAllFailures: arg.flag() }) },
];

export const connectionKeywords: readonly Keyword<CheckerDraft>[] = [
  ...timingKeywords,
  { name: 'log_all_failures', takes: '[BOOL]', set: (arg) => ({ logAllFailures: arg.flag() }) },
  { name: 'connect_ip', takes: 'ADDRESS', set: (arg) => ({ connectAddress: arg.address().text }) },
  { name: 'connect_port', takes: 'PORT', set: (arg) => ({ connectPort: arg.port() }) },
  { name: 'bindto', takes: 'ADDRESS', set: (arg) => ({ bindAddress: arg.address().text }) },
  { name: 'bind_port', takes: 'PORT', set: (arg) => ({ bindPort: arg.port() }) },
  { name: 'bind_if', takes: 'INTERFACE', set: (arg) => ({ bindInterface: interfaceName(arg.word('an interface'), arg.refuse.bind(arg)) }) },
  { name: 'fwmark', takes: 'MARK', set: (arg) => ({ mark: arg.integer(0, 2 ** 32 - 1) }) },
];

function interfaceName(name: string, refuse: (message: string) => never): string {
  return name.length <= LONGEST_INTERFACE_NAME ? name : refuse(`the name of an interface has at most ${LONGEST_INTERFACE_NAME} characters`);
}
