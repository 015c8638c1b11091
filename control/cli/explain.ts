// `natlb explain`: what would become of a packet now, and why.

import type { PacketQuestion, Protocol } from '../../dataplane/protocol.js';
import { familyOf, parseEndpoint } from '../config/address.js';
import { type Io, RUN_DIR_OPTION, readWords, reportErrors, UsageError } from './args.js';
import { ask, DEFAULT_RUN_DIR } from './client.js';
import { explanationText } from './explain-text.js';

const OPTIONS = { ...RUN_DIR_OPTION, json: { type: 'boolean' } } as const;
const USAGE = 'expected explain tcp|udp|sctp CLIENT:PORT SERVICE:PORT [--json] [--run-dir DIR], an IPv6 address in brackets';
const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

export function explain(args: readonly string[], io: Io, asking: typeof ask = ask): Promise<number> {
  return reportErrors('explain', io, async () => {
    const { values, words } = readWords(args, OPTIONS);
    const packet = question(words);
    const runDir = values['run-dir'] ?? DEFAULT_RUN_DIR;
    const explanation = await asking(runDir, { what: 'explain', packet });
    if (values.json) return io.out(`${JSON.stringify(explanation, undefined, 2)}\n`);
    io.out(explanationText(packet, explanation, await asking(runDir, { what: 'status' })));
  });
}

function question([name, client = '', service = '', ...more]: readonly string[]): PacketQuestion {
  const protocol = PROTOCOLS.find((one) => one === name?.toLowerCase());
  if (protocol === undefined || more.length > 0) throw new UsageError(USAGE);
  const packet = { protocol, client: endpoint(client), service: endpoint(service) };
  if (familyOf(packet.client.address) !== familyOf(packet.service.address)) {
    throw new UsageError(`${client} and ${service} are not of one family; ${USAGE}`);
  }
  return packet;
}

function endpoint(text: string): PacketQuestion['client'] {
  const parsed = parseEndpoint(text);
  if (parsed === undefined)
    throw new UsageError(`${text === '' ? 'an address and port is missing' : `no address and port: ${text}`}; ${USAGE}`);
  return { address: parsed.address.text, port: parsed.port };
}
