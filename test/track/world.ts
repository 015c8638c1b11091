// Tracking for tests: a tracker with a configuration of its own, on this machine's scripts, files and processes, and a VRRP that only listens.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from '../../control/config/load.js';
import type { Config } from '../../control/config/model.js';
import type { Look } from '../../control/track/dataplane-facts.js';
import { startTracker, type Tracker } from '../../control/track/driver.js';
import { initialise } from '../../control/track/files.js';
import { look } from '../../control/track/look.js';

export interface World {
  readonly directory: string;
  readonly tracker: Tracker;
  readonly logs: readonly string[];
  /** What VRRP believes of the instance VI. */
  readonly priority: () => number | undefined;
  readonly faults: () => readonly string[];
  readonly file: (name: string) => string;
  readonly write: (name: string, text: string, mode?: number) => string;
  readonly setLink: (name: string, up: boolean) => void;
  readonly setLook: (look: Look | undefined) => void;
  readonly reload: (top: string, tracking: string) => Promise<void>;
}

/** `top` stands at the top of the file, `tracking` in the instance; in both $DIR is a directory of the test's own. */
export async function inWorld(top: string, tracking: string, story: (world: World) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'natlb-track-'));
  const logs: string[] = [];
  const log = (text: string): number => logs.push(text);
  const links = new Map<string, boolean>();
  const listeners = new Set<() => void>();
  let told: Look | undefined;
  const config = read(directory, top, tracking);
  initialise(config.tracking.files, log);
  const tracker = startTracker({
    config,
    seen: await look(config.tracking),
    host: {
      interface: (name) => (links.has(name) ? { index: 1, mac: '', up: links.get(name) ?? false, addresses: [] } : undefined),
      onLinkChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    log,
    bfdIsUp: () => false,
    hasQuorum: () => true,
    lookAtDataplane: async () => told ?? Promise.reject(new Error('no answer')),
    onChange: () => {},
  });
  let priority = tracker.priorities.get('VI');
  const faults = new Set(tracker.faults.map(({ reason }) => reason));
  tracker.attach({
    setPriority: (_, given) => {
      priority = given;
    },
    fault: (reason) => faults.add(reason),
    recovered: (reason) => faults.delete(reason),
  });
  const world: World = {
    directory,
    tracker,
    logs,
    priority: () => priority,
    faults: () => [...faults],
    file: (name) => join(directory, name),
    write: (name, text, mode = 0o644) => {
      writeFileSync(join(directory, name), text, { mode });
      return join(directory, name);
    },
    setLink: (name, up) => {
      links.set(name, up);
      for (const listener of listeners) listener();
    },
    setLook: (given) => {
      told = given;
    },
    reload: async (newTop, newTracking) => {
      const next = read(directory, newTop, newTracking);
      tracker.reload(next, await look(next.tracking));
    },
  };
  try {
    await story(world);
  } finally {
    tracker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function read(directory: string, top: string, tracking: string): Config {
  const vrrp = `vrrp_instance VI {\n interface eth0\n virtual_router_id 1\n priority 100\n virtual_ipaddress {\n 192.0.2.1\n }\n${tracking}\n}\n`;
  const text = `${top}\n${vrrp}`.replaceAll('$DIR', directory);
  const { config, findings } = load(
    'test.conf',
    (file) => (file === 'test.conf' ? text : new Error('not there')),
    () => [],
  );
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.ok(config);
  return config;
}
