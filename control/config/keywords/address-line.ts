// A line of `virtual_ipaddress` and `static_ipaddress`: an address as `ip address add` takes it. keepalived.conf(5), ip-address(8).

import { type Address, addressOf, bitsOf, widthOf } from '../address.js';
import type { AddressFlag, AddressOptions, StaticAddressDraft } from '../kernel.js';
import type { Arguments } from '../keyword.js';
import type { VirtualAddress } from '../model.js';

const FORM = 'ADDRESS[/PREFIX] [dev INTERFACE] …';
/** Longer names than the kernel has room for. */
const LABEL_LENGTH = 15;

type Writable<Value> = { -readonly [Field in keyof Value]: Value[Field] };

interface Draft extends Writable<AddressOptions> {
  prefixLength: number;
  device?: string;
  useVirtualMac?: true;
  trackGroup?: string;
  /** `+`: all ones behind the prefix, `-`: all zeros. */
  fill?: '+' | '-';
}

interface Option {
  readonly words: readonly string[];
  /** Only addresses of this kind have it. */
  readonly only?: 'static' | 'virtual';
  read(line: Arguments, draft: Draft, address: Address): void;
}

const OPTIONS: readonly Option[] = [
  { words: ['dev'], read: readDevice },
  { words: ['brd', 'broadcast'], read: readBroadcast },
  { words: ['scope'], read: readScope },
  { words: ['label'], read: readLabel },
  { words: ['peer'], read: readPeer },
  { words: ['preferred_lft'], read: readLifetime },
  { words: ['home'], read: (_, draft) => addFlag(draft, 'home') },
  { words: ['-nodad'], read: (_, draft) => addFlag(draft, 'dad') },
  { words: ['mngtmpaddr'], read: (_, draft) => addFlag(draft, 'mngtmpaddr') },
  { words: ['noprefixroute'], read: (_, draft) => addFlag(draft, 'noprefixroute') },
  { words: ['autojoin'], read: (_, draft) => addFlag(draft, 'autojoin') },
  { words: ['no_track'], read: (_, draft) => Object.assign(draft, { untracked: true }) },
  {
    words: ['track_group'],
    only: 'static',
    read: (line, draft) => Object.assign(draft, { trackGroup: line.word('the name of a track_group') }),
  },
  { words: ['use_vmac'], only: 'virtual', read: (_, draft) => Object.assign(draft, { useVirtualMac: true }) },
];

const BY_WORD: ReadonlyMap<string, Option> = new Map(OPTIONS.flatMap((option) => option.words.map((word) => [word, option] as const)));

export function virtualAddress(line: Arguments): VirtualAddress {
  const { address, place, draft } = readLine(line, 'virtual');
  return { address: address.text, family: address.family, ...draft, place };
}

export function staticAddress(line: Arguments): StaticAddressDraft {
  const { address, place, draft } = readLine(line, 'static');
  return { address: address.text, family: address.family, ...draft, place };
}

function readLine(line: Arguments, kind: 'static' | 'virtual') {
  const [text = '', prefix] = line.word('an address').split('/', 2);
  const address = line.toAddress(text);
  const width = widthOf(address.family);
  const place = line.valuePlace;
  const draft: Draft = { prefixLength: prefix === undefined ? width : line.toInteger(prefix, 0, width) };
  while (line.more()) readOption(line, kind, draft, address);
  const { fill, ...read } = draft;
  if (fill !== undefined) Object.assign(read, filled(line, fill, read, address));
  return { address, place, draft: read };
}

function readOption(line: Arguments, kind: 'static' | 'virtual', draft: Draft, address: Address): void {
  const word = line.word('an option');
  const option = BY_WORD.get(word);
  if (option === undefined || (option.only !== undefined && option.only !== kind))
    line.error(`unknown option '${word}' of a ${kind} address`, FORM);
  else option.read(line, draft, address);
}

function readDevice(line: Arguments, draft: Draft): void {
  if (draft.device !== undefined) line.refuse('a second dev for one address');
  draft.device = line.word('the name of an interface');
}

function readBroadcast(line: Arguments, draft: Draft, { family }: Address): void {
  const text = line.word('an address, + or -');
  if (family === 6) line.refuse('IPv6 has no broadcast addresses');
  if (text === '+' || text === '-') draft.fill = text;
  else draft.broadcast = addressOfFamily(line, text, 4).text;
}

/** Of the subnet, when it has room for one. */
function filled(
  line: Arguments,
  fill: '+' | '-',
  { prefixLength, peer, broadcast }: Omit<Draft, 'fill'>,
  address: Address,
): AddressOptions {
  if (broadcast !== undefined) return {};
  if (prefixLength > 30) {
    line.error(`a /${prefixLength} has no room for a broadcast address`);
    return {};
  }
  const bits = bitsOf(peer === undefined ? address : line.toAddress(peer));
  const mask = (1n << BigInt(32 - prefixLength)) - 1n;
  return { broadcast: addressOf(4, fill === '+' ? bits | mask : bits & ~mask).text };
}

function readScope(line: Arguments, draft: Draft, { family }: Address): void {
  const scope = line.kernelNumber('scopes', 'a scope: global, site, link, host, nowhere');
  if (family === 6) line.modified('scope is not for IPv6 addresses, whose scope follows from the address; it is left out');
  else draft.scope = scope;
}

function readLabel(line: Arguments, draft: Draft, { family }: Address): void {
  const label = line.word('a label');
  if (label.length > LABEL_LENGTH) line.refuse(`a label has at most ${LABEL_LENGTH} characters, '${label}' has ${label.length}`);
  if (family === 6) line.modified('label is not for IPv6 addresses; it is left out');
  else draft.label = label;
}

function readPeer(line: Arguments, draft: Draft, { family }: Address): void {
  const [text = '', prefix] = line.word('an address').split('/', 2);
  const width = widthOf(family);
  const peer = addressOfFamily(line, text, family);
  if (draft.prefixLength !== width)
    line.modified('the prefix belongs to the peer: it is that of the subnet both are in', 'ADDRESS peer ADDRESS[/PREFIX]');
  draft.peer = peer.text;
  draft.prefixLength = prefix === undefined ? width : line.toInteger(prefix, 0, width);
}

function readLifetime(line: Arguments, draft: Draft): void {
  const text = line.word("seconds, or 'forever'");
  draft.preferredLifetime = text === 'forever' ? text : line.toInteger(text, 0, 0xffffffff);
}

function addFlag(draft: Draft, flag: AddressFlag): void {
  if (!draft.flags?.includes(flag)) draft.flags = [...(draft.flags ?? []), flag];
}

function addressOfFamily(line: Arguments, text: string, family: 4 | 6): Address {
  const address = line.toAddress(text);
  return address.family === family ? address : line.refuse(`expected an IPv${family} address, found '${text}'`);
}
