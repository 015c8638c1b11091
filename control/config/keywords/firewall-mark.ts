// `firewall_mark MARK { ADDRESS PROTOCOL PORTS… }`: which traffic a mark stands for. Nothing but natlb looks at it, so no rule has to set it.

import type { Listener } from '../../../dataplane/protocol.js';
import { parseRange } from '../address-range.js';
import type { MarkDraft } from '../draft.js';
import type { Arguments } from '../keyword.js';
import { ALL_PORTS, listenersOn, PROTOCOLS, parsePorts } from '../listeners.js';

const EXAMPLE = 'write ADDRESS PROTOCOL PORTS, like 203.0.113.10 tcp 80,443';

export function firewallMark(arg: Arguments): MarkDraft {
  const mark = markNumber(arg);
  const { place } = arg;
  return { mark, place, listeners: arg.lines(traffic).flat() };
}

/** IPVS takes 0 for no mark. */
export function markNumber(arg: Arguments): number {
  const text = arg.word('a mark');
  return /^0x[\da-f]{1,8}$/i.test(text) && Number(text) > 0 ? Number(text) : arg.toInteger(text, 1, 2 ** 32 - 1);
}

function traffic(line: Arguments): Listener[] {
  const addresses = parseRange(line.word('an address'));
  if (!('length' in addresses)) return line.refuse(addresses.problem, EXAMPLE);
  const protocol = PROTOCOLS.get(line.word('tcp, udp or sctp').toUpperCase());
  if (protocol === undefined) return line.refuse(`expected tcp, udp or sctp, found '${line.written().slice(0, 60)}'`, EXAMPLE);
  const ports = line.more() ? parsePorts(line.word('ports')) : [ALL_PORTS];
  if (ports === undefined) return line.refuse(`expected ports, found '${line.written().slice(0, 60)}'`, EXAMPLE);
  return listenersOn(addresses, [protocol], ports);
}
