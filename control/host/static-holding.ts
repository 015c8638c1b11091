// static_ipaddress, static_routes and static_rules: there for as long as natlb runs, and put back when somebody removes them.

import type { Statics } from '../config/kernel.js';
import { Holding, type Wanted } from '../vrrp/holding.js';
import type { VrrpHost } from '../vrrp/host.js';

export interface StaticHoldingOptions {
  readonly statics: Statics | undefined;
  readonly host: VrrpHost;
  readonly log: (text: string) => void;
}

export class StaticHolding {
  private readonly options: StaticHoldingOptions;
  private readonly holding: Holding;
  private readonly stopListening: readonly (() => void)[];
  private work: Promise<void>;

  constructor(options: StaticHoldingOptions) {
    const { host, log, statics } = options;
    this.options = options;
    this.holding = new Holding({ host, log });
    this.work = this.holding.claim(wantedBy(statics));
    const look = () => this.look();
    this.stopListening = [host.onLinkChange(look), host.kernel?.onRouteChange(look) ?? (() => {})];
  }

  reload(statics: Statics | undefined): void {
    this.later(() => this.holding.claim(wantedBy(statics)));
  }

  async close({ release }: { readonly release: boolean }): Promise<void> {
    for (const stop of this.stopListening) stop();
    if (release) this.later(() => this.holding.release());
    await this.work;
  }

  private look(): void {
    this.later(async () => {
      for (const what of this.holding.lost()) this.options.log(`Restoring deleted static ${what}`);
      await this.holding.addMissing();
    });
  }

  private later(task: () => Promise<void>): void {
    this.work = this.work.then(task).catch((error: Error) => this.options.log(error.message));
  }
}

function wantedBy(statics: Statics | undefined): Wanted {
  const addresses = statics?.addresses.map(({ family: _, place: __, trackGroup: ___, ...address }) => address) ?? [];
  return { addresses, routes: statics?.routes ?? [], rules: statics?.rules ?? [] };
}
