// TCP_CHECK: the real server is well if it accepts a connection.

import type { CheckerTiming } from '../config/model.js';
import { type Cancel, converse, type Done } from './connection.js';

export function probeTcp(checker: CheckerTiming, done: Done): Cancel {
  return converse(checker, done, ({ finish }) => finish({ kind: 'passed' }));
}
