// Drafts of what is to be told to whom → the frozen Config; the defaults are keepalived's.

import type { GlobalDraft, HealthNoticesDraft, NoticesDraft } from './draft.js';
import type { Fifo, HealthNotices, Mail, Notifications, Script, StateNotices, TimedScript } from './model.js';
import type { Report } from './report.js';

const SCRIPT_MS = 10_000;
const MAIL_MS = 30_000;

/** Mail is sent where the block, its side or all of the configuration says so. */
export function finishStateNotices(draft: NoticesDraft, global: GlobalDraft): { notices?: StateNotices } {
  const { scripts = [], always, masterReceivedLowerPriority, tellsDeleted } = draft;
  const notices: StateNotices = {
    ...(scripts.length > 0 && { scripts: Object.fromEntries(scripts.map(({ state, script }) => [state, script])) }),
    ...(always && { always }),
    ...(masterReceivedLowerPriority && { masterReceivedLowerPriority }),
    ...((draft.priorityChanges ?? global.priorityChanges) && { priorityChanges: true }),
    ...(tellsDeleted && { tellsDeleted }),
    ...((draft.mail ?? global.mailOfVrrp ?? global.mail) && { mail: true }),
  };
  return Object.keys(notices).length === 0 ? {} : { notices };
}

/** `mailByDefault`: real servers are the one thing keepalived sends mail about unasked. */
export function finishHealthNotices(draft: HealthNoticesDraft, global: GlobalDraft, mailByDefault: boolean): { notices?: HealthNotices } {
  const { up, down } = draft;
  const mail = draft.mail ?? global.mailOfCheckers ?? global.mail ?? (mailByDefault && sendsMail(global));
  const notices: HealthNotices = { ...(up && { up }), ...(down && { down }), ...(mail && { mail }) };
  return Object.keys(notices).length === 0 ? {} : { notices };
}

function sendsMail({ mailServer, mailTo = [] }: GlobalDraft): boolean {
  return mailServer !== undefined && mailTo.length > 0;
}

export function finishNotifications(draft: GlobalDraft, hostName: string, report: Report): { notifications?: Notifications } {
  const { startupScript, startupTimeoutMs, shutdownScript, shutdownTimeoutMs, fifoStatesOnReload = false } = draft;
  const fifos = fifosOf(draft, report);
  const mail = mailOf(draft, hostName, report);
  const startup = timed(startupScript, startupTimeoutMs);
  const shutdown = timed(shutdownScript, shutdownTimeoutMs);
  const dbus = draft.dbus && { serviceName: draft.dbusServiceName ?? 'org.keepalived.Vrrp1' };
  const others = { ...(dbus && { dbus }), ...(mail && { mail }), ...(startup && { startup }), ...(shutdown && { shutdown }) };
  if (fifos.length === 0 && Object.keys(others).length === 0) return {};
  return { notifications: { fifos, fifoStatesOnReload, ...others } };
}

function timed(script: Script | undefined, timeoutMs = SCRIPT_MS): TimedScript | undefined {
  return script && { script, timeoutMs };
}

function fifosOf({ fifos = [], fifoScripts = [], scriptUser }: GlobalDraft, report: Report): readonly Fifo[] {
  for (const { name, script } of fifoScripts)
    if (!fifos.some((fifo) => fifo.name === name)) report.warning(script.place, `${name}_script has nothing to read: there is no ${name}`);
  return fifos.map((fifo) => {
    const script = fifoScripts.find(({ name }) => name === fifo.name)?.script;
    const owner = fifo.owner ?? scriptUser;
    return { ...fifo, ...(owner && { owner }), ...(script && { script }) };
  });
}

function mailOf(draft: GlobalDraft, hostName: string, report: Report): Mail | undefined {
  const {
    mailServer: server,
    mailTo: to = [],
    mailTimeoutMs: timeoutMs = MAIL_MS,
    mailWithoutFaults: withoutFaults = false,
    places,
  } = draft;
  const place = places.notification_email;
  if (server === undefined && to.length > 0 && place) report.warning(place, 'no mail is sent: there is no smtp_server');
  if (server === undefined || to.length === 0) return undefined;
  return { server, to, timeoutMs, withoutFaults, from: draft.mailFrom ?? `root@${hostName}`, heloName: draft.mailHeloName ?? hostName };
}
