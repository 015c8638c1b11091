// What would become of a packet, told to an operator: from the service over its servers to what leaves, and why not if nothing does.

import type { Candidate, Endpoint, Explanation, FlowEntry, PacketQuestion } from '../../dataplane/protocol.js';
import type { RealServerStatus, Status, VirtualServerStatus } from '../status.js';
import { endpointKey } from './address-words.js';
import { frameText } from './frame-text.js';

type Known = Pick<Status, 'virtualServers'>;

export function explanationText(packet: PacketQuestion, explanation: Explanation, status: Known): string {
  const server = status.virtualServers.find(({ name }) => name === explanation.service);
  const lines = [
    ['service', serviceText(packet, explanation, status)],
    ['flow', flowText(explanation)],
    ...(server?.persistence === undefined ? [] : [['template', templateText(explanation, server.persistence.prefixLength)]]),
    ...serverLines(explanation, server).map((line, at) => [at === 0 ? 'servers' : '', line]),
    ['packet in', frameLine(explanation.in)],
    ['packet out', outText(explanation)],
    ['verdict', verdictText(explanation)],
  ];
  const title = `${packet.protocol.toUpperCase()} ${endpoint(packet.client)} to ${endpoint(packet.service)}\n`;
  return title + lines.map(([name = '', text]) => `  ${name.padEnd(11)} ${text}\n`).join('');
}

function serviceText(packet: PacketQuestion, { service, isLocal }: Explanation, status: Known): string {
  const held = isLocal ? '' : `; this router does not hold ${packet.service.address}`;
  if (service !== undefined) return `${service}${held}`;
  return `none for ${packet.protocol.toUpperCase()} ${endpoint(packet.service)}${neighbours(packet, status)}${held}`;
}

/** The mistake that is made most: another protocol, or another port. */
function neighbours({ service, protocol }: PacketQuestion, { virtualServers }: Known): string {
  const near = virtualServers.flatMap(({ listeners }) => listeners).filter(({ address }) => address === service.address);
  const others = near.filter((one) => one.protocol !== protocol && one.firstPort <= service.port && service.port <= one.lastPort);
  if (others.length > 0) return `; that port is served for ${[...new Set(others.map((one) => one.protocol.toUpperCase()))].join(' and ')}`;
  const ports = near.filter((one) => one.protocol === protocol).map(portsText);
  if (ports.length > 0) return `; ${protocol.toUpperCase()} is served there on port ${ports.join(', ')}`;
  return near.length > 0 ? '' : '; nothing is served on that address';
}

function portsText({ firstPort, lastPort }: VirtualServerStatus['listeners'][number]): string {
  return firstPort === lastPort ? String(firstPort) : `${firstPort} to ${lastPort}`;
}

function flowText({ flow }: Explanation): string {
  if (flow === undefined) return 'none: this would be its first packet';
  return `${flow.state} with ${endpoint(flow.destination)}, ends after ${secondsOf(flow)} s of silence`;
}

function templateText({ kept }: Explanation, prefixLength: number): string {
  if (kept === undefined) return 'none: the scheduler decides';
  return `keeps ${kept.client.address}/${prefixLength} with ${endpoint(kept.destination)} for ${secondsOf(kept)} s`;
}

function secondsOf({ expiresInMs }: FlowEntry): number {
  return Math.floor(expiresInMs / 1000);
}

function serverLines({ candidates, chosen }: Explanation, server: VirtualServerStatus | undefined): readonly string[] {
  if (server === undefined) return [];
  const inUse = new Set(candidates.map(endpointKey));
  const away = server.realServers.filter((real) => !inUse.has(endpointKey(real)));
  const lines = [...candidates.map((one) => candidateText(one, chosen)), ...away.map(awayText)];
  return lines.length === 0 ? ['none'] : [`scheduled by ${server.scheduler}:`, ...lines];
}

function candidateText(candidate: Candidate, chosen: Endpoint | undefined): string {
  const { weight, active, inactive, overloaded } = candidate;
  const isChosen = chosen?.address === candidate.address && (candidate.port === 0 || chosen.port === candidate.port);
  const notes = [
    ...(isChosen ? ['CHOSEN'] : []),
    ...(weight === 0 ? ['no new flows: weight 0'] : []),
    ...(overloaded ? ['no new flows: at its upper threshold'] : []),
  ];
  return [`  ${endpoint(candidate)}`, `weight ${weight}`, `${active} active ${inactive} inactive`, ...notes].join('  ');
}

function awayText(real: RealServerStatus): string {
  const why = real.up ? 'not in use' : `DOWN${real.lastFailure === undefined ? '' : `: ${real.lastFailure}`}`;
  return `  ${endpoint(real)}  ${why}`;
}

function outText({ out }: Explanation): string {
  if (out === undefined) return 'none';
  const { nextHop, mac = 'whose link-layer address is not known yet' } = out;
  return `${frameLine(out)}, by ${nextHop} ${mac}`;
}

function frameLine({ interface: name, frame }: Explanation['in']): string {
  return `${name === '' ? 'no interface' : name}: ${frameText(frame)}`;
}

const MORE: Readonly<Record<string, string>> = {
  no_service: 'natlb leaves such packets to the kernel',
  service_inactive: 'it is for the router that holds the address',
  no_neighbour: 'it would wait up to a second for the answer',
};

function verdictText({ verdict, fate, help }: Explanation): string {
  const more = MORE[verdict];
  return `${fate} (${verdict}): ${help}${more === undefined ? '' : `; ${more}`}`;
}

function endpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
