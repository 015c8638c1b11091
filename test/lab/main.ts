// `npm run lab`: builds the guide's network in namespaces, tells the story with real traffic, and stays up for a look around. Read story.ts first.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab, type LabOptions, REPOSITORY, type RouterKind } from './lab.js';
import { ProgramsLab, type ProgramsOptions } from './programs/lab.js';
import { programsStory } from './programs/story.js';
import { bold, dim, type StepReport, say, tell } from './report.js';
import { type Backend, NatlbRouter } from './router.js';
import { story } from './story.js';
import { VIP, VIP6 } from './topology.js';

const USAGE = `npm run lab -- [--programs [--vlan]] [--once] [--json] [--backend auto|af_xdp|af_packet] [--router2 natlb|keepalived] [--natlb COMMAND]
  --programs nginx, sshd, vsftpd, dnsmasq and iperf3 behind one router, in place of two routers of which one fails
  --vlan     its private side is a VLAN
  --once     ends after the story; exit status 0 only if every step held
  --json     the last line is {"steps":[{"name","ok","measured"},…]}
  --backend  how natlb gets its packets (auto)
  --router2  what the standby router runs (natlb); Debian's keepalived takes the addresses but forwards nothing
  --natlb    the natlb to run (the checkout's own)`;

const BACKENDS: readonly Backend[] = ['auto', 'af_xdp', 'af_packet'];
/** Of what the routers logged, shown beneath a step that failed. */
const LOG_LINES = 15;

const ROUTERS: readonly RouterKind[] = ['natlb', 'keepalived'];

interface Options extends LabOptions, ProgramsOptions {
  readonly programs: boolean;
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
  const stop = interruption();
  const stage = options.programs ? await programs(options) : await routers(options);
  const told = await Promise.race([stage.tell(), stop]);
  const held = told !== 'interrupted' && told.every(({ ok }) => ok);
  if (told !== 'interrupted') await conclude(stage, told, options, stop);
  await stage.lab.close({ keepLogs: !held });
  if (told === 'interrupted') return 130;
  if (options.json && options.once) say(asJson(told));
  return held ? 0 : 1;
}

/** One of the labs, with the story it tells. */
interface Stage {
  readonly lab: Lab | ProgramsLab;
  readonly tell: () => Promise<StepReport[]>;
  readonly lookAround: () => string;
}

async function routers(options: Options): Promise<Stage> {
  say(bold('natlb lab: two routers, four servers and a client in network namespaces'));
  const lab = await Lab.build(options);
  return {
    lab,
    tell: () => tell(story(options.standby), lab, () => lab.logged(LOG_LINES)),
    lookAround: () =>
      lookAround(
        lab,
        [lab.active, lab.standby].filter((router) => router instanceof NatlbRouter),
      ),
  };
}

async function programs(options: Options): Promise<Stage> {
  say(bold('natlb lab: real programs on three servers behind one router, in network namespaces'));
  const lab = await ProgramsLab.build(options);
  return {
    lab,
    tell: () => tell(programsStory(options), lab, () => lab.logged(LOG_LINES)),
    lookAround: () => lookAround(lab, [lab.router]),
  };
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
    const { programs, vlan } = values;
    return { programs, vlan, once: values.once, json: values.json, natlb: values.natlb, backend, active: 'natlb', standby };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
}

const OPTIONS = {
  programs: { type: 'boolean', default: false },
  vlan: { type: 'boolean', default: false },
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

async function conclude(stage: Stage, told: readonly StepReport[], options: Options, stop: Promise<'interrupted'>): Promise<void> {
  const failed = told.filter(({ ok }) => !ok).length;
  say(
    bold(
      failed === 0
        ? `\nall ${told.length} steps held`
        : `\n${failed} of ${told.length} steps failed; logs stay in ${stage.lab.dir} until the next lab`,
    ),
  );
  if (options.once) return;
  say(stage.lookAround());
  if (options.json) say(asJson(told));
  await stop;
}

function lookAround({ network }: Lab | ProgramsLab, natlbs: readonly NatlbRouter[]): string {
  const inside = (host: string) => `sudo ip netns exec ${network.host(host).namespace}`;
  return [
    '\nThe lab stays up until Ctrl-C. Look around:',
    `  ${inside('client')} curl http://${VIP}/            ${dim('# a request; again: the next server')}`,
    `  ${inside('client')} curl http://[${VIP6}]/`,
    ...natlbs.flatMap(({ runDir }) => [
      `  sudo ${REPOSITORY}/natlb status --run-dir ${runDir}`,
      `  sudo ${REPOSITORY}/natlb ipvsadm -Ln --run-dir ${runDir}`,
    ]),
    `  ${inside('active')} ip address                     ${dim('# eth0 and eth1 with the virtual addresses')}`,
    `  ${inside('active')} tcpdump -ni eth0`,
    `  tail -f ${natlbs.map(({ logFile }) => logFile).join(' ')}`,
    `  \${EDITOR:-vi} ${natlbs[0]?.configFile}             ${dim('# then: kill -HUP of its natlb run')}`,
  ].join('\n');
}

function asJson(steps: readonly StepReport[]): string {
  return JSON.stringify({ steps });
}

process.exit(await main());
