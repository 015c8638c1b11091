// `natlb trace`: packets with what became of them, as a file for tcpdump and Wireshark.

import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { TracedPacket } from '../../dataplane/protocol.js';
import { parseAddress } from '../config/address.js';
import { type Io, RUN_DIR_OPTION, readOptions, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';
import { addressesOf } from './frame-addresses.js';
import { Pcapng } from './pcapng.js';

const OPTIONS = {
  ...RUN_DIR_OPTION,
  write: { type: 'string' },
  verdict: { type: 'string' },
  client: { type: 'string' },
  count: { type: 'string' },
  seconds: { type: 'string' },
} as const;

const USAGE =
  'expected trace --write FILE [--verdict VERDICT[,VERDICT…]] [--client ADDRESS] [--count PACKETS] [--seconds SECONDS] [--run-dir DIR]';
const DEFAULT_COUNT = 10_000;
const DEFAULT_SECONDS = 10;
/** The data plane keeps some thousand packets between two looks. */
const LOOK_MS = 50;

export function trace(args: readonly string[], io: Io, asking: typeof ask = ask): Promise<number> {
  return reportErrors('trace', io, async () => {
    const wanted = wantedTrace(args);
    // The first look begins the watch: a verdict that is none is told before a file is made.
    await asking(wanted.runDir, { what: 'trace', verdicts: wanted.verdicts });
    const { written, lost } = await writeTrace(wanted, asking);
    const more = lost === 0 ? '' : `; ${lost} more came too fast to be kept`;
    io.out(`${written} packets in ${wanted.file}${more}\n`);
  });
}

interface Wanted {
  readonly runDir: string;
  readonly file: string;
  readonly verdicts: readonly string[];
  readonly client: string | undefined;
  readonly count: number;
  readonly seconds: number;
}

function wantedTrace(args: readonly string[]): Wanted {
  const values = readOptions(args, OPTIONS);
  if (values.write === undefined) throw new UsageError(USAGE);
  const client = values.client === undefined ? undefined : parseAddress(values.client)?.text;
  if (values.client !== undefined && client === undefined) throw new UsageError(`no IP address: ${values.client}; ${USAGE}`);
  return {
    runDir: values['run-dir'] ?? DEFAULT_RUN_DIR,
    file: values.write,
    verdicts: values.verdict?.split(',') ?? [],
    client,
    count: positive(values.count, DEFAULT_COUNT),
    seconds: positive(values.seconds, DEFAULT_SECONDS),
  };
}

function positive(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value === 0) throw new UsageError(`expected a whole number above 0, found ${text}; ${USAGE}`);
  return value;
}

async function writeTrace(wanted: Wanted, asking: typeof ask): Promise<{ written: number; lost: number }> {
  const file = openSync(wanted.file, 'w', 0o600);
  const pcapng = new Pcapng();
  let written = 0;
  let lost = 0;
  try {
    writeSync(file, pcapng.start());
    for (const end = performance.now() + wanted.seconds * 1000; written < wanted.count && performance.now() < end; ) {
      await pause(LOOK_MS);
      const piece = await asking(wanted.runDir, { what: 'trace', verdicts: wanted.verdicts });
      const packets = piece.packets.filter((packet) => concerns(packet, wanted.client)).slice(0, wanted.count - written);
      for (const packet of packets) writeSync(file, pcapng.packet(captured(packet)));
      written += packets.length;
      lost += piece.lost;
    }
  } finally {
    closeSync(file);
  }
  return { written, lost };
}

function concerns({ frame }: TracedPacket, client: string | undefined): boolean {
  return client === undefined || addressesOf(Buffer.from(frame, 'hex')).includes(client);
}

function captured({ atUs, interface: name, leaving, verdict, length, frame }: TracedPacket) {
  return { atUs, interface: name, frame, length, comment: verdict, direction: leaving ? 'out' : 'in' } as const;
}
