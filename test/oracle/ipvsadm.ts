// Services as lines that `ipvsadm -R` reads, and firewall marks as lines for `tc`.

import { isIPv6 } from 'node:net';
import type { Destination, Service } from '../../dataplane/protocol.js';

/** From one configuration to the next, a service that stays keeping its flows. */
export function changes(before: readonly Service[], after: readonly Service[]): string[] {
  const removed = before.filter((service) => !after.some((other) => name(other) === name(service)));
  const added = after.filter((service) => !before.some((other) => name(other) === name(service)));
  const kept = after.flatMap((service) => {
    const old = before.find((other) => name(other) === name(service));
    return old === undefined
      ? []
      : [...changedOptions(old, service), ...destinationChanges(service, old.destinations, service.destinations)];
  });
  return [
    ...removed.map((service) => `-D ${name(service)}`),
    ...added.flatMap((service) => [`-A ${name(service)} ${options(service)}`, ...destinationChanges(service, [], service.destinations)]),
    ...kept,
  ];
}

function changedOptions(old: Service, service: Service): string[] {
  return options(old) === options(service) ? [] : [`-E ${name(service)} ${options(service)}`];
}

function destinationChanges(service: Service, before: readonly Destination[], after: readonly Destination[]): string[] {
  const find = (all: readonly Destination[], one: Destination) => all.find((other) => endpoint(other) === endpoint(one));
  return [
    ...before.filter((one) => find(after, one) === undefined).map((one) => `-d ${name(service)} -r ${endpoint(one)}`),
    // IPVS puts a new one before all others, and its schedulers begin there: last in, first served.
    ...[...after].reverse().flatMap((one) => {
      const old = find(before, one);
      if (old !== undefined && limits(old) === limits(one)) return [];
      return [`${old === undefined ? '-a' : '-e'} ${name(service)} -r ${endpoint(one)} -m ${limits(one)}`];
    }),
  ];
}

function name({ identity, listeners }: Service): string {
  if (identity.kind === 'fwmark') return `-f ${identity.mark}${identity.family === 6 ? ' -6' : ''}`;
  const listener = listeners[0];
  if (listener === undefined || identity.kind === 'group') throw new Error('IPVS has no such service');
  const letter = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[listener.protocol];
  return `${letter} ${endpoint({ address: identity.address, port: identity.port })}`;
}

function options({ scheduler, schedulerFlags, onePacket, persistence, listeners }: Service): string {
  const words = ['-s', scheduler];
  if (schedulerFlags.length > 0) words.push('-b', schedulerFlags.join(','));
  if (onePacket) words.push('-o');
  if (persistence !== undefined) {
    words.push(
      '-p',
      String(persistence.timeoutMs / 1000),
      '-M',
      isV6({ listeners }) ? String(persistence.prefixLength) : netmask(persistence.prefixLength),
    );
  }
  return words.join(' ');
}

function isV6({ listeners }: Pick<Service, 'listeners'>): boolean {
  return isIPv6(listeners[0]?.address ?? '');
}

function netmask(prefixLength: number): string {
  const bits = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.');
}

function limits({ weight, upperThreshold = 0, lowerThreshold = 0 }: Destination): string {
  return `-w ${weight} -x ${upperThreshold} -y ${lowerThreshold}`;
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What gives the packets of fwmark services their marks, as lines for `tc -batch`; the guest's kernel has no nftables. */
export function markRules(services: readonly Service[]): string[] {
  return services.flatMap(({ identity, listeners }) =>
    identity.kind !== 'fwmark'
      ? []
      : listeners.map(({ address, protocol, firstPort, lastPort }) => {
          const family = identity.family === 6 ? 'ipv6' : 'ip';
          const ports = firstPort === lastPort ? `${firstPort}` : `${firstPort}-${lastPort}`;
          const match = `protocol ${family} flower ip_proto ${protocol} dst_ip ${address} dst_port ${ports}`;
          return `filter add dev eth0 ingress ${match} action skbedit mark ${identity.mark}`;
        }),
  );
}
