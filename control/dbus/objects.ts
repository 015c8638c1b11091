// keepalived's objects on D-Bus: one for all of VRRP, one for each instance. What they answer, and what they are asked to do.

import type { Value, Variant } from './wire.js';

export interface Instance {
  readonly name: string;
  readonly interface: string;
  readonly virtualRouterId: number;
  readonly family: 4 | 6;
  readonly state: string;
}

export interface Call {
  readonly path: string;
  readonly interface?: string;
  readonly member: string;
  readonly body: readonly Value[];
}

export type Action =
  | { readonly kind: 'dump'; readonly name: 'DATA' | 'STATS' | 'STATS_CLEAR' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'announce'; readonly instance: string };

export type Answer =
  | { readonly kind: 'values'; readonly signature: string; readonly values: readonly Value[]; readonly action?: Action }
  | { readonly kind: 'error'; readonly name: string; readonly text: string };

export const VRRP_INTERFACE = 'org.keepalived.Vrrp1.Vrrp';
export const INSTANCE_INTERFACE = 'org.keepalived.Vrrp1.Instance';
export const SERVICE_NAME = 'org.keepalived.Vrrp1';
const ROOT = '/org/keepalived/Vrrp1';
export const VRRP_PATH = `${ROOT}/Vrrp`;

/** As keepalived numbers and names them. */
const STATES: Readonly<Record<string, readonly [number: number, name: string]>> = {
  init: [0, 'Init'],
  backup: [1, 'Backup'],
  master: [2, 'Master'],
  fault: [3, 'Fault'],
  deleted: [97, 'Deleted'],
  stop: [98, 'Stop'],
};

export function stateNumber(state: string): number {
  return STATES[state.toLowerCase()]?.[0] ?? 0;
}

/** Only letters, digits and underscores stand in a path. */
export function instancePath({
  interface: name,
  virtualRouterId,
  family,
}: Pick<Instance, 'interface' | 'virtualRouterId' | 'family'>): string {
  return `${ROOT}/Instance/${name.replace(/[^A-Za-z0-9]/g, '_')}/${virtualRouterId}/IPv${family}`;
}

export function answer(instances: readonly Instance[], call: Call): Answer {
  const { path, interface: name = '', member } = call;
  const instance = instances.find((one) => instancePath(one) === path);
  const children = childrenOf(path, [VRRP_PATH, ...instances.map(instancePath)]);
  if (instance === undefined && path !== VRRP_PATH && children.length === 0) return error('UnknownObject', `there is no object ${path}`);
  if (name === 'org.freedesktop.DBus.Peer' && member === 'Ping') return values('', []);
  if (name === 'org.freedesktop.DBus.Introspectable' && member === 'Introspect')
    return values('s', [description(path, instance, children)]);
  if (name === 'org.freedesktop.DBus.Properties') return properties(instance, call);
  if (path === VRRP_PATH && name === VRRP_INTERFACE) return vrrpMethod(member);
  if (instance !== undefined && name === INSTANCE_INTERFACE && member === 'SendGarp')
    return { ...values('', []), action: { kind: 'announce', instance: instance.name } };
  return error('UnknownMethod', `${path} has no method ${name}.${member}`);
}

const METHODS: Readonly<Record<string, Action>> = {
  PrintData: { kind: 'dump', name: 'DATA' },
  PrintStats: { kind: 'dump', name: 'STATS' },
  PrintStatsClear: { kind: 'dump', name: 'STATS_CLEAR' },
  ReloadConfig: { kind: 'reload' },
};

function vrrpMethod(member: string): Answer {
  const action = METHODS[member];
  return action === undefined ? error('UnknownMethod', `there is no method ${member}`) : { ...values('', []), action };
}

function properties(instance: Instance | undefined, { member, body: [asked, property] }: Call): Answer {
  if (instance === undefined || asked !== INSTANCE_INTERFACE) {
    return member === 'GetAll' ? values('a{sv}', [[]]) : error('UnknownInterface', `there are no properties of ${String(asked)} here`);
  }
  const held = propertiesOf(instance);
  if (member === 'GetAll') return values('a{sv}', [Object.entries(held).map(([name, value]): Value => [name, value])]);
  const value = member === 'Get' ? held[String(property)] : undefined;
  if (member === 'Set') return error('PropertyReadOnly', 'nothing can be set');
  return value === undefined ? error('UnknownProperty', `there is no property ${String(property)}`) : values('v', [value]);
}

function propertiesOf({ name, state }: Instance): Readonly<Record<string, Variant>> {
  return {
    Name: { signature: '(s)', value: [name] },
    State: { signature: '(us)', value: [...(STATES[state] ?? [0, 'Unknown'])] },
  };
}

function values(signature: string, held: readonly Value[]): Extract<Answer, { kind: 'values' }> {
  return { kind: 'values', signature, values: held };
}

function error(name: string, text: string): Answer {
  return { kind: 'error', name: `org.freedesktop.DBus.Error.${name}`, text };
}

function childrenOf(path: string, paths: readonly string[]): string[] {
  const prefix = path === '/' ? '/' : `${path}/`;
  const names = paths.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length).split('/')[0] ?? '');
  return [...new Set(names)];
}

const STANDARD = `<interface name="org.freedesktop.DBus.Peer"><method name="Ping"/></interface>
<interface name="org.freedesktop.DBus.Introspectable"><method name="Introspect"><arg type="s" direction="out"/></method></interface>
<interface name="org.freedesktop.DBus.Properties">
<method name="Get"><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="out"/></method>
<method name="GetAll"><arg type="s" direction="in"/><arg type="a{sv}" direction="out"/></method>
</interface>`;
const VRRP = `<interface name="${VRRP_INTERFACE}">
${Object.keys(METHODS)
  .map((name) => `<method name="${name}"/>`)
  .join('\n')}
<signal name="VrrpStarted"/>
<signal name="VrrpReloaded"/>
<signal name="VrrpStopped"/>
</interface>`;
const INSTANCE = `<interface name="${INSTANCE_INTERFACE}">
<method name="SendGarp"/>
<signal name="VrrpStatusChange"><arg type="u" name="status"/></signal>
<property type="(s)" name="Name" access="read"/>
<property type="(us)" name="State" access="read"/>
</interface>`;

function description(path: string, instance: Instance | undefined, children: readonly string[]): string {
  const own = instance !== undefined ? [INSTANCE] : path === VRRP_PATH ? [VRRP] : [];
  const nodes = children.map((name) => `<node name="${name}"/>`);
  return ['<node>', STANDARD, ...own, ...nodes, '</node>', ''].join('\n');
}
