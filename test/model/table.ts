// What the model remembers: flows, templates of persistence, destinations as long as anything refers to them, in one table of limited size.

import type { Destination, Service } from '../../dataplane/protocol.js';
import { type Flow, type Home, isHalfOpen, type Template } from './flow.js';
import { type Endpoint, idOf, type Packet, same } from './packet.js';
import { STATES } from './states.js';

export class Table {
  flows: Flow[] = [];
  templates: Template[] = [];
  private homes: Home[] = [];

  /** `capacity`: flows and templates that there is room for. */
  constructor(private readonly capacity: number) {}

  get free(): number {
    return this.capacity - this.flows.length - this.templates.length;
  }

  /** Places that could be had for new flows: half-open ones give way. */
  get yieldable(): number {
    return this.free + this.flows.filter(isHalfOpen).length;
  }

  rivalOf({ protocol, from }: Packet, server: Endpoint): Flow | undefined {
    return this.flows.find((flow) => flow.protocol === protocol && same(flow.client, from) && same(flow.server, server));
  }

  add(flow: Flow): void {
    this.flows.push(flow);
    this.judge(flow.home);
  }

  end(flow: Flow): void {
    this.flows = this.flows.filter((one) => one !== flow);
    this.judge(flow.home);
  }

  // ---- destinations

  configure(services: readonly Service[]): void {
    for (const home of this.homes) home.configured = false;
    for (const service of services) for (const destination of service.destinations) this.settle(service, destination);
  }

  private settle(service: Service, destination: Destination): void {
    const known = this.homeOf(service.name, idOf(destination));
    if (known === undefined) {
      this.homes.push({ service: service.name, id: idOf(destination), destination, configured: true, overloaded: false });
      return;
    }
    // As IPVS: a threshold that is taken away or raised lets new flows in at once; one that is lowered counts from the next flow on.
    const [before, after] = [known.destination.upperThreshold ?? 0, destination.upperThreshold ?? 0];
    if (after === 0 || after > before) known.overloaded = false;
    known.destination = destination;
    known.configured = true;
  }

  homeOf(service: string, id: string): Home | undefined {
    return this.homes.find((home) => home.service === service && home.id === id);
  }

  loadOf(home: Home): { active: number; inactive: number } {
    const own = this.flows.filter((flow) => flow.home === home);
    const active = own.filter(({ state }) => STATES[state]!.active).length;
    return { active, inactive: own.length - active };
  }

  /** Full from the upper threshold on, until there are fewer flows than the lower one, or than three quarters of the upper. */
  private judge(home: Home): void {
    const { upperThreshold = 0, lowerThreshold = 0 } = home.destination;
    const { active, inactive } = this.loadOf(home);
    const total = active + inactive;
    if (upperThreshold > 0 && total >= upperThreshold) home.overloaded = true;
    else if (upperThreshold === 0 || total < (lowerThreshold > 0 ? lowerThreshold : (upperThreshold * 3) / 4)) home.overloaded = false;
  }

  // ---- persistence

  knownTemplate({ from }: Packet, { name, persistence }: Service): Template | undefined {
    if (persistence === undefined) return undefined;
    const network = networkOf(from.address, persistence.prefixLength);
    return this.templates.find((one) => one.service === name && one.network === network);
  }

  /** The client stays with this destination from now on. */
  keep(packet: Packet, service: Service, home: Home, now: number): Template {
    const { timeoutMs, prefixLength } = service.persistence!;
    const known = this.knownTemplate(packet, service);
    const template = known ?? { service: service.name, network: networkOf(packet.from.address, prefixLength), home, expiresAt: 0 };
    if (known === undefined) this.templates.push(template);
    template.home = home;
    template.expiresAt = now + timeoutMs;
    return template;
  }

  /** It outlives its flows, and is looked at again after a minute while it has any. */
  expireTemplate(template: Template): void {
    if (this.flows.some((flow) => flow.template === template)) template.expiresAt += 60_000;
    else this.templates = this.templates.filter((one) => one !== template);
  }
}

/** Of IPv4. */
function networkOf(address: string, prefixLength: number): string {
  const bits = address
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return bits.slice(0, prefixLength);
}
