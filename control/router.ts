// A running natlb: puts configuration, VRRP, health checks and data plane together, and keeps them together over reloads.

import type {
  Explanation,
  FlowPiece,
  FlowQuestion,
  HeldAddress,
  PacketQuestion,
  Readings,
  Snapshot,
  Trace,
} from '../dataplane/protocol.js';
import { DataplaneInterfaces } from './config/interfaces.js';
import type { Config } from './config/model.js';
import { type Dataplane, startDataplane } from './dataplane.js';
import { type Health, startHealth } from './health/driver.js';
import { DataplaneLinks } from './host/dataplane-links.js';
import { applyGuard, guardRules, removeGuard } from './host/guard.js';
import { GuardKeeper } from './host/guard-keeper.js';
import { heldAddresses } from './host/held-addresses.js';
import type { Host } from './host/netlink.js';
import { StaticHolding } from './host/static-holding.js';
import { inTurn } from './in-turn.js';
import type { Log } from './log.js';
import { LogInPieces } from './log-in-pieces.js';
import { type Notifier, startNotifier } from './notify/driver.js';
import { desired, foresee, type WantedBefore } from './reconcile/desired.js';
import { describeOperation, type Operation, operations } from './reconcile/plan.js';
import { atOnce, inSlices } from './slices.js';
import type { InstanceStatus, Status } from './status.js';
import { type ApplyTimes, StepClock } from './step-clock.js';
import type { Facts } from './track/judge.js';
import { look } from './track/look.js';
import { firstLook, RouterTracking } from './tracking.js';
import { startVrrp, type Vrrp } from './vrrp/driver.js';

/** What the command line may say over the configuration. */
export interface Overrides {
  readonly runDir?: string;
  readonly backend?: Config['settings']['backend'];
  readonly configId?: string;
  /** Virtual addresses stay when natlb ends. */
  readonly keepsAddresses?: true;
}

export interface RouterOptions {
  readonly config: Config;
  readonly overrides: Overrides;
  readonly runDir: string;
  readonly host: Host;
  readonly log: Log;
  readonly version: string;
  /** Something `natlb status` shows in one line has changed. */
  readonly onChange: () => void;
}

const NO_DATAPLANE = 'data plane';
/** Without VRRP no standby takes over; yet a data plane without control must end some time. */
const GRACE_WITHOUT_VRRP_MS = 60_000;

/** Times as long as the last took. */
const RECONCILE_PAUSE = 4;

const NEEDS_RESTART: readonly { readonly name: string; readonly of: (settings: Config['settings']) => unknown }[] = [
  { name: 'backend', of: ({ backend }) => backend },
  { name: 'flow_table_size', of: ({ maxFlows }) => maxFlows },
  { name: 'metrics', of: ({ metrics }) => metrics },
  { name: 'run_dir', of: ({ runDir }) => runDir },
];

export class Router {
  /** Resolves with the reason when there can be no data plane from the start; one that ran once is started again and again. */
  readonly refused: Promise<Error>;
  readonly #options: RouterOptions;
  readonly #vrrp: Vrrp;
  readonly #health: Health;
  readonly #notifier: Notifier;
  readonly #tracking: RouterTracking;
  readonly #towards = new DataplaneInterfaces();
  readonly #interfaces: readonly string[];
  readonly #links: DataplaneLinks;
  readonly #statics: StaticHolding;
  readonly #startedMs = Date.now();
  #refuseToRun: (reason: Error) => void = () => {};
  #dataplane: Dataplane | undefined;
  #reconciling: NodeJS.Timeout | undefined;
  #reconcileAgainMs = 0;
  #config: Config;
  #applied: Snapshot | undefined;
  #generation = 0;
  readonly #guard: GuardKeeper;
  readonly #planLog: LogInPieces;
  readonly #wantedBefore: WantedBefore = new WeakMap();

  private constructor(options: RouterOptions, seen: Facts) {
    const { config, runDir, host, log, onChange } = options;
    this.refused = new Promise((resolve) => {
      this.#refuseToRun = resolve;
    });
    this.#options = options;
    this.#config = config;
    this.#planLog = new LogInPieces(log);
    this.#guard = new GuardKeeper({ services: config.virtualServers, instances: config.instances, log });
    this.#interfaces = atOnce(this.#towards.of(config, host));
    this.#links = new DataplaneLinks({
      host,
      wanted: this.#interfaces,
      mayBeMissing: config.global.dynamicInterfaces !== undefined,
      onRenewed: (interfaces, which) => this.#dataplane?.restart(interfaces, `interface ${which.join(', ')} is there anew`),
    });
    this.#statics = new StaticHolding({ statics: config.statics, host, log });
    this.#notifier = startNotifier({ config, runDir, log });
    const notifier = this.#notifier;
    this.#tracking = new RouterTracking({
      config,
      seen,
      host,
      log,
      // It is asked once before there are checks.
      hasQuorum: (name) => this.#health?.state().services.find((service) => service.name === name)?.quorumUp,
      readStats: () => this.#dataplane?.read('stats') ?? Promise.reject(new Error('no data plane yet')),
      onChange,
    });
    this.#health = startHealth({
      services: config.virtualServers,
      log,
      onChange: () => this.#reconcileSoon(),
      onEvent: notifier.health,
      signals: this.#tracking.signals,
      addresses: heldAddresses(host),
    });
    // Some begin without a server.
    this.#tracking.servicesChanged();
    const { priorities, faults } = this.#tracking.start;
    this.#vrrp = startVrrp({
      config,
      host: this.#tracking.host,
      log,
      onChange,
      onTransition: notifier.transition,
      priorities,
      faults: [{ reason: NO_DATAPLANE }, ...faults],
    });
    this.#tracking.attach(this.#vrrp);
  }

  /** Resolves once the data plane process is started; it reports to VRRP when it forwards. Throws when nothing can be had, and leaves nothing. */
  static async start(options: RouterOptions): Promise<Router> {
    // Before anything can be steered here: without it the kernel would reset the first clients.
    await applyGuard(guardRules(options.config.virtualServers, options.config.instances));
    const router = new Router(options, await firstLook(options.config, options.log));
    try {
      await router.#startDataplane();
    } catch (problem) {
      await router.close();
      throw problem;
    }
    return router;
  }

  async #startDataplane(): Promise<void> {
    const { runDir, log, config, overrides } = this.#options;
    this.#dataplane = await startDataplane({
      start: {
        interfaces: this.#links.interfaces,
        backend: overrides.backend ?? config.settings.backend,
        runDir,
        maxFlows: config.settings.maxFlows,
      },
      log,
      onRunning: () => this.#nowRunning(),
      onDead: () => this.#vrrp.fault(NO_DATAPLANE),
      onRefused: (reason) => this.#refuseToRun(reason),
    });
    this.#reconcile();
  }

  #nowRunning(): void {
    this.#vrrp.recovered(NO_DATAPLANE);
    this.#notifier.ready();
  }

  get config(): Config {
    return this.#config;
  }

  /**
   * Another configuration, in which nothing is wrong: what is alike in both goes on untouched. In steps, between which timers and packets come:
   * with thousands of services each takes its milliseconds.
   */
  async apply(config: Config): Promise<ApplyTimes> {
    const seen = await look(config.tracking);
    const before = this.#config;
    this.#config = config;
    const clock = new StepClock();
    this.#notifier.reload(config);
    this.#statics.reload(config.statics);
    this.#vrrp.reload(config);
    this.#tracking.reload(config, seen);
    await clock.step('vrrpMs');
    // After it: checks ask what tracked files say.
    await this.#health.reload(config.virtualServers);
    await clock.step('healthMs');
    await this.#guard.keep(config.virtualServers, config.instances);
    await clock.step('guardMs');
    await inSlices(foresee(config, this.#health.state(), this.#wantedBefore));
    this.#reconcile();
    await clock.step('snapshotMs');
    const dataplaneMs = await this.#dataplane?.settled();
    await Promise.all([this.#planLog.settled(), this.#guard.settled()]);
    await this.#warnOfRestart(before, config);
    return { ...clock.times, ...(dataplaneMs === undefined ? {} : { dataplaneMs }) };
  }

  async status(): Promise<Omit<Status, 'config'>> {
    const stats = await this.#dataplane?.read('stats').catch(() => undefined);
    // Asked afterwards: it may have died instead of answering.
    const dataplane = this.#dataplane?.about() ?? { state: 'starting' as const, restarts: 0 };
    const found = stats !== undefined ? measured(stats) : dataplane.state === 'running' ? { silent: true as const } : {};
    return {
      version: this.#options.version,
      routerId: this.#config.global.routerId,
      pid: process.pid,
      startedMs: this.#startedMs,
      timeouts: this.#config.settings.timeouts,
      instances: this.#vrrp.status(),
      trackers: this.#tracking.status(),
      virtualServers: this.#health.status(),
      dataplane: { ...dataplane, ...found },
    };
  }

  get instances(): readonly InstanceStatus[] {
    return this.#vrrp.status();
  }

  announceAgain(instance: string): boolean {
    return this.#vrrp.announceAgain(instance);
  }

  get notifier(): Pick<Notifier, 'listen'> {
    return this.#notifier;
  }

  clearCounters(): void {
    this.#vrrp.clearCounters();
  }

  async flows(question: FlowQuestion): Promise<FlowPiece> {
    const { name } = question.filter;
    const names = this.#config.virtualServers.map((service) => service.name);
    if (name !== undefined && !names.includes(name))
      throw new Error(`no service is named ${name}; there are: ${names.join(', ') || 'none'}`);
    return (await this.#running()).read('flows', question);
  }

  async explain(question: PacketQuestion): Promise<Explanation> {
    return (await this.#running()).read('explain', question);
  }

  async trace(verdicts: readonly string[]): Promise<Trace> {
    return (await this.#running()).read('trace', verdicts);
  }

  async #running(): Promise<Dataplane> {
    if (this.#dataplane === undefined) throw new Error('the data plane is starting');
    return this.#dataplane;
  }

  /** Resigns first, so the standby takes over while packets under way are still forwarded. */
  async close(): Promise<void> {
    clearTimeout(this.#reconciling);
    this.#links.close();
    const steps = [
      () => this.#tracking.close(),
      () => this.#vrrp.close({ release: !this.#options.overrides.keepsAddresses }),
      () => this.#statics.close({ release: !this.#options.overrides.keepsAddresses }),
      () => this.#health.close(),
      () => this.#dataplane?.close(),
      () => this.#guard.close(),
      removeGuard,
      () => this.#notifier.close(),
    ];
    await inTurn(steps, this.#options.log);
  }

  /** Of what the data plane was started with, which only another start can change. */
  async #warnOfRestart(before: Config, config: Config): Promise<void> {
    const interfaces = await inSlices(this.#towards.of(config, this.#options.host));
    if (interfaces.join() !== this.#interfaces.join()) {
      this.#options.log(
        `The data plane stays on ${this.#interfaces.join(' ')} until natlb is restarted; wanted now: ${interfaces.join(' ')}`,
      );
    }
    const changed = NEEDS_RESTART.filter(({ of }) => JSON.stringify(of(before.settings)) !== JSON.stringify(of(config.settings)));
    if (changed.length > 0)
      this.#options.log(`Until natlb is restarted it goes on with the old ${changed.map(({ name }) => name).join(', ')}`);
  }

  #snapshot(): Snapshot {
    const options = { generation: this.#generation, held: addressesOf(this.#config), graceMs: graceMs(this.#config) };
    return desired(this.#config, this.#health.state(), options, this.#wantedBefore);
  }

  /** Once for all that health has to say in one turn of the loop, and with thousands of services never more than a part of its time. */
  #reconcileSoon(): void {
    this.#reconciling ??= setTimeout(
      () => {
        this.#reconciling = undefined;
        this.#reconcile();
      },
      Math.max(0, this.#reconcileAgainMs - performance.now()),
    );
  }

  #reconcile(): void {
    const startedMs = performance.now();
    this.#generation += 1;
    const wanted = this.#snapshot();
    this.#planLog.add(described(operations(wanted, this.#applied, this.#config.virtualServers)));
    this.#applied = wanted;
    void this.#guard.keep(this.#config.virtualServers, this.#config.instances);
    this.#dataplane?.configure(wanted);
    this.#tracking.servicesChanged();
    this.#options.onChange();
    const endedMs = performance.now();
    this.#reconcileAgainMs = endedMs + RECONCILE_PAUSE * (endedMs - startedMs);
  }
}

function measured({ rates, ...stats }: Readings['stats']): Pick<Status['dataplane'], 'stats' | 'rates'> {
  return { stats, ...(rates && { rates }) };
}

function* described(all: Iterable<Operation>): Generator<string, void, undefined> {
  for (const operation of all) yield describeOperation(operation);
}

export function idOption({ configId }: Overrides): { configId?: string } {
  return configId === undefined ? {} : { configId };
}

function addressesOf({ instances }: Config): HeldAddress[] {
  return instances.flatMap((instance) =>
    [...instance.addresses, ...instance.excludedAddresses].map(({ address, prefixLength, device }) => ({
      interface: device ?? instance.interface,
      address,
      prefixLength,
    })),
  );
}

/**
 * A standby waits for downTimerAdverts intervals after the last advert, which may be one interval old when control dies; half an interval is
 * for removing the addresses.
 */
function graceMs({ instances }: Config): number {
  return Math.min(
    GRACE_WITHOUT_VRRP_MS,
    ...instances.map(({ advertIntervalMs, downTimerAdverts }) => Math.max(0, (downTimerAdverts - 1.5) * advertIntervalMs)),
  );
}
