// What is wrong with virtual servers although every line of them is right.

import { familyOf } from './address.js';
import { at, error, modified, repeated, warning } from './finding.js';
import { isOnePort } from './listeners.js';
import type { Finding, Place, RealServer, VirtualServer } from './model.js';
import { checkListeners } from './overlap.js';
import { checkRoom } from './room.js';

export function checkServices(services: readonly VirtualServer[]): Finding[] {
  return [
    ...services.flatMap((service) => SERVICE_CHECKS.flatMap((rule) => rule(service))),
    ...sameServiceTwice(services),
    ...checkListeners(services),
    ...checkRoom(services),
  ];
}

const SERVICE_CHECKS: readonly ((service: VirtualServer) => readonly Finding[])[] = [
  emptyPool,
  serversOfOtherFamily,
  sameServerTwice,
  quorumOutOfReach,
  thresholds,
  onePacketOfTcp,
  helperWithoutPort,
];

function emptyPool({ realServers, places }: VirtualServer): Finding[] {
  return realServers.length > 0 ? [] : [error(at(places), 'this virtual server has no real_server')];
}

function serversOfOtherFamily({ family, realServers, sorryServer, places }: VirtualServer): Finding[] {
  const misfit = (place: Place, address: string): Finding[] => {
    if (familyOf(address) === family) return [];
    return [error(place, `${address} is not IPv${family} like its virtual server`, 'NAT cannot go from one family to the other')];
  };
  const sorry = sorryServer === undefined ? [] : misfit(at(places, 'sorry_server'), sorryServer.address);
  return [...realServers.flatMap((server) => misfit(at(server.places), server.address)), ...sorry];
}

function sameServerTwice({ realServers }: VirtualServer): Finding[] {
  const key = ({ address, port }: RealServer): string => `${address} ${port}`;
  return repeated(
    realServers,
    key,
    (server) => at(server.places),
    ({ address, port }) => `real_server ${address} ${port} stands twice in this virtual server`,
  );
}

function quorumOutOfReach({ quorum, hysteresis, realServers, places }: VirtualServer): Finding[] {
  const total = realServers.reduce((sum, { weight }) => sum + weight, 0);
  if (realServers.length > 0 && total === 0) return [modified(at(places), 'every real_server has weight 0: nothing is forwarded')];
  if (total > 0 && quorum > total)
    return [modified(at(places, 'quorum'), `quorum ${quorum} is more than all weights together, and counts as ${total}`)];
  if (hysteresis >= quorum && hysteresis > 0)
    return [modified(at(places, 'hysteresis'), `hysteresis ${hysteresis} is not below quorum ${quorum}: the quorum is never lost`)];
  return [];
}

/** IPVS: a server that reached its upper threshold is passed over until it is below the lower one. */
function thresholds({ realServers }: VirtualServer): Finding[] {
  return realServers.flatMap(({ upperThreshold = 0, lowerThreshold = 0, places }) => {
    const place = at(places, 'lthreshold');
    if (lowerThreshold > 0 && upperThreshold === 0) return [warning(place, 'lthreshold does nothing without uthreshold')];
    if (lowerThreshold > upperThreshold) return [error(place, `lthreshold ${lowerThreshold} is above uthreshold ${upperThreshold}`)];
    return [];
  });
}

/** A packet on its own is no part of a connection. */
function onePacketOfTcp({ onePacket, listeners, places }: VirtualServer): Finding[] {
  const other = listeners.find(({ protocol }) => protocol !== 'udp');
  if (!onePacket || other === undefined) return [];
  return [
    error(at(places, 'ops'), `one packet scheduling (ops) is for UDP, and this virtual server is for ${other.protocol.toUpperCase()}`),
  ];
}

/** The data plane takes the flows of single ports for control connections; those of ranges may be data. */
function helperWithoutPort({ helper, listeners, places }: VirtualServer): Finding[] {
  const ofTcp = listeners.filter(({ protocol }) => protocol === 'tcp');
  if (helper === undefined || ofTcp.some(isOnePort)) return [];
  if (ofTcp.length === 0) return [error(at(places, 'helper'), 'helper ftp is for TCP', "write 'protocol TCP' or leave it out")];
  return [error(at(places, 'helper'), 'helper ftp needs a single port for control connections', 'give FTP a virtual server of its own')];
}

function sameServiceTwice(services: readonly VirtualServer[]): Finding[] {
  return repeated(
    services,
    ({ name }) => name,
    ({ places }) => at(places),
    ({ name }) => `there are two virtual servers ${name}`,
  );
}
