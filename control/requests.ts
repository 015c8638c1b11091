// What can be asked of a running natlb through its control socket, and the reading of it: nothing that comes in is believed.

import type { Endpoint, FlowFilter, PacketQuestion, Protocol } from '../dataplane/protocol.js';
import { familyOf, parseAddress, widthOf } from './config/address.js';
import { DUMPS, type DumpName } from './dumps/names.js';

export interface FlowsRequest {
  readonly what: 'flows';
  readonly filter: FlowFilter;
  /** False: only their number. */
  readonly listed: boolean;
}

export interface ExplainRequest {
  readonly what: 'explain';
  readonly packet: PacketQuestion;
}

export interface TraceRequest {
  readonly what: 'trace';
  readonly verdicts: readonly string[];
}

export interface ReloadRequest {
  readonly what: 'reload';
  /** The configuration before comes back after so long unless the new one is confirmed. */
  readonly rollbackAfterMs?: number;
}

export interface DiffRequest {
  readonly what: 'diff';
  /** An absolute path. Absent: the file natlb runs with. */
  readonly file?: string;
}

/** By keepalived's name for the signal. */
export interface DumpRequest {
  readonly what: 'dump';
  readonly name: DumpName;
}

export type ControlRequest =
  | { readonly what: 'status' }
  | ReloadRequest
  | { readonly what: 'confirm' }
  | DiffRequest
  | DumpRequest
  | FlowsRequest
  | ExplainRequest
  | TraceRequest;

/** A day: who has not looked by then has forgotten. */
export const LONGEST_TRIAL_MS = 86_400_000;

type Fields = Readonly<Record<string, unknown>>;

const READERS: Readonly<Record<ControlRequest['what'], (fields: Fields) => ControlRequest>> = {
  status: () => ({ what: 'status' }),
  flows: ({ filter = {}, listed = true }) => ({ what: 'flows', filter: flowFilter(filter), listed: flag(listed, 'listed') }),
  explain: ({ packet }) => ({ what: 'explain', packet: packetQuestion(packet) }),
  trace: ({ verdicts = [] }) => ({ what: 'trace', verdicts: texts(verdicts, 'verdicts') }),
  reload: ({ rollbackAfterMs: ms }) => ({ what: 'reload', ...(ms === undefined ? {} : { rollbackAfterMs: trialMs(ms) }) }),
  confirm: () => ({ what: 'confirm' }),
  dump: ({ name }) => ({ what: 'dump', name: dumpName(name) }),
  diff: ({ file }) => ({ what: 'diff', ...(file === undefined ? {} : { file: absolutePath(file) }) }),
};

const FIELDS: Readonly<Record<ControlRequest['what'], readonly string[]>> = {
  status: ['what'],
  flows: ['what', 'filter', 'listed'],
  explain: ['what', 'packet'],
  trace: ['what', 'verdicts'],
  reload: ['what', 'rollbackAfterMs'],
  confirm: ['what'],
  dump: ['what', 'name'],
  diff: ['what', 'file'],
};

/** Throws an Error for the operator when it is no request. */
export function readRequest(value: unknown): ControlRequest {
  const what = typeof value === 'object' && value !== null && 'what' in value ? value.what : undefined;
  if (typeof what !== 'string' || !Object.hasOwn(READERS, what)) {
    throw new Error(`expected {"what": one of ${Object.keys(READERS).join(', ')}}, found ${shown(what)}`);
  }
  const name = what as ControlRequest['what'];
  return READERS[name](fieldsOf(value, 'the request', FIELDS[name]));
}

function trialMs(value: unknown): number {
  const ms = integer(value, 'rollbackAfterMs', LONGEST_TRIAL_MS);
  if (ms === 0) throw new Error('rollbackAfterMs: expected more than 0');
  return ms;
}

function dumpName(value: unknown): DumpName {
  const name = DUMPS.find((one) => one === value);
  if (name === undefined) throw new Error(`name: expected one of ${DUMPS.join(', ')}, found ${shown(value)}`);
  return name;
}

function absolutePath(value: unknown): string {
  const path = text(value, 'file');
  if (!path.startsWith('/') || path.includes('\0')) throw new Error(`file: expected an absolute path, found ${shown(value)}`);
  return path;
}

function flowFilter(value: unknown): FlowFilter {
  const { name, service, client, server, state } = fieldsOf(value, 'filter', ['name', 'service', 'client', 'server', 'state']);
  return {
    ...(name === undefined ? {} : { name: text(name, 'filter.name') }),
    ...(service === undefined ? {} : { service: endpoint(service, 'filter.service') }),
    ...(client === undefined ? {} : { client: clients(client) }),
    ...(server === undefined ? {} : { server: endpoint(server, 'filter.server') }),
    ...(state === undefined ? {} : { state: text(state, 'filter.state') }),
  };
}

function clients(value: unknown): NonNullable<FlowFilter['client']> {
  const { address, port, prefixLength } = fieldsOf(value, 'filter.client', ['address', 'port', 'prefixLength']);
  const where = endpoint({ address, port }, 'filter.client');
  return { ...where, prefixLength: integer(prefixLength, 'filter.client.prefixLength', widthOf(familyOf(where.address))) };
}

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

function packetQuestion(value: unknown): PacketQuestion {
  const fields = fieldsOf(value, 'packet', ['protocol', 'client', 'service']);
  const protocol = PROTOCOLS.find((name) => name === fields.protocol);
  if (protocol === undefined) throw new Error(`packet.protocol: expected one of ${PROTOCOLS.join(', ')}, found ${shown(fields.protocol)}`);
  const client = endpoint(fields.client, 'packet.client');
  const service = endpoint(fields.service, 'packet.service');
  if (familyOf(client.address) !== familyOf(service.address)) {
    throw new Error(`packet: ${client.address} and ${service.address} are not of one family`);
  }
  return { protocol, client, service };
}

function endpoint(value: unknown, name: string): Endpoint {
  const { address, port } = fieldsOf(value, name, ['address', 'port']);
  const parsed = parseAddress(text(address, `${name}.address`));
  if (parsed === undefined) throw new Error(`${name}.address: expected an IP address, found ${shown(address)}`);
  return { address: parsed.text, port: integer(port, `${name}.port`, 65_535) };
}

function fieldsOf(value: unknown, name: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${name}: expected an object, found ${shown(value)}`);
  const other = Object.keys(value).find((field) => !known.includes(field));
  if (other !== undefined) throw new Error(`${name}: expected ${known.join(', ')}, found ${shown(other)}`);
  return value as Fields;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${name}: expected a text, found ${shown(value)}`);
  return value;
}

function texts(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) throw new Error(`${name}: expected a list, found ${shown(value)}`);
  return value.map((one) => text(one, name));
}

function integer(value: unknown, name: string, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new Error(`${name}: expected a number from 0 to ${most}, found ${shown(value)}`);
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new Error(`${name}: expected true or false, found ${shown(value)}`);
  return value;
}

function shown(value: unknown): string | undefined {
  return JSON.stringify(value)?.slice(0, 80);
}
