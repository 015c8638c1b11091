// Rules as messages of rtnetlink, and which of them the kernel says are there. Read first: ip-rule(8), linux/fib_rules.h.

import type { Prefix, Range, Rule } from '../config/kernel.js';
import {
  ACKNOWLEDGE,
  type Attribute,
  type Attributes,
  address,
  attribute,
  bigEndian64,
  CREATE,
  DUMP,
  EXCLUSIVE,
  INET,
  joined,
  message,
  readMessage,
  text,
  u8,
  u16,
  u32,
} from './rtnetlink.js';

const NEW = 32;
const DELETE = 33;
const GET = 34;
const FIXED_LENGTH = 12;

const TO = 1;
const FROM = 2;
const IN_INTERFACE = 3;
const GOTO = 4;
const PRIORITY = 6;
const MARK = 10;
const REALMS = 11;
const TUNNEL = 12;
const SUPPRESS_GROUP = 13;
const SUPPRESS_LENGTH = 14;
const TABLE = 15;
const MARK_MASK = 16;
const OUT_INTERFACE = 17;
const VRF = 19;
const USERS = 20;
const PROTOCOL = 21;
const IP_PROTOCOL = 22;
const SOURCE_PORTS = 23;
const DESTINATION_PORTS = 24;

const INVERT = 2;
const ACTIONS: Readonly<Record<Rule['action']['kind'], number>> = {
  lookup: 1,
  vrf: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
};
const WHOLE_MARK = 0xffffffff;

export function addRule(rule: Rule): Uint8Array {
  return message({ type: NEW, flags: ACKNOWLEDGE | CREATE | EXCLUSIVE, fixed: fixed(rule), attributes: attributesOf(rule) });
}

export function removeRule(rule: Rule): Uint8Array {
  return message({ type: DELETE, flags: ACKNOWLEDGE, fixed: fixed(rule), attributes: attributesOf(rule) });
}

export function listRules(family: 4 | 6): Uint8Array {
  return message({ type: GET, flags: DUMP, fixed: Uint8Array.of(INET[family], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), attributes: [] });
}

/** Everything a rule is told apart by. */
export function ruleKey(rule: Rule): string {
  return readRuleKey(addRule(rule)) ?? '';
}

/** The same of a rule in the kernel's answer, whatever else the kernel says of it. */
export function readRuleKey(bytes: Uint8Array): string | undefined {
  const read = readMessage(bytes, FIXED_LENGTH);
  if (read === undefined || read.type !== NEW) return undefined;
  const { fixed: header, attributes } = read;
  const lengthsAndAction = [0, 1, 2, 3, 7].map((at) => header.getUint8(at));
  const inverted = header.getUint32(8, true) & INVERT;
  return [...lengthsAndAction, inverted, ...KEY.map((type) => hex(attributes, type))].join(' ');
}

const KEY = [
  TO,
  FROM,
  IN_INTERFACE,
  GOTO,
  PRIORITY,
  MARK,
  TABLE,
  OUT_INTERFACE,
  PROTOCOL,
  IP_PROTOCOL,
  SOURCE_PORTS,
  DESTINATION_PORTS,
  USERS,
];

/** The kernel gives a table to rules that have none. */
function hex(attributes: Attributes, type: number): string {
  const value = attributes.get(type);
  if (value === undefined || (type === TABLE && value.every((byte) => byte === 0))) return '-';
  return [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fixed({ family, inverted, from, to, tos = 0, action }: Rule): Uint8Array {
  const table = action.kind === 'lookup' && action.table < 256 ? action.table : 0;
  const lengths = [to?.prefixLength ?? 0, from?.prefixLength ?? 0];
  return Uint8Array.from([INET[family], ...lengths, tos, table, 0, 0, ACTIONS[action.kind], ...u32(inverted ? INVERT : 0)]);
}

function attributesOf(rule: Rule): Attribute[] {
  const { action, mark } = rule;
  return [
    ...optional(TO, rule.to, prefixBytes),
    ...optional(FROM, rule.from, prefixBytes),
    ...optional(IN_INTERFACE, rule.inInterface, text),
    ...optional(OUT_INTERFACE, rule.outInterface, text),
    attribute(PRIORITY, u32(rule.priority)),
    ...(action.kind === 'goto' ? [attribute(GOTO, u32(action.target))] : []),
    ...(action.kind === 'lookup' ? [attribute(TABLE, u32(action.table))] : []),
    ...(action.kind === 'vrf' ? [attribute(VRF, u8(1))] : []),
    ...(mark === undefined ? [] : [attribute(MARK, u32(mark.value)), attribute(MARK_MASK, u32(mark.mask ?? WHOLE_MARK))]),
    ...optional(REALMS, rule.realms, u32),
    ...optional(TUNNEL, rule.tunnelId, bigEndian64),
    ...optional(SUPPRESS_GROUP, rule.suppressGroup, u32),
    ...optional(SUPPRESS_LENGTH, rule.suppressPrefixLength, u32),
    ...optional(USERS, rule.users, (users) => joined(users.map(u32))),
    ...optional(PROTOCOL, rule.protocol, u8),
    ...optional(IP_PROTOCOL, rule.ipProtocol, u8),
    ...optional(SOURCE_PORTS, rule.sourcePorts, ports),
    ...optional(DESTINATION_PORTS, rule.destinationPorts, ports),
  ];
}

function optional<Value>(type: number, value: Value | undefined, bytes: (value: Value) => Uint8Array): Attribute[] {
  return value === undefined ? [] : [attribute(type, bytes(value))];
}

function prefixBytes({ address: network }: Prefix): Uint8Array {
  return address(network);
}

function ports(range: Range): Uint8Array {
  return joined(range.map(u16));
}
