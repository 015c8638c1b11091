// `natlb { … }` within a virtual server: what keepalived has no words for.

import type { NoDestination, Sloppy } from '../../../dataplane/protocol.js';
import type { ServiceOptionsDraft } from '../draft.js';
import { block, type Keyword } from '../keyword.js';
import { timeouts } from './timeouts.js';

const NO_DESTINATIONS: ReadonlyMap<string, NoDestination> = new Map([
  ['default', 'default'],
  ['rst', 'rst'],
  ['icmp', 'icmp'],
  ['drop', 'drop'],
]);
const SLOPPY: ReadonlyMap<string, Sloppy> = new Map([
  ['never', 'never'],
  ['takeover', 'takeover'],
  ['always', 'always'],
]);
const HELPERS: ReadonlyMap<string, 'ftp' | 'none'> = new Map([
  ['ftp', 'ftp'],
  ['none', 'none'],
]);

const keywords: readonly Keyword<ServiceOptionsDraft>[] = [
  { name: 'timeouts', takes: '[rfc|ipvs] [{ STATE SECONDS… }]', set: (arg) => ({ timeouts: timeouts(arg) }) },
  { name: 'no_destination', takes: 'rst|icmp|drop', set: (arg) => ({ noDestination: arg.oneOf(NO_DESTINATIONS) }) },
  { name: 'resets', takes: '[BOOL]', set: (arg) => ({ resets: arg.flag() }) },
  { name: 'sloppy', takes: 'never|takeover|always', set: (arg) => ({ sloppy: arg.oneOf(SLOPPY) }) },
  { name: 'helper', takes: 'ftp|none', set: (arg) => ({ helper: arg.oneOf(HELPERS) }) },
];

export const serviceOptionsBlock = block('natlb within virtual_server', keywords);
