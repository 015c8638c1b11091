// The tracker on real scripts, files and processes: good ones, and those that hang, fork, print without end, vanish or hold rubbish.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { until } from '../lab/process.js';
import { inWorld, type World } from './world.js';

const LIMIT_MS = 15_000;
const TRACKS = '    track_script {\n        chk\n    }';

function script(command: string, more = ''): string {
  return `vrrp_script chk {\n script "${command}"\n interval 0.2\n ${more}\n}`;
}

async function priorityIs(world: World, wanted: number): Promise<void> {
  await until(`the priority is ${wanted} (and not ${world.priority()})`, LIMIT_MS, () => world.priority() === wanted || undefined);
}

async function faultsAre(world: World, wanted: readonly string[]): Promise<void> {
  await until(`the faults are ${wanted.join(', ') || 'none'}`, LIMIT_MS, () => world.faults().join() === wanted.join() || undefined);
}

describe('scripts', { concurrency: 4 }, () => {
  test('one that says whether a file is there lifts the priority with it', () =>
    inWorld(script('/usr/bin/test -e $DIR/well', 'weight 20'), TRACKS, async (world) => {
      assert.equal(world.priority(), 100);
      world.write('well', '');
      await priorityIs(world, 120);
      rmSync(world.file('well'));
      await priorityIs(world, 100);
      assert.ok(world.logs.includes('VRRP_Script(chk) failed (exited with status 1)'), world.logs.join('\n'));
    }));

  test('an instance waits for its first end', () =>
    inWorld(script('/bin/true'), TRACKS, async (world) => {
      assert.deepEqual(world.faults(), ['tracked script chk is not known yet']);
      await faultsAre(world, []);
    }));

  test('one that hangs, with children that hang, is ended with them and has failed', () =>
    inWorld(script("/bin/sh -c 'sleep 3600 & echo $! > $DIR/child; sleep 3600'", 'timeout 0.3'), TRACKS, async (world) => {
      await faultsAre(world, ['tracked script chk fails']);
      assert.ok(world.logs.includes('VRRP_Script(chk) timed_out'), world.logs.join('\n'));
      const child = Number(readFileSync(world.file('child'), 'utf8'));
      world.tracker.close();
      await until('its child is gone', LIMIT_MS, () => !runs(child) || undefined);
    }));

  test('one that prints for ever costs neither memory nor the time of others', () =>
    inWorld(script('/usr/bin/yes', 'timeout 0.5'), TRACKS, async (world) => {
      const before = process.memoryUsage().rss;
      await faultsAre(world, ['tracked script chk fails']);
      assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20, 'it took memory');
      assert.ok(world.logs.join('').length < 2 ** 20, 'it filled the log');
    }));

  test('one that vanishes has failed, and returns', () =>
    inWorld(script('$DIR/check'), TRACKS, async (world) => {
      await faultsAre(world, ['tracked script chk fails']);
      world.write('check', '#!/bin/sh\nexit 0\n', 0o755);
      await faultsAre(world, []);
      renameSync(world.file('check'), world.file('elsewhere'));
      await faultsAre(world, ['tracked script chk fails']);
    }));

  test('one that is killed has failed by its signal', () =>
    inWorld(script("/bin/sh -c 'kill -SEGV $$'", 'weight -10'), TRACKS, async (world) => {
      await priorityIs(world, 90);
      assert.ok(
        world.logs.some((text) => /VRRP_Script\(chk\) failed \(due to signal SIGSEGV\)/.test(text)),
        world.logs.join('\n'),
      );
    }));

  test('a reload to another program goes on without a fault until that has ended', () =>
    inWorld(script('/bin/true'), TRACKS, async (world) => {
      await faultsAre(world, []);
      await world.reload(script("/bin/sh -c 'sleep 0.3; exit 1'", 'timeout 5'), TRACKS);
      assert.deepEqual(world.faults(), []);
      await faultsAre(world, ['tracked script chk fails']);
      await world.reload('', '');
      assert.deepEqual([world.priority(), world.faults()], [100, []]);
    }));
});

const FILE = 'track_file f {\n file $DIR/f\n init_file 5\n}';
const TRACKS_FILE = '    track_file {\n        f\n    }';

describe('files', { concurrency: 4 }, () => {
  test('are initialised, read at once, and read again when they are written, replaced or removed', () =>
    inWorld(FILE, TRACKS_FILE, async (world) => {
      assert.equal(world.priority(), 105);
      world.write('f', '-7\n');
      await priorityIs(world, 93);
      renameSync(world.write('new', '0x10'), world.file('f'));
      await priorityIs(world, 116);
      rmSync(world.file('f'));
      await priorityIs(world, 100);
      world.write('f', '-300');
      await faultsAre(world, ['tracked file f is too low']);
    }));

  test('that hold rubbish count as 0 and are told of once; numbers out of all range change nothing', () =>
    inWorld(FILE, TRACKS_FILE, async (world) => {
      world.write('f', 'rubbish\0'.repeat(100_000));
      await priorityIs(world, 100);
      world.write('f', '12 and more');
      await priorityIs(world, 112);
      world.write('f', '99999999999999999999');
      await until('it is told', LIMIT_MS, () => world.logs.some((text) => text.startsWith('Invalid number')) || undefined);
      assert.equal(world.priority(), 112);
      assert.equal(world.logs.filter((text) => text.includes('holds no number')).length, 1);
    }));

  test('that are directories or pipes hold nothing, and hold nobody up', () =>
    inWorld('track_file f {\n file $DIR/f\n}', TRACKS_FILE, async (world) => {
      mkdirSync(world.file('f'));
      assert.equal(world.priority(), 100);
      rmSync(world.file('f'), { recursive: true });
      execFileSync('mkfifo', [world.file('f')]);
      rmSync(world.file('f'));
      world.write('f', '3');
      await priorityIs(world, 103);
    }));
});

test('processes come and go', () => {
  const top = `track_process p {\n process /bin/sleep 3600.${process.pid}\n param_match initial\n weight 10\n}`;
  return inWorld(top, '    track_process {\n        p\n    }', async (world) => {
    assert.equal(world.priority(), 100);
    const child = spawn('/bin/sleep', [`3600.${process.pid}1`]);
    await priorityIs(world, 110);
    child.kill('SIGKILL');
    await priorityIs(world, 100);
    assert.ok(world.logs.includes('Quorum lost for tracked process p'));
  });
});

test('interfaces that go down, come up and are not there', () =>
  inWorld('', '    track_interface {\n        eth1\n        eth2 weight 10\n    }', async (world) => {
    assert.deepEqual(world.faults(), ['tracked interface eth1 is down']);
    world.setLink('eth1', true);
    world.setLink('eth2', true);
    assert.deepEqual([world.priority(), world.faults()], [110, []]);
    world.setLink('eth1', false);
    assert.deepEqual(world.faults(), ['tracked interface eth1 is down']);
  }));

test('a data plane that does not answer has a worker that stands still', () =>
  inWorld('', '    track_dataplane {\n        worker weight 10\n        flow_table 50\n    }', async (world) => {
    assert.equal(world.priority(), 110);
    await priorityIs(world, 100);
    world.setLook({ rounds: 7, flows: { entries: 51, capacity: 100 }, interfaces: new Map() });
    await priorityIs(world, 110);
    await faultsAre(world, ['data plane: flow_table below 50% is not well']);
    world.setLook({ rounds: 8, flows: { entries: 40, capacity: 100 }, interfaces: new Map() });
    await faultsAre(world, []);
  }));

function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z';
  } catch {
    return false;
  }
}
