// natlb's engine as the oracle's opposite: a MemoryRouter in the same network.

import { MemoryRouter } from '../../dataplane/addon.js';
import type { FlowEntry, Service } from '../../dataplane/protocol.js';
import type { Balancer, FlowLine, Sent } from './balancer.js';
import { surroundings } from './world.js';

/** What time goes by in, in a MemoryRouter. */
const TICK_MS = 125;
const LONGER_THAN_ANY_FLOW_MS = 3_600_000;

export class Natlb implements Balancer {
  #generation = 0;
  #sent = 0;
  #time = performance.now();

  readonly #router = new MemoryRouter({ ...surroundings([]), maxFlows: 4096, takesOffload: false });

  /** A sequence with these addresses begins; the flows of the last one are gone. */
  begin(virtualAddresses: readonly string[]): void {
    this.configure([]);
    this.#router.advance(LONGER_THAN_ANY_FLOW_MS);
    this.#router.route(surroundings(virtualAddresses));
  }

  configure(services: readonly Service[]): void {
    const unlimited = { service: 0, source: 0 };
    this.#router.configure({ generation: ++this.#generation, services, timeouts: {}, takeoverMs: 0, halfOpen: unlimited });
  }

  send(device: number, frame: Buffer): { readonly out: readonly Sent[]; readonly verdict: string } {
    this.#keepTime();
    const { verdicts, out } = this.#router.send(device, [frame]);
    return { out, verdict: verdicts[0] ?? '' };
  }

  /** As in the guest, where time is real; and a little for every packet, as the budget for ICMP errors comes with time. */
  #keepTime(): void {
    const steps = Math.floor((performance.now() - this.#time) / TICK_MS);
    this.#time += steps * TICK_MS;
    if (steps > 0) this.#router.advance(steps * TICK_MS);
    if (++this.#sent % 100 === 0) this.#router.advance(TICK_MS);
  }

  /** Services are named as /proc/net/ip_vs has them (features.ts). */
  loads(): readonly string[] {
    return this.#router
      .stats()
      .services.flatMap((service) =>
        service.destinations.map(
          ({ address, port, weight, active, inactive }) =>
            `${service.name} ${address}:${port} weight ${weight} active ${active} inactive ${inactive}`,
        ),
      )
      .sort();
  }

  flows(): readonly FlowLine[] {
    return this.#router.flows().map((flow) => ({ text: line(flow), expiresInS: flow.expiresInMs / 1000 }));
  }

  totals(): readonly number[] {
    const { connections, packetsIn, packetsOut, bytesIn, bytesOut } = this.#router.stats().total;
    return [connections, packetsIn, packetsOut, bytesIn, bytesOut];
  }
}

function line({ name, protocol, template, state, client, service, destination }: FlowEntry): string {
  const ends = [client, service, destination].map(({ address, port }) => `${address}:${port}`);
  return template ? `template ${name} ${ends[0]} ${ends[2]}` : `${protocol} ${ends.join(' ')} ${state}`;
}
