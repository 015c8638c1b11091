// Which probe a checker makes.

import type { Checker } from '../config/checker.js';
import { probeHttp } from './probe-http.js';
import { probeTcp } from './probe-tcp.js';
import type { Cancel, Done } from './watch.js';

/** An HTTP_GET without a url asks for nothing more than a connection. */
export function probe(checker: Checker, url: number, done: Done): Cancel {
  const asked = checker.kind === 'http' ? checker.urls[url] : undefined;
  return checker.kind === 'http' && asked !== undefined ? probeHttp(checker, asked, done) : probeTcp(checker, done);
}
