// The health checkers of a real server.

import type { DnsType } from '../checker.js';
import type { CheckerDraft, RealServerDraft } from '../draft.js';
import { type Arguments, type Block, block, type Keyword, type Patch } from '../keyword.js';
import { commonKeywords, connectionKeywords } from './checkers-connection.js';
import { httpGet, sslGet } from './checkers-http.js';
import { program, runAs, scriptUser } from './script.js';

const UDP_LONGEST = 65_535;
const HEAVIEST = 2 ** 31 - 1;

const hostBlock = block('host', connectionKeywords);

const smtpKeywords: readonly Keyword<CheckerDraft>[] = [
  ...connectionKeywords,
  { name: 'helo_name', takes: 'NAME', set: (arg) => ({ heloName: lineWord(arg, 'a name') }) },
  { name: 'host', takes: '{ … }', set: (arg) => ({ hosts: [arg.block(hostBlock, newChecker('smtp', arg))] }) },
];

const DNS_TYPES: ReadonlyMap<string, DnsType> = new Map(
  (['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'] as const).map((type) => [type, type]),
);

const dnsKeywords: readonly Keyword<CheckerDraft>[] = [
  ...connectionKeywords,
  { name: 'type', takes: 'TYPE', set: (arg) => ({ dnsType: dnsType(arg) }) },
  { name: 'name', takes: 'NAME', set: (arg) => ({ name: domainName(arg) }) },
];

const miscKeywords: readonly Keyword<CheckerDraft>[] = [
  ...commonKeywords,
  { name: 'misc_path', takes: 'SCRIPT', script: true, set: (arg) => ({ script: program(arg) }) },
  { name: 'misc_timeout', takes: 'SECONDS', set: (arg) => ({ scriptTimeoutMs: arg.integer(0, 4294) * 1000 }) },
  { name: 'misc_dynamic', takes: '', set: () => ({ dynamic: true }) },
  { name: 'user', takes: 'USER [GROUP]', set: (arg) => ({ user: scriptUser(arg) }) },
];

const udpKeywords: readonly Keyword<CheckerDraft>[] = [
  ...connectionKeywords,
  { name: 'payload', takes: 'HEX', set: (arg) => ({ payload: hex(arg).data }) },
  {
    name: 'require_reply',
    takes: '[HEX]',
    set: (arg) => (arg.more() ? { requireReply: true, reply: hexPattern(arg) } : { requireReply: true }),
  },
  { name: 'min_reply_length', takes: 'BYTES', set: (arg) => ({ shortestReply: arg.integer(0, UDP_LONGEST) }) },
  { name: 'max_reply_length', takes: 'BYTES', set: (arg) => ({ longestReply: arg.integer(0, UDP_LONGEST) }) },
];

const bfdKeywords: readonly Keyword<CheckerDraft>[] = [
  { name: 'name', takes: 'NAME', set: (arg) => ({ name: arg.word('the name of a bfd_instance') }) },
  { name: 'alpha', takes: '[BOOL]', set: (arg) => ({ alpha: arg.flag() }) },
];

const fileKeywords: readonly Keyword<CheckerDraft>[] = [
  { name: 'track_file', takes: 'NAME', set: (arg) => ({ name: arg.word('the name of a track_file') }) },
  { name: 'weight', takes: 'N [reverse]', set: (arg) => ({ weight: weight(arg) }) },
  // A weight other than 0 is always added.
  { name: 'dynamic', takes: '', set: () => ({}) },
];

export const tcpBlock = block('TCP_CHECK', connectionKeywords);
export const smtpBlock = block('SMTP_CHECK', smtpKeywords);
export const dnsBlock = block('DNS_CHECK', dnsKeywords);
export const miscBlock = block('MISC_CHECK', miscKeywords);
export const udpBlock = block('UDP_CHECK', udpKeywords);
export const pingBlock = block('PING_CHECK', connectionKeywords);
export const bfdBlock = block('BFD_CHECK', bfdKeywords);
export const fileBlock = block('FILE_CHECK', fileKeywords);

export const checkerKeywords: readonly Keyword<RealServerDraft>[] = [
  { name: 'TCP_CHECK', takes: '{ … }', set: (arg) => read(arg, 'tcp', tcpBlock) },
  { name: 'HTTP_GET', takes: '{ url { … } … }', set: (arg) => kept(httpGet(arg, newChecker('http', arg))) },
  { name: 'SSL_GET', takes: '{ url { … } … }', set: (arg) => kept(sslGet(arg, newChecker('http', arg))) },
  { name: 'SMTP_CHECK', takes: '{ … }', set: smtpCheck },
  { name: 'DNS_CHECK', takes: '{ … }', set: (arg) => read(arg, 'dns', dnsBlock) },
  { name: 'MISC_CHECK', takes: '{ misc_path SCRIPT … }', set: miscCheck },
  { name: 'UDP_CHECK', takes: '{ … }', set: udpCheck },
  { name: 'PING_CHECK', takes: '{ … }', set: (arg) => read(arg, 'ping', pingBlock) },
  { name: 'BFD_CHECK', takes: '{ name NAME }', set: (arg) => named(arg, 'bfd', bfdBlock, 'name NAME') },
  { name: 'FILE_CHECK', takes: '{ track_file NAME … }', set: (arg) => named(arg, 'file', fileBlock, 'track_file NAME') },
];

function newChecker(kind: CheckerDraft['kind'], { place }: Arguments): CheckerDraft {
  return { kind, place, urls: [], hosts: [], places: { block: place } };
}

function read(arg: Arguments, kind: CheckerDraft['kind'], table: Block<CheckerDraft>): Patch<RealServerDraft> {
  return { checkers: [arg.block(table, newChecker(kind, arg))] };
}

function kept(checker: CheckerDraft | undefined): Patch<RealServerDraft> {
  return checker === undefined ? {} : { checkers: [checker] };
}

/** A checker that does not say what it looks at would look like a healthy server. */
function named(arg: Arguments, kind: 'bfd' | 'file', table: Block<CheckerDraft>, missing: string): Patch<RealServerDraft> {
  const checker = arg.block(table, newChecker(kind, arg));
  if (checker.name === undefined) arg.errorAt(arg.place, `${table.name} does not say what it follows`, `write '${missing}' in it`);
  return checker.name === undefined ? {} : { checkers: [checker] };
}

/** keepalived: each `host` is a check of its own; what stands around them is one more only if it says where to connect. */
function smtpCheck(arg: Arguments): Patch<RealServerDraft> {
  const around = arg.block(smtpBlock, newChecker('smtp', arg));
  const { hosts, ...checker } = around;
  const ownConnection = CONNECTION.some((name) => checker[name] !== undefined);
  const inner = hosts.map((host): CheckerDraft => ({ ...checker, ...host, hosts: [] }));
  return { checkers: hosts.length === 0 || ownConnection ? [{ ...checker, hosts: [] }, ...inner] : inner };
}

const CONNECTION = ['connectAddress', 'connectPort', 'bindAddress', 'bindPort', 'bindInterface', 'mark', 'connectTimeoutMs'] as const;

function miscCheck(arg: Arguments): Patch<RealServerDraft> {
  const checker = arg.block(miscBlock, newChecker('misc', arg));
  if (checker.script === undefined) arg.errorAt(arg.place, 'MISC_CHECK has no misc_path', 'write \'misc_path "PROGRAM ARGUMENT…"\' in it');
  if (checker.script === undefined) return {};
  runAs(checker.script, checker.user);
  return { checkers: [checker] };
}

function udpCheck(arg: Arguments): Patch<RealServerDraft> {
  const checker = arg.block(udpBlock, newChecker('udp', arg));
  const { shortestReply = 0, longestReply = 255, places } = checker;
  if (shortestReply > longestReply)
    arg.errorAt(places.min_reply_length ?? arg.place, `no reply is at least ${shortestReply} and at most ${longestReply} bytes long`);
  return { checkers: [checker] };
}

function dnsType(arg: Arguments): DnsType {
  const text = arg.word('a type');
  return (
    DNS_TYPES.get(text.toUpperCase()) ?? arg.refuse(`expected one of ${[...DNS_TYPES.keys()].join(', ')}, found '${text.slice(0, 60)}'`)
  );
}

/** RFC 1035 2.3.4. */
function domainName(arg: Arguments): string {
  const text = arg.word('a domain name');
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const labels = name === '' ? [] : name.split('.');
  if (labels.some((label) => label.length === 0)) return arg.refuse(`'${text.slice(0, 60)}' has an empty label`);
  const long = labels.some((label) => label.length > 63) || name.length > 253;
  return long ? arg.refuse(`'${text.slice(0, 60)}…' is too long: 63 letters a label, 253 in all`) : name;
}

interface HexPattern {
  readonly data: string;
  readonly mask: string;
}

/** Bytes as `00 1a ff` or `001aff`; a digit alone is a byte. In a pattern x stands for any digit. */
function hexPattern(arg: Arguments): HexPattern {
  const words = arg.rest('bytes in hexadecimal');
  const bytes = words
    .flatMap((word) => word.match(/../g)?.concat(word.length % 2 === 1 ? word.slice(-1) : []) ?? [word])
    .map((byte) => byte.padStart(2, '0'));
  const bad = bytes.find((byte) => !/^[0-9a-f]{2}$/i.test(byte.replaceAll(/[xX]/g, '0')));
  if (bad !== undefined) return arg.refuse(`expected bytes in hexadecimal, found '${bad}'`);
  const text = bytes.join('').toLowerCase();
  return { data: text.replaceAll('x', '0'), mask: text.replaceAll(/[0-9a-f]/g, 'f').replaceAll('x', '0') };
}

function hex(arg: Arguments): HexPattern {
  const pattern = hexPattern(arg);
  return /^f*$/.test(pattern.mask) ? pattern : arg.refuse('what is sent has no wildcards');
}

function weight(arg: Arguments): NonNullable<CheckerDraft['weight']> {
  const given = arg.integer(-HEAVIEST, HEAVIEST);
  return { weight: given, reverse: arg.more() && arg.oneOf(REVERSE) };
}

const REVERSE: ReadonlyMap<string, boolean> = new Map([
  ['reverse', true],
  ['noreverse', false],
]);

/** It becomes part of the conversation as it stands. */
function lineWord(arg: Arguments, expected: string): string {
  const text = arg.word(expected);
  return [...text].some((character) => character < ' ' || character === '\u007f') ? arg.refuse('it has control characters') : text;
}
