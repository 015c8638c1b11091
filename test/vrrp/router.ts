// A router that does VRRP and nothing else, as a program: node router.js CONFIG-FILE [native]. Takes commands on standard input, one a line:
// `reload`, `fault REASON`, `recovered REASON`, `status ID`, `stop`; ends with its standard input. Says logs and answers as lines of JSON.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { startVrrp, type VrrpConfig } from '../../control/vrrp/driver.js';
import { shellHost } from './shell-host.js';

const file = process.argv[2] ?? '';
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const read = (): VrrpConfig => JSON.parse(readFileSync(file, 'utf8'));
// Netlink, as natlb itself has it, needs the host addon to be built.
const host = process.argv[3] === 'native' ? (await import('../../control/host/netlink.js')).openHost() : shellHost();
const vrrp = startVrrp({ config: read(), host, log: (text) => say({ log: text }), onChange: () => {} });

const COMMANDS: Record<string, (argument: string) => void> = {
  reload: () => vrrp.reload(read()),
  fault: (reason) => vrrp.fault(reason),
  recovered: (reason) => vrrp.recovered(reason),
  status: (id) => say({ id, status: vrrp.status() }),
  stop: () => void vrrp.close().then(() => process.exit(0)),
};

const commands = createInterface({ input: process.stdin });
commands.on('line', (line) => {
  const [command = '', ...rest] = line.split(' ');
  COMMANDS[command]?.(rest.join(' '));
});
commands.on('close', () => process.exit(1));
