// The services as they are configured: which of them a packet is for, and what they say of flows.

import type { Destination, Listener, Service, Snapshot } from '../../dataplane/protocol.js';
import { type Outcome, type Packet, same } from './packet.js';
import { STATES } from './states.js';

export class Services {
  readonly all: readonly Service[];
  private readonly timeouts: Snapshot['timeouts'];

  constructor(all: readonly Service[], timeouts: Snapshot['timeouts']) {
    this.all = all;
    this.timeouts = timeouts;
  }

  idleMs(service: string, state: string): number {
    const own = this.named(service)?.timeouts[state];
    return own ?? this.timeouts[state] ?? STATES[state]!.seconds * 1000;
  }

  /** Whether ends of its flows are told to both sides. */
  resets(service: string): boolean {
    return this.named(service)?.resets ?? true;
  }

  /** Firewall marks, then single ports, then ranges in the order of the configuration. */
  at({ protocol, to }: Packet): Service | undefined {
    const listening = this.all.flatMap((service) =>
      service.listeners
        .filter((one) => one.protocol === protocol && one.address === to.address && one.firstPort <= to.port && to.port <= one.lastPort)
        .map((listener) => ({ service, single: listener.firstPort === listener.lastPort })),
    );
    const marked = listening.find(({ service }) => service.identity.kind === 'fwmark');
    return (marked ?? listening.find(({ single }) => single) ?? listening[0])?.service;
  }

  /** It comes from where a server answers. */
  isServer({ protocol, from }: Packet): boolean {
    return this.all.some(
      ({ listeners, destinations }) =>
        listeners.some((listener) => listener.protocol === protocol) &&
        destinations.some((one) => one.address === from.address && (one.port === from.port || answersFrom(listeners, one, from.port))),
    );
  }

  /** Nothing is remembered of packets that are scheduled each for itself, so whatever their server says from its port is an answer. */
  answerOfOnePacket(packet: Packet): Outcome | undefined {
    const service = this.all.find(({ onePacket, destinations }) => onePacket && destinations.some((one) => same(one, packet.from)));
    if (service === undefined || packet.protocol !== 'udp') return undefined;
    const [{ address, firstPort }] = service.listeners as readonly [Listener];
    return { verdict: 'returned', sent: { ...packet, from: { address, port: firstPort } } };
  }

  private named(service: string): Service | undefined {
    return this.all.find(({ name }) => name === service);
  }
}

/** A destination without a port of its own answers from those it is asked at. */
function answersFrom(listeners: Service['listeners'], destination: Destination, port: number): boolean {
  return destination.port === 0 && listeners.some(({ firstPort, lastPort }) => firstPort <= port && port <= lastPort);
}
