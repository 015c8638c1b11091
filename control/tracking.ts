// Tracking as the router has it: the tracker, the BFD sessions it may ask, and the host whose links go up and down with delay.

import { readFile } from 'node:fs/promises';
import type { Stats } from '../dataplane/protocol.js';
import { type Bfd, startBfd } from './bfd/driver.js';
import type { DataplaneFact } from './config/tracking.js';
import type { Signals } from './health/signals.js';
import type { TrackerStatus } from './status.js';
import type { InterfaceLook, Look } from './track/dataplane-facts.js';
import { delayedHost, type LinkDelays } from './track/delayed-host.js';
import { startTracker, type Told, type TrackConfig, type Tracker } from './track/driver.js';
import { initialise } from './track/files.js';
import type { Facts } from './track/judge.js';
import { look } from './track/look.js';
import type { VrrpHost } from './vrrp/host.js';

export interface TrackingOptions {
  readonly config: TrackConfig;
  readonly seen: Facts;
  readonly host: VrrpHost;
  readonly log: (text: string) => void;
  readonly hasQuorum: (service: string) => boolean | undefined;
  readonly readStats: () => Promise<Stats>;
  readonly onChange: () => void;
}

/** Writes what init_file asks for, and sees what can be seen before anything is started. */
export function firstLook({ tracking }: TrackConfig, log: (text: string) => void): Promise<Facts> {
  initialise(tracking.files, log);
  return look(tracking);
}

export class RouterTracking {
  readonly host: VrrpHost & LinkDelays;
  readonly #tracker: Tracker;
  readonly #bfd: Bfd;
  readonly #options: TrackingOptions;
  #config: TrackConfig;

  constructor(options: TrackingOptions) {
    const { config, seen, log, hasQuorum, onChange } = options;
    this.#options = options;
    this.#config = config;
    this.host = delayedHost(options.host, config.tracking.linkDelays);
    this.#bfd = startBfd({ instances: config.tracking.bfd, log, changed: (name, up) => this.#tracker.bfdChanged(name, up) });
    this.#tracker = startTracker({
      config,
      seen,
      host: this.host,
      log,
      bfdIsUp: (name) => this.#bfd.isUp(name),
      hasQuorum,
      lookAtDataplane: () => this.#lookAtDataplane(),
      onChange,
    });
  }

  /** What VRRP has to start with. */
  get start(): Pick<Tracker, 'priorities' | 'faults'> {
    return this.#tracker;
  }

  /** For the health checks that ask for files and sessions. */
  readonly signals: Signals = {
    file: (name, tell) => this.#tracker.onFile(name, tell),
    bfd: (name, tell) => {
      const known = this.#bfd.known(name);
      if (known !== undefined) tell(known);
      return this.#bfd.onChange((changed, up) => {
        if (changed === name) tell(up);
      });
    },
  };

  attach(vrrp: Told): void {
    this.#tracker.attach(vrrp);
  }

  /** `seen` is what `look` has found; after VRRP. */
  reload(config: TrackConfig, seen: Facts): void {
    this.#config = config;
    this.#bfd.reload(config.tracking.bfd);
    this.host.setDelays(config.tracking.linkDelays);
    this.#tracker.reload(config, seen);
  }

  servicesChanged(): void {
    this.#tracker.servicesChanged();
  }

  status(): readonly TrackerStatus[] {
    return this.#tracker.status();
  }

  close(): void {
    this.#tracker.close();
    this.#bfd.close();
    this.host.endDelays();
  }

  async #lookAtDataplane(): Promise<Look> {
    const stats = await this.#options.readStats();
    const names = new Set(factsOf(this.#config).flatMap((fact) => ('interface' in fact ? [fact.interface] : [])));
    const interfaces = await Promise.all([...names].map(async (name) => [name, await lookAt(name, stats)] as const));
    return { rounds: stats.rounds, flows: stats.flows, interfaces: new Map(interfaces) };
  }
}

function factsOf({ tracking }: TrackConfig): DataplaneFact[] {
  return tracking.instances.flatMap(({ tracked }) => tracked.flatMap((each) => (each.kind === 'dataplane' ? [each.fact] : [])));
}

async function lookAt(name: string, { devices }: Stats): Promise<InterfaceLook> {
  const mine = devices.filter((device) => device.interface === name);
  const sum = (of: (device: Stats['devices'][number]) => number): number => mine.reduce((total, device) => total + of(device), 0);
  return {
    received: sum(({ received }) => received) + (await kernelReceived(name)),
    transmitted: sum(({ transmitted }) => transmitted),
    unsent: sum(({ transmitFull, transmitError }) => transmitFull + transmitError),
  };
}

async function kernelReceived(name: string): Promise<number> {
  const text = await readFile(`/sys/class/net/${name}/statistics/rx_packets`, 'utf8').catch(() => '0');
  return Number(text);
}
