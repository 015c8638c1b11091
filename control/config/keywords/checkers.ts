// The health checkers of a real server.

import type { CheckerDraft, HttpUrlDraft, RealServerDraft } from '../draft.js';
import { type Arguments, block, type Keyword, type Patch, type Placed } from '../keyword.js';
import { timingKeywords } from './timing.js';

const connectionKeywords: readonly Keyword<CheckerDraft>[] = [
  ...timingKeywords,
  { name: 'connect_ip', takes: 'ADDRESS', set: (arg) => ({ connectAddress: arg.address().text }) },
  { name: 'connect_port', takes: 'PORT', set: (arg) => ({ connectPort: arg.port() }) },
  { name: 'bindto', takes: 'ADDRESS', set: (arg) => ({ bindAddress: arg.address().text }) },
  { name: 'bind_port', takes: 'PORT', set: (arg) => ({ bindPort: arg.port() }) },
  { name: 'bind_if', takes: 'INTERFACE' },
  { name: 'fwmark', takes: 'MARK' },
  { name: 'log_all_failures', takes: '[BOOL]' },
];

const HTTP_PROTOCOLS: ReadonlyMap<string, '1.0' | '1.0C' | '1.1'> = new Map([
  ['1.0', '1.0'],
  ['1.0C', '1.0C'],
  ['1.0c', '1.0C'],
  ['1.1', '1.1'],
]);

const httpKeywords: readonly Keyword<CheckerDraft>[] = [
  ...connectionKeywords,
  {
    name: 'url',
    takes: '{ path PATH … }',
    set: (arg) => ({ urls: [arg.block(urlBlock, { place: arg.place, statusCodes: [], places: { block: arg.place } })] }),
  },
  { name: 'http_protocol', takes: '1.0|1.0C|1.1', set: (arg) => ({ httpProtocol: arg.oneOf(HTTP_PROTOCOLS) }) },
  { name: 'virtualhost', takes: 'NAME', set: (arg) => ({ virtualHost: arg.word('the name of a host') }) },
  { name: 'nb_get_retry', takes: 'COUNT', set: (arg) => ({ retry: arg.integer(0, 2 ** 32 - 1) }), alias: 'retry' },
  { name: 'fast_recovery', takes: '[BOOL]' },
  { name: 'enable_sni', takes: '' },
  { name: 'sni_name', takes: 'NAME' },
  { name: 'tls_compliant', takes: '[BOOL]' },
];

const urlKeywords: readonly Keyword<HttpUrlDraft>[] = [
  { name: 'path', takes: 'PATH', set: (arg) => ({ path: arg.word('a path') }) },
  { name: 'digest', takes: 'MD5', set: (arg) => ({ digest: digest(arg) }) },
  { name: 'status_code', takes: 'CODE[-CODE]…', set: (arg) => ({ statusCodes: statusCodes(arg) }) },
  { name: 'virtualhost', takes: 'NAME', set: (arg) => ({ virtualHost: arg.word('the name of a host') }) },
  { name: 'regex', takes: 'PATTERN', without: 'the body is not searched' },
  { name: 'regex_no_match', takes: '' },
  { name: 'regex_options', takes: 'OPTION…' },
  { name: 'regex_stack', takes: 'START MAX' },
  { name: 'regex_min_offset', takes: 'OFFSET' },
  { name: 'regex_max_offset', takes: 'OFFSET' },
];

const smtpKeywords: readonly Keyword<Placed>[] = [
  { name: 'helo_name', takes: 'NAME' },
  { name: 'host', takes: '{ … }' },
];

const dnsKeywords: readonly Keyword<Placed>[] = [
  { name: 'type', takes: 'TYPE' },
  { name: 'name', takes: 'NAME' },
];

const miscKeywords: readonly Keyword<Placed>[] = [
  { name: 'misc_path', takes: 'SCRIPT', script: true },
  { name: 'misc_timeout', takes: 'SECONDS' },
  { name: 'misc_dynamic', takes: '' },
  { name: 'user', takes: 'USER [GROUP]' },
];

const udpKeywords: readonly Keyword<Placed>[] = [
  { name: 'payload', takes: 'HEX' },
  { name: 'require_reply', takes: '[HEX]' },
  { name: 'min_reply_length', takes: 'BYTES' },
  { name: 'max_reply_length', takes: 'BYTES' },
];

const fileKeywords: readonly Keyword<Placed>[] = [
  { name: 'track_file', takes: 'NAME' },
  { name: 'weight', takes: 'N [reverse]' },
  { name: 'dynamic', takes: '' },
];

/** The same names as above, for a checker of which nothing is honoured yet. */
const connectionNames: readonly Keyword<Placed>[] = connectionKeywords.map(({ name, takes }) => ({ name, takes }));
const httpNames: readonly Keyword<Placed>[] = httpKeywords.map(({ name, takes }) => ({ name, takes }));

export const tcpBlock = block('TCP_CHECK', connectionKeywords);
export const httpBlock = block('HTTP_GET', httpKeywords);
export const urlBlock = block('url', urlKeywords);
export const sslBlock = block('SSL_GET', httpNames);
export const smtpBlock = block('SMTP_CHECK', [...connectionNames, ...smtpKeywords]);
export const dnsBlock = block('DNS_CHECK', [...connectionNames, ...dnsKeywords]);
export const miscBlock = block('MISC_CHECK', [...connectionNames, ...miscKeywords]);
export const udpBlock = block('UDP_CHECK', [...connectionNames, ...udpKeywords]);
export const pingBlock = block('PING_CHECK', connectionNames);
export const bfdBlock = block('BFD_CHECK', [...connectionNames, { name: 'name', takes: 'NAME' }]);
export const fileBlock = block('FILE_CHECK', [...connectionNames, ...fileKeywords]);

const UNCHECKED = 'the server is not checked by it';

export const checkerKeywords: readonly Keyword<RealServerDraft>[] = [
  { name: 'TCP_CHECK', takes: '{ … }', set: (arg) => ({ checkers: [arg.block(tcpBlock, newChecker('tcp', arg))] }) },
  { name: 'HTTP_GET', takes: '{ url { … } … }', set: httpGet },
  { name: 'SSL_GET', takes: '{ … }', without: UNCHECKED, contents: sslBlock },
  { name: 'SMTP_CHECK', takes: '{ … }', without: UNCHECKED, contents: smtpBlock },
  { name: 'DNS_CHECK', takes: '{ … }', without: UNCHECKED, contents: dnsBlock },
  { name: 'MISC_CHECK', takes: '{ … }', without: UNCHECKED, contents: miscBlock },
  { name: 'UDP_CHECK', takes: '{ … }', without: UNCHECKED, contents: udpBlock },
  { name: 'PING_CHECK', takes: '{ … }', without: UNCHECKED, contents: pingBlock },
  { name: 'BFD_CHECK', takes: '{ … }', without: UNCHECKED, contents: bfdBlock },
  { name: 'FILE_CHECK', takes: '{ … }', without: UNCHECKED, contents: fileBlock },
];

function newChecker(kind: CheckerDraft['kind'], { place }: Arguments): CheckerDraft {
  return { kind, place, urls: [], places: { block: place } };
}

/** A URL without a path and a checker without a URL check nothing, which would look like a healthy server. */
function httpGet(arg: Arguments): Patch<RealServerDraft> {
  const checker = arg.block(httpBlock, newChecker('http', arg));
  for (const url of checker.urls) if (url.path === undefined) arg.errorAt(url.place, 'this url has no path', 'write path / in it');
  if (checker.urls.length === 0) arg.errorAt(arg.place, 'HTTP_GET has no url', 'write url { path / } in it');
  return checker.urls.every(({ path }) => path !== undefined) && checker.urls.length > 0 ? { checkers: [checker] } : {};
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
