// What the service manager hears (sd_notify(3)), on a socket with a path and on an abstract one.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openHost } from '../../control/host/netlink.js';

// Node has no Unix datagram sockets, so Python plays the service manager.
const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', chr(0), 1) if sys.argv[1][0] == '@' else sys.argv[1])
s.settimeout(5)
print('bound', flush=True)
print(s.recv(1000).decode(), flush=True)
`;

describe('sd_notify', () => {
  let directory: string;
  const before = process.env.NOTIFY_SOCKET;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'natlb-notify-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    if (before === undefined) delete process.env.NOTIFY_SOCKET;
    else process.env.NOTIFY_SOCKET = before;
  });

  for (const kind of ['path', 'abstract'] as const) {
    test(`the service manager hears it on a socket of kind ${kind}`, async () => {
      const socket = kind === 'path' ? join(directory, 'notify') : `@natlb-test-${process.pid}`;
      const manager = spawn('python3', ['-c', MANAGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      manager.stdout.on('data', (text) => {
        said += text;
      });
      await once(manager.stdout, 'data');
      process.env.NOTIFY_SOCKET = socket;
      const host = openHost({ warn: assert.fail });
      host.sdNotify('READY=1\nSTATUS=good');
      host.close();
      await once(manager, 'close');
      assert.match(said, /READY=1\nSTATUS=good/);
    });
  }

  test('without a service manager nothing is said', () => {
    delete process.env.NOTIFY_SOCKET;
    const host = openHost({ warn: assert.fail });
    host.sdNotify('READY=1');
    host.close();
  });

  test('a service manager that is gone is a warning', () => {
    process.env.NOTIFY_SOCKET = join(directory, 'nobody');
    const warnings: string[] = [];
    const host = openHost({ warn: (text) => warnings.push(text) });
    host.sdNotify('READY=1');
    host.close();
    assert.match(warnings.join(), /cannot notify the service manager at .*nobody: No such file or directory/);
  });
});
