// A configuration file → a frozen Config and everything that is wrong with it. The one path for start, reload and `natlb check`.

import { check } from './check.js';
import type { RuleFileDraft, TopDraft } from './draft.js';
import { type ExpandOptions, expand, type Files } from './expand.js';
import { finish } from './finish.js';
import type { MarkRule } from './firewall/rule.js';
import { kernelNames } from './kernel-names.js';
import { type Context, readBlock, reportUnhonoured } from './keyword.js';
import { blocksOf, topBlock } from './keywords/top.js';
import { readRules } from './marks.js';
import type { Config, Finding } from './model.js';
import { type Programs, settle, usualUser } from './programs.js';
import { createReport, type Report } from './report.js';
import { statements } from './tree.js';
import { readUsers, type Users } from './users.js';

export interface LoadOptions {
  /** What is known of programs and who runs them. */
  readonly programs?: Programs;

  /** What `@id` lines are compared with. */
  readonly configId?: string;
  /** The router_id of a configuration that has none. */
  readonly hostName?: string;
  /** Where ${_ENV NAME} looks. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What the path of the file is relative to. */
  readonly workingDirectory?: string;
}

export interface Loaded {
  /** What can be run once everything an error is about is left out. Absent: nothing can. */
  readonly config?: Config;
  readonly findings: readonly Finding[];
}

/** Looking for what somebody meant takes time, so only the first so many mistakes get a hint. */
const HINTS = 1000;
/** keepalived's, for rules without one: counted down from here. */
const FIRST_RULE_PRIORITY = 16_384;

export function load(file: string, readFile: Files['readFile'], glob: Files['glob'], options: LoadOptions = {}): Loaded {
  const report = createReport();
  const { lines, files } = expand(file, { readFile, glob }, expandOptions(options), report);
  const users = usersOf(readFile);
  const context: Context = {
    readFile,
    report,
    unhonoured: new Map(),
    programs: [],
    users,
    blocksOf,
    ...kernelWords({ readFile, glob }),
    hints: HINTS,
  };
  const top = emptyDraft();
  readBlock(top, topBlock(top), statements(lines, report), context);
  if (report.gaveUp) return { findings: report.findings([...files]) };
  reportUnhonoured(context);
  settlePrograms(context, top, options.programs);
  const rules = top.settings.ruleFiles.flatMap((rules) => rulesIn(rules, readFile, report));
  const config = finish(top, { file, hostName: options.hostName ?? '', rules, report });
  for (const finding of check(config)) report.add(finding);
  return { config, findings: report.findings([...files, ...top.settings.ruleFiles.map((rules) => rules.file)]) };
}

function kernelWords(files: Files): Pick<Context, 'kernelNames' | 'rulePriorities'> {
  return { kernelNames: kernelNames(files), rulePriorities: { 4: FIRST_RULE_PRIORITY, 6: FIRST_RULE_PRIORITY } };
}

function expandOptions({ configId = '', hostName = '', environment, workingDirectory }: LoadOptions): ExpandOptions {
  return {
    configId,
    machine: hostName,
    ...(environment === undefined ? {} : { environment }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
  };
}

function emptyDraft(): TopDraft {
  return {
    places: {},
    global: { places: {} },
    settings: { places: {}, marks: [], ruleFiles: [] },
    statics: { addresses: [], routes: [], rules: [] },
    trackGroups: [],
    instances: [],
    syncGroups: [],
    groups: [],
    garpGroups: [],
    virtualServers: [],
    trackScripts: [],
    trackFiles: [],
    trackProcesses: [],
    bfdInstances: [],
    linkDelays: [],
  };
}

function rulesIn({ file, place }: RuleFileDraft, readFile: Files['readFile'], report: Report): readonly MarkRule[] {
  const text = readFile(file);
  if (typeof text !== 'string') {
    report.error(place, `cannot read ${file}: ${text.message}`);
    return [];
  }
  const { rules, problem } = readRules(file, text);
  if (problem !== undefined) report.error({ file, line: 1, column: 1 }, problem);
  return rules;
}

/** Read when somebody is asked for. */
function usersOf(readFile: Files['readFile']): Users {
  let users: Users | undefined;
  const read = (): Users => {
    const [passwd, groups] = ['/etc/passwd', '/etc/group'].map((file) => readFile(file));
    return readUsers(typeof passwd === 'string' ? passwd : '', typeof groups === 'string' ? groups : '');
  };
  return {
    find: (name, group) => {
      users ??= read();
      return users.find(name, group);
    },
  };
}

function settlePrograms(
  { report, programs: read, users }: Context,
  { global, trackScripts }: TopDraft,
  programs: Programs | undefined,
): void {
  const { scriptSecurity: secured = false } = global;
  const user = global.scriptUser ?? usualUser(users);
  if (user !== undefined) global.scriptUser = user;
  const tracked = new Set(trackScripts.flatMap(({ script }) => script ?? []));
  const findings = settle(read, { secured, tracked, ...(user && { user }), ...(programs && { programs }) });
  for (const finding of findings) report.add(finding);
}
