// What a log line is about, for those who read it with a program. The sentences are keepalived's, which people's alerts search for, so it is
// they that are taken apart.

export interface Facts {
  readonly level: 'info' | 'warning' | 'error';
  readonly what: string;
  readonly instance?: string;
  readonly group?: string;
  readonly service?: string;
  readonly server?: string;
  readonly [fact: string]: string | undefined;
}

interface Row {
  readonly what: string;
  readonly level?: Facts['level'];
  /** Its named groups become facts. */
  readonly sentence: RegExp;
}

const ROWS: readonly Row[] = [
  { what: 'vrrp_state', level: 'warning', sentence: /^\((?<instance>.+?)\) Entering (?<state>FAULT) STATE(?: \(init\))?$/ },
  { what: 'vrrp_state', sentence: /^\((?<instance>.+?)\) Entering (?<state>MASTER|BACKUP) STATE(?: \(init\))?$/ },
  { what: 'vrrp_fault', level: 'warning', sentence: /^\((?<instance>.+?)\) entering FAULT state \((?<reason>.*)\)$/ },
  {
    what: 'vrrp_higher_priority',
    sentence: /^\((?<instance>.+?)\) Master received advert from (?<from>\S+) with (?:higher|same) priority (?<priority>\d+)/,
  },
  {
    what: 'vrrp_lower_priority',
    level: 'warning',
    sentence: /^\((?<instance>.+?)\) Received advert from (?<from>\S+) with lower priority (?<priority>\d+), ours (?<ours>\d+)/,
  },
  { what: 'vrrp_timeout', sentence: /^\((?<instance>.+?)\) Receive advertisement timeout$/ },
  { what: 'vrrp_priority', sentence: /^\((?<instance>.+?)\) Changing effective priority from (?<from>\d+) to (?<to>\d+)$/ },
  { what: 'vrrp_group', sentence: /^VRRP_Group\((?<group>.+)\) Syncing instances to (?<state>\S+) state$/ },
  { what: 'quorum_up', sentence: /^Gained quorum .* for VS (?<service>.+)$/ },
  { what: 'quorum_down', level: 'error', sentence: /^(?:Lost quorum|Starting with quorum down) .* for VS (?<service>.+)$/ },
  { what: 'sorry_server', level: 'warning', sentence: /^(?:Adding|Enabling) sorry server (?<server>\S+) (?:to|of) VS (?<service>.+)$/ },
  { what: 'sorry_server', sentence: /^(?:Removing|Disabling) sorry server (?<server>\S+) (?:from|of) VS (?<service>.+)$/ },
  { what: 'server_added', sentence: /^(?:Adding|Enabling) service (?<server>\S+) (?:to|of) VS (?<service>.+)$/ },
  {
    what: 'server_removed',
    level: 'warning',
    sentence: /^(?:Removing|Disabling|Shutting down) service (?<server>\S+) (?:from|of) VS (?<service>.+)$/,
  },
  {
    what: 'weight',
    sentence: /^Changing weight from (?<from>-?\d+) to (?<to>-?\d+) for (?:in)?active service (?<server>\S+) of VS (?<service>.+)$/,
  },
  { what: 'service_added', sentence: /^Adding Virtual Server (?<service>.+)$/ },
  { what: 'service_removed', sentence: /^Removing Virtual Server (?<service>.+)$/ },
  { what: 'check', sentence: /^(?:TCP|UDP|ICMP) connection to (?<server>\[\S+) (?<result>success)\.$/ },
  { what: 'check', level: 'warning', sentence: /^(?:TCP|UDP|ICMP) connection to (?<server>\[\S+) (?<result>failed|timeout)\.$/ },
  { what: 'check', sentence: /^(?:Remote (?:Web|SMTP) server|[A-Z]+_CHECK) \(?(?<server>\[[^)\s]+)\)? (?<result>succeed) on service\.$/ },
  { what: 'check', level: 'warning', sentence: /^[A-Z_ ]*CHECK on service (?<server>\S+) .*(?<result>failed)\b/ },
  { what: 'check', level: 'warning', sentence: /^Check of (?<server>\S+) for VS (?<service>.+?): (?<reason>.*)$/ },
  { what: 'checker', sentence: /^(?<change>Activat|Suspend)ing healthchecker for service (?<server>\S+) for VS (?<service>.+)$/ },
  { what: 'reload', level: 'error', sentence: /^[Rr]eload (?<result>refused|failed)/ },
  { what: 'reload', sentence: /^Reloaded (?<file>.+)$/ },
  { what: 'mail', level: 'warning', sentence: /SMTP (?:server|connection)/ },
  { what: 'script', level: 'warning', sentence: /^Error exec-ing command '(?<script>[^']*)': (?<reason>.*)$/ },
  { what: 'fifo', level: 'warning', sentence: /^(?:Unable to open \S*notify_fifo|(?:\w+ )?notify fifo )/ },
  { what: 'lost', level: 'warning', sentence: /(?<count>^\d+) .*were (?:lost|not run|not sent)/ },
  { what: 'end', level: 'error', sentence: /^Cannot run: (?<reason>.*)$/ },
  { what: 'vrrp', sentence: /^\((?<instance>[^()\s]+)\) / },
];

/** The first sentence that fits. */
export function factsOf(text: string): Facts {
  for (const { what, level = 'info', sentence } of ROWS) {
    const found = sentence.exec(text);
    if (found !== null) return { level, what, ...given(found.groups ?? {}) };
  }
  return { level: 'info', what: 'natlb' };
}

function given(groups: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
