// HTTP_GET and SSL_GET with their urls, and the top-level SSL block.

import type { CheckerDraft, HttpUrlDraft, TlsDraft } from '../draft.js';
import { type Arguments, block, type Keyword, type Patch } from '../keyword.js';
import { connectionKeywords } from './checkers-connection.js';

const HTTP_PROTOCOLS: ReadonlyMap<string, '1.0' | '1.0C' | '1.1'> = new Map([
  ['1.0', '1.0'],
  ['1.0C', '1.0C'],
  ['1.0c', '1.0C'],
  ['1.1', '1.1'],
]);

const httpKeywords: readonly Keyword<CheckerDraft>[] = [
  ...connectionKeywords,
  { name: 'http_protocol', takes: '1.0|1.0C|1.1', set: (arg) => ({ httpProtocol: arg.oneOf(HTTP_PROTOCOLS) }) },
  { name: 'virtualhost', takes: 'NAME', set: (arg) => ({ virtualHost: arg.word('the name of a host') }) },
  { name: 'nb_get_retry', takes: 'COUNT', set: (arg) => ({ retry: arg.integer(0, 2 ** 32 - 1) }), alias: 'retry' },
  { name: 'fast_recovery', takes: '[BOOL]', set: (arg) => ({ fastRecovery: arg.flag() }) },
];

/** keepalived knows them in HTTP_GET too, where there is no TLS to use them. */
const PLAIN = 'the server is asked without TLS';

const plainKeywords: readonly Keyword<CheckerDraft>[] = [
  { name: 'url', takes: '{ path PATH … }', set: (arg) => url(arg, urlBlock) },
  { name: 'enable_sni', takes: '[BOOL]', set: ignored },
  { name: 'sni_name', takes: 'NAME', set: ignored },
];

const tlsKeywords: readonly Keyword<CheckerDraft>[] = [
  { name: 'url', takes: '{ path PATH … }', set: (arg) => url(arg, tlsUrlBlock) },
  { name: 'enable_sni', takes: '[BOOL]', set: (arg) => ({ sni: arg.flag() }) },
  // keepalived: naming it is asking for it.
  { name: 'sni_name', takes: '[NAME]', set: (arg) => ({ sni: true, ...(arg.more() && { sniName: arg.word('the name of a host') }) }) },
  { name: 'tls_compliant', takes: '[BOOL]', set: (arg) => ({ tlsCompliant: arg.flag() }) },
];

const urlKeywords: readonly Keyword<HttpUrlDraft>[] = [
  { name: 'path', takes: 'PATH', set: (arg) => ({ path: path(arg) }) },
  { name: 'digest', takes: 'MD5', set: (arg) => ({ digest: digest(arg) }) },
  { name: 'status_code', takes: 'CODE[-CODE]…', set: (arg) => ({ statusCodes: statusCodes(arg) }) },
  { name: 'virtualhost', takes: 'NAME', set: (arg) => ({ virtualHost: arg.word('the name of a host') }) },
  { name: 'regex', takes: 'PATTERN', set: (arg) => ({ regex: arg.word('a pattern') }) },
  { name: 'regex_no_match', takes: '', set: () => ({ regexInverted: true }) },
  { name: 'regex_options', takes: 'OPTION…', set: (arg) => ({ regexFlags: regexFlags(arg) }) },
  { name: 'regex_stack', takes: 'START MAX', set: regexStack },
  { name: 'regex_min_offset', takes: 'OFFSET', set: (arg) => ({ regexMinOffset: arg.integer(0, LONGEST_OFFSET) }) },
  { name: 'regex_max_offset', takes: 'OFFSET', set: (arg) => ({ regexMaxOffset: arg.integer(0, LONGEST_OFFSET) }) },
];

const tlsUrlKeywords: readonly Keyword<HttpUrlDraft>[] = [
  ...urlKeywords,
  { name: 'tls_compliant', takes: '[BOOL]', set: (arg) => ({ tlsCompliant: arg.flag() }) },
];

const fileKeywords: readonly Keyword<TlsDraft>[] = [
  { name: 'password', takes: 'PASSWORD', set: (arg) => ({ password: arg.word('a password') }) },
  { name: 'ca', takes: 'FILE', set: certificateAuthority },
  { name: 'certificate', takes: 'FILE', set: (arg) => ({ certificate: arg.word('a file') }) },
  { name: 'key', takes: 'FILE', set: (arg) => ({ key: arg.word('a file') }) },
];

/** No body is searched any further. */
const LONGEST_OFFSET = 2 ** 20;

export const urlBlock = block('url', urlKeywords);
const tlsUrlBlock = block('url', tlsUrlKeywords);
export const httpBlock = block('HTTP_GET', [...httpKeywords, ...plainKeywords]);
export const sslBlock = block('SSL_GET', [...httpKeywords, ...tlsKeywords]);
export const tlsFilesBlock = block('SSL', fileKeywords);

export function httpGet(arg: Arguments, fresh: CheckerDraft): CheckerDraft | undefined {
  return complete(arg, arg.block(httpBlock, fresh), 'HTTP_GET');
}

export function sslGet(arg: Arguments, fresh: CheckerDraft): CheckerDraft | undefined {
  return complete(arg, arg.block(sslBlock, { ...fresh, tls: true }), 'SSL_GET');
}

/** A URL without a path and a checker without a URL check nothing, which would look like a healthy server. */
function complete(arg: Arguments, checker: CheckerDraft, name: string): CheckerDraft | undefined {
  for (const url of checker.urls) if (url.path === undefined) arg.errorAt(url.place, 'this url has no path', 'write path / in it');
  if (checker.urls.length === 0) arg.errorAt(arg.place, `${name} has no url`, 'write url { path / } in it');
  return checker.urls.every(({ path }) => path !== undefined) && checker.urls.length > 0 ? checker : undefined;
}

function url(arg: Arguments, urls: typeof urlBlock): Patch<CheckerDraft> {
  return { urls: [arg.block(urls, { place: arg.place, statusCodes: [], places: { block: arg.place } })] };
}

function ignored(arg: Arguments): Patch<CheckerDraft> {
  while (arg.more()) arg.word('');
  arg.warn(`'${arg.keyword.text}' does nothing in HTTP_GET: ${PLAIN}`, 'SSL_GET asks with it');
  return {};
}

/** It becomes part of the request as it stands. */
function path(arg: Arguments): string {
  const text = arg.word('a path');
  return [...text].some((character) => character < ' ' || character === '\u007f') ? arg.refuse('a path has no control characters') : text;
}

function digest(arg: Arguments): string {
  const text = arg.word('an MD5 digest').toLowerCase();
  return /^[0-9a-f]{32}$/.test(text) ? text : arg.refuse(`expected an MD5 digest of 32 hexadecimal digits, found '${text.slice(0, 60)}'`);
}

function statusCodes(arg: Arguments): HttpUrlDraft['statusCodes'] {
  const ranges = [statusCode(arg)];
  while (arg.more()) ranges.push(statusCode(arg));
  return ranges;
}

function statusCode(arg: Arguments): HttpUrlDraft['statusCodes'][number] {
  const text = arg.word('status codes');
  const [, from = '', to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (first >= 100 && last <= 599 && first <= last) return { from: first, to: last };
  return arg.refuse(`expected status codes from 100 to 599, found '${text.slice(0, 60)}'`);
}

/** PCRE's options as flags of JavaScript; those with none change only how PCRE works, not what matches. */
const REGEX_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['caseless', 'i'],
  ['dotall', 's'],
  ['multiline', 'm'],
  ['utf', 'u'],
  ['ucp', 'u'],
  ...['auto_callout', 'dollar_endonly', 'never_backslash_c', 'never_ucp', 'never_utf'].map((name): [string, string] => [name, '']),
  ...['no_auto_capture', 'no_auto_possess', 'no_dotstar_anchor', 'no_start_optimize', 'use_offset_limit'].map((name): [string, string] => [
    name,
    '',
  ]),
]);
const OTHER_REGEXES = [
  'allow_empty_class',
  'alt_bsux',
  'alt_circumflex',
  'alt_verbnames',
  'dupnames',
  'extended',
  'firstline',
  'match_unset_backref',
  'ungreedy',
];

function regexFlags(arg: Arguments): string {
  const flags = new Set<string>();
  do {
    const option = arg.word('an option');
    const flag = REGEX_OPTIONS.get(option);
    if (flag === undefined && OTHER_REGEXES.includes(option))
      arg.error(`regex option ${option} is not there`, 'patterns are those of JavaScript');
    else if (flag === undefined) arg.error(`expected one of ${[...REGEX_OPTIONS.keys()].join(', ')}, found '${option.slice(0, 60)}'`);
    for (const letter of flag ?? '') flags.add(letter);
  } while (arg.more());
  return [...flags].sort().join('');
}

/** PCRE's stack; ours is bounded in time instead. */
function regexStack(arg: Arguments): Patch<HttpUrlDraft> {
  const start = arg.integer(0, 2 ** 32 - 1);
  if (start > arg.integer(0, 2 ** 32 - 1)) arg.error('the stack starts larger than it may become');
  return {};
}

function certificateAuthority(arg: Arguments): Patch<TlsDraft> {
  const ca = arg.word('a file');
  arg.warn("a server whose certificate does not lead to 'ca' fails SSL_GET; keepalived reads the file and checks nothing with it");
  return { ca };
}
