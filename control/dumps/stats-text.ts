// keepalived.stats: what each VRRP instance has counted, line by line as keepalived writes it.

import type { InstanceStatus, VrrpCounters } from '../status.js';

type Counter = readonly [label: string, read: (counters: VrrpCounters) => number];
type Section = readonly [title: string, counters: readonly Counter[]];

const ADVERTISEMENTS: readonly Section[] = [
  [
    'Advertisements',
    [
      ['Received', ({ advertsReceived }) => advertsReceived],
      ['Sent', ({ advertsSent }) => advertsSent],
    ],
  ],
];

const ERRORS: readonly Section[] = [
  [
    'Packet Errors',
    [
      ['Length', ({ lengthErrors }) => lengthErrors],
      ['TTL', ({ ttlErrors }) => ttlErrors],
      ['Invalid Type', ({ invalidType }) => invalidType],
      ['Advertisement Interval', ({ advertIntervalErrors }) => advertIntervalErrors],
      ['Address List', ({ addressListErrors }) => addressListErrors],
    ],
  ],
  [
    'Authentication Errors',
    [
      ['Invalid Type', ({ authInvalidType }) => authInvalidType],
      ['Type Mismatch', ({ authTypeMismatch }) => authTypeMismatch],
      ['Failure', ({ authFailure }) => authFailure],
    ],
  ],
  [
    'Authentication Extension Errors',
    [
      ['Missing', ({ authExtMissing }) => authExtMissing],
      ['Malformed', ({ authExtMalformed }) => authExtMalformed],
      ['Unknown Key', ({ authExtUnknownKey }) => authExtUnknownKey],
      ['Invalid HMAC', ({ authExtInvalidHmac }) => authExtInvalidHmac],
      ['Stale', ({ authExtStale }) => authExtStale],
      ['Replay', ({ authExtReplay }) => authExtReplay],
    ],
  ],
  [
    'Priority Zero',
    [
      ['Received', ({ priorityZeroReceived }) => priorityZeroReceived],
      ['Sent', ({ priorityZeroSent }) => priorityZeroSent],
    ],
  ],
];

export function statsText(instances: readonly InstanceStatus[]): string {
  return instances.map(instanceText).join('');
}

function instanceText({ name, counters }: InstanceStatus): string {
  const lines = [
    `VRRP Instance: ${name}`,
    ...ADVERTISEMENTS.flatMap((section) => sectionLines(section, counters)),
    `  Became master: ${counters.becameMaster}`,
    `  Released master: ${counters.releasedMaster}`,
    ...ERRORS.flatMap((section) => sectionLines(section, counters)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function sectionLines([title, labelled]: Section, counters: VrrpCounters): string[] {
  return [`  ${title}:`, ...labelled.map(([label, read]) => `    ${label}: ${read(counters)}`)];
}
