// Who is told of what: notify scripts, FIFOs and mail.

import type { GlobalDraft, HealthNoticesDraft, NoticesDraft } from '../draft.js';
import type { Arguments, Keyword, Patch } from '../keyword.js';
import type { FifoName, StateNotices } from '../model.js';
import { SCRIPT, script, scriptUser } from './script.js';

const FIFO = 'FIFO [USER [GROUP]]';
const SMTP_PORT = 25;
const SCRIPT_TIMEOUT = 1000;
const LONGEST_TIMER = 4294;

type State = keyof NonNullable<StateNotices['scripts']>;

/** Of an instance and of a sync group. */
export const stateNotices: readonly Keyword<NoticesDraft>[] = [
  ...(['MASTER', 'BACKUP', 'FAULT', 'STOP'] as const).map(scriptOfState),
  { name: 'notify', takes: SCRIPT, script: true, once: true, set: (arg) => ({ always: script(arg) }) },
  { name: 'notify_priority_changes', takes: '[BOOL]', set: (arg) => ({ priorityChanges: arg.flag() }) },
  { name: 'smtp_alert', takes: '[BOOL]', set: (arg) => ({ mail: arg.flag() }) },
];

export const instanceNotices: readonly Keyword<NoticesDraft>[] = [
  {
    name: 'notify_deleted',
    takes: `[${SCRIPT}]`,
    once: true,
    set: (arg) => ({ tellsDeleted: true, ...(arg.more() ? { scripts: [{ state: 'DELETED' as const, script: script(arg) }] } : {}) }),
  },
  {
    name: 'notify_master_rx_lower_pri',
    takes: SCRIPT,
    script: true,
    once: true,
    set: (arg) => ({ masterReceivedLowerPriority: script(arg) }),
  },
];

/** Of a virtual server. */
export const quorumNotices: readonly Keyword<HealthNoticesDraft>[] = healthNotices('quorum');
/** Of a real server. */
export const serverNotices: readonly Keyword<HealthNoticesDraft>[] = healthNotices('notify');

export const globalNotices: readonly Keyword<GlobalDraft>[] = [
  ...(['notify_fifo', 'vrrp_notify_fifo', 'lvs_notify_fifo'] as const).flatMap(fifo),
  { name: 'fifo_write_vrrp_states_on_reload', takes: '', set: () => ({ fifoStatesOnReload: true }) },
  { name: 'startup_script', takes: SCRIPT, script: true, once: true, set: (arg) => ({ startupScript: script(arg) }) },
  { name: 'startup_script_timeout', takes: 'SECONDS', set: (arg) => ({ startupTimeoutMs: arg.integer(1, SCRIPT_TIMEOUT) * 1000 }) },
  { name: 'shutdown_script', takes: SCRIPT, script: true, once: true, set: (arg) => ({ shutdownScript: script(arg) }) },
  { name: 'shutdown_script_timeout', takes: 'SECONDS', set: (arg) => ({ shutdownTimeoutMs: arg.integer(1, SCRIPT_TIMEOUT) * 1000 }) },
  { name: 'notification_email', takes: '{ ADDRESS… }', set: (arg) => ({ mailTo: mailAddresses(arg) }) },
  { name: 'notification_email_from', takes: 'ADDRESS', set: (arg) => ({ mailFrom: mailAddress(arg) }) },
  { name: 'smtp_server', takes: 'HOST [PORT]', set: (arg) => ({ mailServer: mailServer(arg) }) },
  { name: 'smtp_helo_name', takes: 'NAME', set: (arg) => ({ mailHeloName: oneLine(arg, arg.word('a name')) }) },
  { name: 'smtp_connect_timeout', takes: 'SECONDS', set: (arg) => ({ mailTimeoutMs: arg.integer(1, LONGEST_TIMER) * 1000 }) },
  { name: 'smtp_alert', takes: '[BOOL]', set: (arg) => ({ mail: arg.flag() }) },
  { name: 'smtp_alert_vrrp', takes: '[BOOL]', set: (arg) => ({ mailOfVrrp: arg.flag() }) },
  { name: 'smtp_alert_checker', takes: '[BOOL]', set: (arg) => ({ mailOfCheckers: arg.flag() }) },
  { name: 'no_email_faults', takes: '', set: () => ({ mailWithoutFaults: true }) },
  // Mail is sent when a real server goes up or down, and not for each of its checkers, with it or without.
  { name: 'no_checker_emails', takes: '[BOOL]', set: nothing },
  { name: 'enable_dbus', takes: '', set: () => ({ dbus: true }) },
  { name: 'dbus_service_name', takes: 'NAME', set: (arg) => ({ dbusServiceName: busName(arg) }) },
  // What stands for the interface of an instance that has none, and here each has one.
  { name: 'dbus_no_interface_name', takes: 'NAME', set: (arg) => (arg.word('a name') === '' ? arg.refuse('expected a name') : {}) },
  { name: 'vrrp_notify_priority_changes', takes: '[BOOL]', set: (arg) => ({ priorityChanges: arg.flag() }) },
];

function nothing(arg: Arguments): Patch<GlobalDraft> {
  arg.flag();
  return {};
}

function scriptOfState(state: State): Keyword<NoticesDraft> {
  return {
    name: `notify_${state.toLowerCase()}`,
    takes: SCRIPT,
    script: true,
    once: true,
    set: (arg) => ({ scripts: [{ state, script: script(arg) }] }),
  };
}

function healthNotices(what: 'quorum' | 'notify'): readonly Keyword<HealthNoticesDraft>[] {
  return [
    { name: `${what}_up`, takes: SCRIPT, script: true, once: true, set: (arg) => ({ up: script(arg) }) },
    { name: `${what}_down`, takes: SCRIPT, script: true, once: true, set: (arg) => ({ down: script(arg) }) },
    { name: 'smtp_alert', takes: '[BOOL]', set: (arg) => ({ mail: arg.flag() }) },
  ];
}

function fifo(name: FifoName): readonly Keyword<GlobalDraft>[] {
  return [
    {
      name,
      takes: FIFO,
      once: true,
      set: (arg) => {
        const path = arg.word('the path of a FIFO');
        const place = arg.valuePlace;
        if (!path.startsWith('/')) arg.refuse(`expected the whole path of a FIFO, found '${path.slice(0, 60)}'`);
        return { fifos: [{ name, path, ...(arg.more() ? { owner: scriptUser(arg) } : {}), place }] };
      },
    },
    { name: `${name}_script`, takes: SCRIPT, script: true, once: true, set: (arg) => ({ fifoScripts: [{ name, script: script(arg) }] }) },
  ];
}

function busName(arg: Arguments): string {
  const name = arg.word('the name of a service on D-Bus');
  return /^(?=.{1,255}$)[A-Za-z_-][\w-]*(?:\.[A-Za-z_-][\w-]*)+$/.test(name)
    ? name
    : arg.refuse(`expected a name such as org.keepalived.Vrrp1, found '${name.slice(0, 60)}'`);
}

function mailServer(arg: Arguments): NonNullable<GlobalDraft['mailServer']> {
  const host = arg.word('the host that takes mail');
  return { host, port: arg.more() ? arg.port() : SMTP_PORT };
}

/** All that stands on the line: names stand before an address in angle brackets. */
function mailAddresses(arg: Arguments): readonly string[] {
  let lines = 0;
  const addresses = arg.lines((line) => {
    lines += 1;
    return mailAddress(line);
  });
  if (lines === 0) arg.modified('there is no address in notification_email');
  return addresses;
}

function mailAddress(arg: Arguments): string {
  const address = oneLine(arg, arg.rest('an address').join(' '));
  return /^[^<>\s]+$|<[^<>\s]+>$/.test(address) ? address : arg.refuse(`expected an address, found '${address.slice(0, 60)}'`);
}

/** What goes into a command of SMTP, or a header, cannot bring lines of its own along. */
function oneLine(arg: Arguments, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a quoted word may hold any character
  return /[\u0000-\u001f\u007f]/.test(text) ? arg.refuse('there are control characters in it') : text;
}
