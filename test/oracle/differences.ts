// Where natlb is meant to differ from IPVS, and why. A row that no packet of a full run needs is reported: it would only hide something.

import type { Sent } from './balancer.js';
import { joined } from './fragments.js';
import { type Fields, fields, SYN, UDP } from './frame.js';
import { isServer } from './world.js';

/** One packet and what came of it. */
export interface Case {
  readonly device: number;
  readonly frame: Buffer;
  readonly packet: Fields;
  readonly theirs: readonly Sent[];
  readonly ours: readonly Sent[];
  /** natlb's. */
  readonly verdict: string;
  /** Servers that had a service, and have none now. */
  readonly removed: ReadonlySet<string>;
  /** It came in fragments. */
  readonly cuts: boolean;
  /** A RST with a sequence number that neither side would use. */
  readonly blind: boolean;
  /** It has the SYN flag, and no flow that is not over. */
  readonly opens: boolean;
  /** A SYN from the ports of an earlier connection with a persistent service. */
  readonly persistentAgain: boolean;
  /** Some service schedules every packet for itself. */
  readonly onePacket: boolean;
}

export interface Difference {
  readonly name: string;
  readonly reason: string;
  readonly matches: (one: Case) => boolean;
  /** The two no longer hold the same flows, so that nothing behind it can be compared. */
  readonly parts?: true;
  /** It need not show in what comes out. */
  readonly unseen?: true;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'source port 20',
    reason: 'IPVS never schedules it, for the sake of its FTP helper; ours needs no such exception',
    matches: ({ device, packet }) => device === 0 && packet.source.port === 20,
    parts: true,
  },
  {
    name: 'flows of a server that was removed',
    reason: 'IPVS drops what clients send and lets both sides wait; ours go on or are reset (TCP), or move to another server (UDP)',
    matches: ({ device, packet, theirs, ours, removed }) =>
      device === 0
        ? theirs.length === 0 && ours.length > 0 && removed.size > 0
        : removed.has(packet.source.address) && packet.protocol === UDP && ours.length === 0,
    parts: true,
  },
  {
    name: 'RST outside the window',
    reason: 'IPVS ends a flow for any RST; ours goes on when its receiver could not believe it either (RFC 5961 3.2)',
    matches: ({ blind }) => blind,
    parts: true,
    unseen: true,
  },
  {
    name: 'a persistent client that comes again from the same port',
    reason: 'IPVS goes on with its finished flow, as a template has it; ours begins another, which counts as a connection',
    matches: ({ persistentAgain, theirs, ours }) => persistentAgain && same(theirs, ours),
    unseen: true,
  },
  {
    name: 'answers of one-packet services',
    reason: 'IPVS keeps no flow that would tell where the answer belongs, and routes it with its private address',
    matches: ({ device, packet, ours, onePacket }) => device === 1 && packet.protocol === UDP && onePacket && ours.length === 1,
  },
  {
    name: 'only a SYN alone begins a connection',
    reason: 'IPVS schedules SYN with ACK or FIN too, and gives up a finished flow for any SYN; it may come upon the same server again',
    matches: ({ device, packet, opens }) => device === 0 && opens && packet.flags !== SYN,
    parts: true,
    unseen: true,
  },
  {
    name: 'a reply that dies of its TTL',
    reason:
      'it is of its flow and counted; the kernel drops it before IPVS sees it (and what dies on the way to a server counts with both)',
    matches: ({ device, frame, packet }) => device === 1 && packet.icmp === undefined && (frame[packet.v4 ? 22 : 21] ?? 0) <= 1,
    parts: true,
    unseen: true,
  },
  {
    name: 'fragments stay fragments',
    reason: 'IPVS puts them together, and cuts only what is too large; ours follow the first one and go on as they came',
    matches: ({ cuts, theirs, ours }) => cuts && same(joined(theirs), joined(ours)),
  },
  {
    name: 'UDP without a checksum stays without',
    reason: 'IPVS fills one in for IPv4; zero says that there is none, and the sender meant it so (RFC 768)',
    matches: ({ frame, packet, theirs, ours }) =>
      packet.protocol === UDP && frame.readUInt16BE(packet.l4 + 6) === 0 && equalBut(theirs, ours, (one) => eraseUdpChecksum(one)),
  },
  {
    name: 'parameter problem is translated',
    reason: 'IPVS knows three types of ICMP errors and routes the others, private addresses and all',
    matches: ({ packet }) => packet.icmp?.type === (packet.v4 ? 12 : 4),
  },
  {
    name: 'checksum of a quoted packet',
    reason: 'IPVS translates the addresses and ports in an ICMP error, but leaves the checksum of the TCP or UDP header in it as it was',
    matches: ({ packet, theirs, ours }) => packet.icmp !== undefined && ours.length > 0 && equalBut(theirs, ours, eraseQuotedChecksum),
  },
  {
    name: 'ICMP errors are no traffic of a flow',
    reason: 'IPVS counts those that it translates; ours neither refresh a flow nor count (RFC 5508 REQ-6)',
    matches: ({ packet, verdict, theirs, ours }) => packet.icmp !== undefined && verdict === 'icmp_forwarded' && same(theirs, ours),
    unseen: true,
  },
  {
    name: 'nothing untranslated leaves',
    reason: 'IPVS routes packets of servers that belong to no flow like any others: the client would see a private address',
    matches: ({ device, theirs, ours }) =>
      device === 1 && ours.length === 0 && theirs.every((sent) => isServer(fields(sent.frame).source.address)),
  },
  {
    name: 'left to the host',
    reason: 'the steering program leaves to the kernel what is for no service; a MemoryRouter has no kernel beside it',
    matches: ({ device, ours, verdict }) => device === 0 && ours.length === 0 && ['no_service', 'icmp_unsupported'].includes(verdict),
  },
  {
    name: 'ICMP errors of the router itself',
    reason:
      'theirs have numbers, type of service 0xc0 and the virtual address; ours id 0, DF and an address of the interface they leave by',
    matches: ({ theirs, ours }) => ours.some((sent) => fields(sent.frame).icmp !== undefined) && equalBut(theirs, ours, eraseIcmpHeader),
  },
];

/** Are both the same once `erase` has been over them? */
function equalBut(theirs: readonly Sent[], ours: readonly Sent[], erase: (frame: Buffer) => Buffer): boolean {
  return same(
    theirs.map((sent) => ({ ...sent, frame: erase(Buffer.from(sent.frame)) })),
    ours.map((sent) => ({ ...sent, frame: erase(Buffer.from(sent.frame)) })),
  );
}

export function same(theirs: readonly Sent[], ours: readonly Sent[]): boolean {
  const text = (all: readonly Sent[]) =>
    all
      .map(({ device, frame }) => `${device} ${frame.toString('hex')}`)
      .sort()
      .join('\n');
  return text(theirs) === text(ours);
}

function eraseUdpChecksum(frame: Buffer): Buffer {
  const { protocol, l4 } = fields(frame);
  if (protocol === UDP) frame.writeUInt16BE(0, l4 + 6);
  return frame;
}

/** That of the quoted TCP or UDP header, and that of the ICMP message, which covers it. */
function eraseQuotedChecksum(frame: Buffer): Buffer {
  const { v4, icmp, l4 } = fields(frame);
  if (icmp === undefined) return frame;
  const quoted = l4 + 8;
  const protocol = frame[quoted + (v4 ? 9 : 6)];
  const at = quoted + (v4 ? ((frame[quoted] ?? 0) & 15) * 4 : 40) + (protocol === UDP ? 6 : 16);
  frame.fill(0, l4 + 2, l4 + 4);
  frame.fill(0, Math.min(at, frame.length), Math.min(at + 2, frame.length));
  return frame;
}

/** Type of service, identification, flags, source and checksums; TTL and checksum of the header that is quoted. */
function eraseIcmpHeader(frame: Buffer): Buffer {
  const { v4, icmp, l4 } = fields(frame);
  if (icmp === undefined) return frame;
  const quoted = l4 + 8;
  const own: readonly Span[] = v4
    ? [
        [15, 16],
        [18, 22],
        [24, 30],
      ]
    : [[22, 38]];
  const inner: readonly Span[] = v4
    ? [
        [quoted + 8, quoted + 9],
        [quoted + 10, quoted + 12],
      ]
    : [[quoted + 7, quoted + 8]];
  for (const [from, to] of [...own, [l4 + 2, l4 + 4] as const, ...inner])
    frame.fill(0, Math.min(from, frame.length), Math.min(to, frame.length));
  return frame;
}

type Span = readonly [from: number, to: number];
