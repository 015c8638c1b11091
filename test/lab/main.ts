// `npm run lab`: builds the guide's network in namespaces, tells the story with real traffic, and stays up for a look around. Read story.ts first.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab, type LabOptions, REPOSITORY, type RouterKind } from './lab.js';
import { bold, dim, type StepReport, say, tell } from './report.js';
import { type Backend, NatlbRouter } from './router.js';
import { story } from './story.js';
import { VIP, VIP6 } from './topology.js';

const USAGE = `npm run lab -- [--once] [--json] [--backend auto|af_xdp|af_packet] [--router2 natlb|keepalived] [--natlb COMMAND]
  --once     ends after the story; exit status 0 only if every step held
  --json     the last line is {"steps":[{"name","ok","measured"},…]}
  --backend  how natlb gets its packets (auto)
  --router2  what the standby router runs (natlb); Debian's keepalived takes the addresses but forwards nothing
  --natlb    the natlb to run (the checkout's own)`;

const BACKENDS: readonly Backend[] = ['auto', 'af_xdp', 'af_packet'];
const ROUTERS: readonly RouterKind[] = ['natlb', 'keepalived'];

interface Options extends LabOptions {
  readonly once: boolean;
  readonly json: boolean;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'number') return options;
  if (process.getuid?.() !== 0) {
    console.error('the lab makes network namespaces and so needs root: sudo npm run lab');
    return 2;
  }
  say(bold('natlb lab: two routers, four servers and a client in network namespaces'));
  const stop = interruption();
  const lab = await Lab.build(options);
  const told = await Promise.race([tell(story(options.standby), lab, () => lab.logged(15)), stop]);
  const held = told !== 'interrupted' && told.every(({ ok }) => ok);
  if (told !== 'interrupted') await conclude(lab, told, options, stop);
  await lab.close({ keepLogs: !held });
  if (told === 'interrupted') return 130;
  if (options.json && options.once) say(asJson(told));
  return held ? 0 : 1;
}

function readOptions(): Options | number {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    if (values.help) {
      say(USAGE);
      return 0;
    }
    const backend = oneOf(BACKENDS, '--backend', values.backend);
    const standby = oneOf(ROUTERS, '--router2', values.router2);
    return { once: values.once, json: values.json, natlb: values.natlb, backend, active: 'natlb', standby };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
}

const OPTIONS = {
  once: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  backend: { type: 'string', default: 'auto' },
  router2: { type: 'string', default: 'natlb' },
  natlb: { type: 'string', default: join(REPOSITORY, 'natlb') },
  help: { type: 'boolean', default: false },
} as const;

function oneOf<T extends string>(allowed: readonly T[], option: string, value: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`${option} ${value}: expected one of ${allowed.join(', ')}`);
  return found;
}

function interruption(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('interrupted'));
  });
}

async function conclude(lab: Lab, told: readonly StepReport[], options: Options, stop: Promise<'interrupted'>): Promise<void> {
  const failed = told.filter(({ ok }) => !ok).length;
  say(
    bold(
      failed === 0
        ? `\nall ${told.length} steps held`
        : `\n${failed} of ${told.length} steps failed; logs stay in ${lab.dir} until the next lab`,
    ),
  );
  if (options.once) return;
  say(lookAround(lab));
  if (options.json) say(asJson(told));
  await stop;
}

function lookAround(lab: Lab): string {
  const inside = (host: string) => `sudo ip netns exec ${lab.network.host(host).namespace}`;
  const natlbs = [lab.active, lab.standby].filter((router) => router instanceof NatlbRouter);
  return [
    '\nThe lab stays up until Ctrl-C. Look around:',
    `  ${inside('client')} curl http://${VIP}/            ${dim('# a request; again: the next server')}`,
    `  ${inside('client')} curl http://[${VIP6}]/`,
    ...natlbs.flatMap(({ runDir }) => [
      `  sudo ${REPOSITORY}/natlb status --run-dir ${runDir}`,
      `  sudo ${REPOSITORY}/natlb ipvsadm -Ln --run-dir ${runDir}`,
    ]),
    `  ${inside('active')} ip address                     ${dim('# eth0 and eth1 with the virtual addresses')}`,
    `  ${inside('active')} tcpdump -ni eth0 vrrp`,
    `  tail -f ${lab.active.logFile} ${lab.standby.logFile}`,
    `  \${EDITOR:-vi} ${lab.active.configFile}             ${dim('# then: kill -HUP of its natlb run')}`,
  ].join('\n');
}

function asJson(steps: readonly StepReport[]): string {
  return JSON.stringify({ steps });
}

process.exit(await main());
