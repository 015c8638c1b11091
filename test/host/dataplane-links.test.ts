// When the data plane has to open its interfaces anew.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataplaneLinks } from '../../control/host/dataplane-links.js';

/** A host whose interfaces are told by name and index. */
function host(start: Readonly<Record<string, number>>) {
  const listeners = new Set<() => void>();
  const shown = (links: Readonly<Record<string, number>>) => Object.entries(links).map(([name, index]) => ({ name, index }));
  return {
    interfaces: shown(start),
    onLinkChange(callback: () => void) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    become(links: Readonly<Record<string, number>>) {
      this.interfaces = shown(links);
      for (const listener of listeners) listener();
    },
  };
}

function watched(start: Readonly<Record<string, number>>, mayBeMissing = false) {
  const said: string[] = [];
  const machine = host(start);
  const links = new DataplaneLinks({
    host: machine,
    wanted: ['eth0', 'eth1'],
    mayBeMissing,
    onRenewed: (interfaces, which) => said.push(`${which.join()} of ${interfaces.join()}`),
  });
  return { links, machine, said };
}

test('an interface with another index is there anew, once', () => {
  const { machine, said } = watched({ eth0: 2, eth1: 3 });
  machine.become({ eth0: 2, eth1: 3 });
  machine.become({ eth0: 7, eth1: 3 });
  machine.become({ eth0: 7, eth1: 3 });
  assert.deepEqual(said, ['eth0 of eth0,eth1']);
});

test('one that is gone changes nothing until it returns', () => {
  const { machine, said } = watched({ eth0: 2, eth1: 3 });
  machine.become({ eth1: 3 });
  assert.deepEqual(said, []);
  machine.become({ eth0: 9, eth1: 3 });
  assert.deepEqual(said, ['eth0 of eth0,eth1']);
});

test('of interfaces that may be missing those that are there are opened, and others when they come', () => {
  const { links, machine, said } = watched({ eth1: 3 }, true);
  assert.deepEqual(links.interfaces, ['eth1']);
  machine.become({ eth1: 3, eth0: 4 });
  assert.deepEqual(said, ['eth0 of eth0,eth1']);
  assert.deepEqual(links.interfaces, ['eth0', 'eth1']);
});

test('interfaces that may not be missing are asked for, there or not', () => {
  assert.deepEqual(watched({ eth1: 3 }).links.interfaces, ['eth0', 'eth1']);
});

test('nothing is told once it is closed', () => {
  const { links, machine, said } = watched({ eth0: 2, eth1: 3 });
  links.close();
  machine.become({ eth0: 7, eth1: 3 });
  assert.deepEqual(said, []);
});
