// A real bus, and the tools people ask it with: keepalived's names, methods, properties and signals.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Bus, startBus } from '../../control/dbus/driver.js';
import type { Action, Instance } from '../../control/dbus/objects.js';
import { encode, TYPES } from '../../control/dbus/wire.js';

const NAME = 'org.keepalived.Vrrp1';
const PATH = '/org/keepalived/Vrrp1/Instance/eth0_5/51/IPv4';
const HAS_BUS = spawnSync('which', ['dbus-daemon', 'busctl', 'gdbus']).status === 0;
const SKIP = HAS_BUS ? false : 'dbus-daemon, busctl and gdbus are not all here';

const directory = mkdtempSync(join(tmpdir(), 'natlb-dbus-'));
const address = `unix:path=${directory}/bus`;
const instance: Instance = { name: 'VI_1', interface: 'eth0.5', virtualRouterId: 51, family: 4, state: 'master' };
const command = promisify(execFile);

let daemon: ChildProcess;

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'it never came');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Served {
  readonly bus: Bus;
  readonly lines: string[];
  readonly actions: Action[];
}

async function served(serviceName = NAME, expected = /^Acquired/): Promise<Served> {
  const lines: string[] = [];
  const actions: Action[] = [];
  const perform = (action: Action): void => {
    if (action.kind === 'announce') throw new Error('VI_1 is not master');
    actions.push(action);
  };
  const bus = startBus({ serviceName, address, log: (text) => lines.push(text), instances: () => [instance], perform });
  await until(() => lines.some((line) => expected.test(line)));
  return { bus, lines, actions };
}

async function busctl(...words: readonly string[]): Promise<string> {
  const { stdout } = await command('busctl', [`--address=${address}`, ...words]);
  return stdout.trim();
}

describe('on D-Bus', { skip: SKIP }, () => {
  before(async () => {
    writeFileSync(
      join(directory, 'conf'),
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>${address}</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>`,
    );
    daemon = spawn('dbus-daemon', [`--config-file=${directory}/conf`, '--nofork', '--print-address']);
    await new Promise((resolve) => daemon.stdout?.once('data', resolve));
  });
  after(() => {
    daemon.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  test('an instance tells its name and its state', async () => {
    const { bus } = await served();
    const inside = `${NAME}.Instance`;
    assert.equal(await busctl('get-property', NAME, PATH, inside, 'State'), '(us) 2 "Master"');
    assert.equal(await busctl('get-property', NAME, PATH, inside, 'Name'), '(s) "VI_1"');
    const all = await busctl('call', NAME, PATH, 'org.freedesktop.DBus.Properties', 'GetAll', 's', inside);
    assert.equal(all, 'a{sv} 2 "Name" (s) "VI_1" "State" (us) 2 "Master"');
    bus.close();
  });

  test('every object is found from the root', async () => {
    const { bus } = await served();
    const tree = await busctl('--list', 'tree', NAME);
    assert.ok(tree.includes(PATH) && tree.includes('/org/keepalived/Vrrp1/Vrrp'), tree);
    assert.match(await busctl('introspect', NAME, PATH), /\.SendGarp +method/);
    bus.close();
  });

  test('what is asked of it is done', async () => {
    const { bus, actions } = await served();
    const methods = ['PrintData', 'PrintStats', 'PrintStatsClear', 'ReloadConfig'];
    for (const method of methods) assert.equal(await busctl('call', NAME, '/org/keepalived/Vrrp1/Vrrp', `${NAME}.Vrrp`, method), '');
    assert.deepEqual(actions, [...['DATA', 'STATS', 'STATS_CLEAR'].map((name) => ({ kind: 'dump', name })), { kind: 'reload' }]);
    bus.close();
  });

  const MISTAKES: readonly (readonly [what: string, words: readonly string[], said: RegExp])[] = [
    ['an object that is not there', [`${PATH}x`, `${NAME}.Instance`, 'SendGarp'], /no object/],
    ['a method that is not there', [PATH, `${NAME}.Instance`, 'Fly'], /no method/],
    ['a property that is not there', [PATH, 'org.freedesktop.DBus.Properties', 'Get', 'ss', `${NAME}.Instance`, 'Wings'], /no property/],
    [
      'setting a property',
      [PATH, 'org.freedesktop.DBus.Properties', 'Set', 'ssv', `${NAME}.Instance`, 'Name', 's', 'x'],
      /nothing can be set/,
    ],
    ['what cannot be done now', [PATH, `${NAME}.Instance`, 'SendGarp'], /VI_1 is not master/],
  ];
  for (const [what, words, said] of MISTAKES)
    test(`a mistake is answered with a sentence: ${what}`, async () => {
      const { bus } = await served();
      await assert.rejects(busctl('call', NAME, ...words), (problem: Error & { stderr?: string }) => said.test(problem.stderr ?? ''));
      bus.close();
    });

  test('states are signalled, as are a reload and the end', async () => {
    const { bus } = await served();
    const monitor = spawn('gdbus', ['monitor', '--address', address, '--dest', NAME]);
    let said = '';
    monitor.stdout.on('data', (text) => {
      said += String(text);
    });
    await until(() => said.includes('The name'));
    bus.stateChanged({ ...instance, state: 'FAULT' });
    bus.reloaded();
    bus.close();
    await until(() => said.includes('VrrpStopped'));
    monitor.kill('SIGKILL');
    assert.match(
      said,
      /eth0_5\/51\/IPv4: org\.keepalived\.Vrrp1\.Instance\.VrrpStatusChange \(uint32 3,\)\n.*VrrpReloaded \(\)\n.*VrrpStopped \(\)/,
    );
  });

  test('a name that somebody else has is said to be so', async () => {
    const first = await served('org.example.Taken');
    const second = await served('org.example.Taken', /somebody else has it/);
    for (const { bus } of [first, second]) bus.close();
  });
});

test('a bus that is not there does no harm', async () => {
  const lines: string[] = [];
  const log = (text: string) => lines.push(text);
  const bus = startBus({ serviceName: NAME, address: 'unix:path=/nowhere/bus', log, instances: () => [], perform: () => {} });
  await until(() => lines.length > 0);
  bus.stateChanged(instance);
  bus.close();
  assert.match(lines[0]!, /^Cannot have the name org\.keepalived\.Vrrp1 on the system bus: .*ENOENT/);
});

test('a bus that answers nonsense is left', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'natlb-dbus-')), 'nonsense');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('OK 1234\r\n');
    socket.write('nonsense, and more of it than a header has');
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const lines: string[] = [];
  const bus = startBus({
    serviceName: NAME,
    address: `unix:path=${path}`,
    log: (text) => lines.push(text),
    instances: () => [],
    perform: () => {},
  });
  await until(() => lines.length > 0);
  bus.close();
  server.close();
  assert.match(lines[0]!, /no message of D-Bus/);
});

test('a bus that reads no more is left, and whoever tells it of states knows nothing of that', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'natlb-dbus-')), 'stuck');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('OK 1234\r\n');
    const owner = encode({ type: TYPES.reply, serial: 1, replySerial: 2, signature: 'u', body: [1] });
    socket.once('data', () => {
      socket.write(owner);
      socket.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const lines: string[] = [];
  const log = (text: string) => lines.push(text);
  const bus = startBus({ serviceName: NAME, address: `unix:path=${path}`, log, instances: () => [], perform: () => {} });
  await until(() => lines.some((line) => line.startsWith('Acquired')));
  for (let count = 0; count < 20_000; count++) bus.stateChanged(instance);
  await until(() => lines.some((line) => /^Lost the name .*: the bus does not read/.test(line)));
  bus.close();
  server.close();
});
