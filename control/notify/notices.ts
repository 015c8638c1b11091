// What is run, written and mailed when something changes: who is told what, in keepalived's order and words.

import type { Config, HealthNotices, Script, StateNotices } from '../config/model.js';
import { serverName } from '../config/service-name.js';
import type { HealthEvent } from '../health/events.js';

export type Notice =
  | {
      readonly kind: 'run';
      readonly side: Side;
      readonly script: Script;
      readonly arguments: readonly string[];
      readonly stopping: boolean;
    }
  /** A line for the FIFO of this side, and for the one of all. */
  | { readonly kind: 'write'; readonly side: Side; readonly line: string }
  | { readonly kind: 'mail'; readonly subject: string; readonly text: string };

export type Side = 'vrrp' | 'lvs';

type InstanceState = 'MASTER' | 'BACKUP' | 'FAULT' | 'STOP' | 'DELETED';
type Happening = 'MASTER_RX_LOWER_PRI' | 'MASTER_PRIORITY' | 'BACKUP_PRIORITY';

export interface Transition {
  readonly what: 'INSTANCE' | 'GROUP';
  readonly name: string;
  readonly state: InstanceState | Happening;
  readonly priority: number;
}

/** What was told last of each instance and group: for mail, which says nothing twice, and for what is written again at a reload. */
export interface Memory {
  readonly told: Map<string, Transition>;
  readonly mailed: Map<string, InstanceState>;
}

export function createMemory(): Memory {
  return { told: new Map(), mailed: new Map() };
}

export function ofTransition(config: Config, memory: Memory, transition: Transition): Notice[] {
  const notices = noticesOf(config, transition) ?? {};
  switch (transition.state) {
    case 'MASTER_PRIORITY':
    case 'BACKUP_PRIORITY':
      remember(memory, { ...transition, state: transition.state === 'MASTER_PRIORITY' ? 'MASTER' : 'BACKUP' });
      return notices.priorityChanges ? [write(transition)] : [];
    case 'MASTER_RX_LOWER_PRI':
      return [...run(notices.masterReceivedLowerPriority), write(transition)];
    default:
      return ofState(config, notices, memory, { ...transition, state: transition.state });
  }
}

/** `fifo_write_vrrp_states_on_reload`: where everything stands, groups first. */
export function statesOnReload({ instances, syncGroups }: Config, { told }: Memory): Notice[] {
  const keys = [...syncGroups.map(({ name }) => key('GROUP', name)), ...instances.map(({ name }) => key('INSTANCE', name))];
  return keys.flatMap((name) => {
    const last = told.get(name);
    return last === undefined ? [] : [write(last)];
  });
}

function noticesOf({ instances, syncGroups }: Config, { what, name }: Transition): StateNotices | undefined {
  return (what === 'GROUP' ? syncGroups : instances).find((one) => one.name === name)?.notices;
}

type StateChange = Transition & { readonly state: InstanceState };

function ofState(config: Config, notices: StateNotices, memory: Memory, change: StateChange): Notice[] {
  const before = memory.told.get(key(change.what, change.name))?.state;
  const deleted = change.state === 'DELETED';
  // A group that is left out is told to nobody; nor is an instance whose FAULT would be told once more.
  if (deleted && (change.what === 'GROUP' || (!notices.tellsDeleted && before === 'FAULT'))) return forget(memory, change);
  const told: StateChange = deleted && !notices.tellsDeleted ? { ...change, state: 'FAULT' } : change;
  const { what, name, state, priority } = told;
  const stopping = state === 'STOP';
  const lines = [
    // Of the state it is really in: a FAULT that stands for DELETED has no script of its own.
    ...run(notices.scripts?.[change.state], { stopping }),
    ...run(notices.always, { stopping, more: [what, name, state, String(priority)] }),
    write(told),
    ...mailOf(config, notices, memory, told),
  ];
  if (deleted) forget(memory, change);
  else remember(memory, told);
  return lines;
}

function key(what: Transition['what'], name: string): string {
  return `${what} ${name}`;
}

function remember({ told }: Memory, transition: Transition): void {
  told.set(key(transition.what, transition.name), transition);
}

function forget({ told, mailed }: Memory, { what, name }: Transition): [] {
  told.delete(key(what, name));
  mailed.delete(key(what, name));
  return [];
}

function run(script: Script | undefined, { stopping = false, more = [] }: { stopping?: boolean; more?: readonly string[] } = {}): Notice[] {
  return script === undefined ? [] : [{ kind: 'run', side: 'vrrp', script, arguments: more, stopping }];
}

function write({ what, name, state, priority }: Transition): Notice {
  return { kind: 'write', side: 'vrrp', line: `${what} "${name}" ${state} ${priority}\n` };
}

const NO_LONGER = '=> VRRP Instance is no longer owning VRRP VIPs <=';

const MAIL: Readonly<Record<Transition['what'], Readonly<Record<InstanceState, readonly [subject: string, text: string]>>>> = {
  INSTANCE: {
    MASTER: ['Entering MASTER state', '=> VRRP Instance is now owning VRRP VIPs <='],
    BACKUP: ['Entering BACKUP state', NO_LONGER],
    FAULT: ['Entering FAULT state', NO_LONGER],
    STOP: ['Stopping', '=> VRRP Instance stopping <='],
    DELETED: ['Deleted', '=> VRRP Deleted at reload <='],
  },
  GROUP: {
    MASTER: ['Entering MASTER state', '=> All VRRP group instances are now in MASTER state <='],
    BACKUP: ['Entering BACKUP state', '=> All VRRP group instances are now in BACKUP state <='],
    FAULT: ['Entering FAULT state', '=> All VRRP group instances are now in FAULT state <='],
    STOP: ['Stopping', '=> All VRRP group instances are now stopping <='],
    DELETED: ['Deleted', '=> VRRP Deleted at reload <='],
  },
};

function mailOf(
  { global, notifications }: Config,
  notices: StateNotices,
  { mailed }: Memory,
  { what, name, state }: StateChange,
): Notice[] {
  const again = mailed.get(key(what, name)) === state;
  if (!notices.mail || again || (state === 'FAULT' && notifications?.mail?.withoutFaults)) return [];
  mailed.set(key(what, name), state);
  const [subject, text] = MAIL[what][state];
  const kind = what === 'INSTANCE' ? 'Instance' : 'Group';
  return [{ kind: 'mail', subject: `[${global.routerId}] VRRP ${kind} ${name} - ${subject}`, text }];
}

export function ofHealth({ global: { routerId } }: Config, event: HealthEvent): Notice[] {
  const { state } = event;
  const about = event.kind === 'server' ? aboutServer(event) : aboutQuorum(event);
  const text = event.stopping ? '=> Shutting down <=' : about.text;
  return [
    ...runOf(about.notices, event),
    { kind: 'write', side: 'lvs', line: `${about.line} ${state}\n` },
    ...(about.notices?.mail ? [{ kind: 'mail' as const, subject: `[${routerId}] ${about.subject} - ${state}`, text }] : []),
  ];
}

interface About {
  readonly notices: HealthNotices | undefined;
  readonly line: string;
  readonly subject: string;
  readonly text: string;
}

function aboutServer({ service, server, state }: Extract<HealthEvent, { kind: 'server' }>): About {
  const name = serverName(service.identity, server);
  return {
    notices: server.notices,
    line: `RS ${name} ${service.name}`,
    subject: `Realserver ${name} of virtual server ${service.name}`,
    text: `=> CHECK ${state === 'UP' ? 'succeed' : 'failed'} on service <=`,
  };
}

/** keepalived writes the same signs for gaining and losing. */
function aboutQuorum({ service, state, weight = 0 }: Extract<HealthEvent, { kind: 'quorum' }>): About {
  const { name, notices, quorum, hysteresis } = service;
  const threshold = state === 'UP' ? quorum + hysteresis : quorum - hysteresis;
  const what = state === 'UP' ? 'Gained' : 'Lost';
  const text = `=> ${what} quorum ${quorum}+${hysteresis}=${threshold} <= ${weight} <=`;
  return { notices, line: `VS ${name}`, subject: `Virtualserver ${name}`, text };
}

function runOf(notices: HealthNotices | undefined, { state, stopping }: HealthEvent): Notice[] {
  const script = state === 'UP' ? notices?.up : notices?.down;
  return script === undefined ? [] : [{ kind: 'run', side: 'lvs', script, arguments: [], stopping: stopping === true }];
}
