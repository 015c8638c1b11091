// test/CONFORMANCE.md: each requirement with the tests whose titles name it, or with the reason why none does. Pure: texts in, text out.

import { DOCUMENTS, type Requirement } from './requirements.js';

/** A test that names requirements at the end of its title: `a sentence [4787-6 5382-5]`. */
export interface Proof {
  readonly file: string;
  readonly title: string;
  readonly ids: readonly string[];
}

const ALL: readonly Requirement[] = DOCUMENTS.flatMap(({ requirements }) => requirements);

/** How titles of tests are written where tests are. */
const TITLES: Readonly<Record<string, RegExp>> = {
  '.txt': /^# (.*)$/gm,
  '.ts': /\btest\(\s*(?:'((?:[^'\\\n]|\\.)*)'|`([^`$]*)`)/g,
  '.cc': /\bTEST_CASE\("((?:[^"\\\n]|\\.)*)"\)/g,
};
/** A transcript is one test, and its first line the title. */
const TRANSCRIPT = /^(.*)/;
const TAG = /^(.*\S)\s+\[((?:\d{4}-[0-9a-z.]+)(?: \d{4}-[0-9a-z.]+)*)\]$/;

/** The proofs in one file. */
export function proofsIn(file: string, text: string): Proof[] {
  const titles = TITLES[/\.\w+$/.exec(file)?.[0] ?? ''];
  const found = file.includes('/transcripts/') ? [TRANSCRIPT.exec(text) ?? []] : titles === undefined ? [] : [...text.matchAll(titles)];
  return found.flatMap(([, ...groups]): Proof[] => {
    const [, title, ids] = TAG.exec(groups.find((group) => group !== undefined) ?? '') ?? [];
    return title === undefined || ids === undefined ? [] : [{ file, title: title.replaceAll("\\'", "'"), ids: ids.split(' ') }];
  });
}

/** What is wrong between requirements and proofs: one sentence each. */
export function gaps(proofs: readonly Proof[], requirements: readonly Requirement[] = ALL): string[] {
  const known = new Set(requirements.map(({ id }) => id));
  const proved = new Set(proofs.flatMap(({ ids }) => ids));
  return [
    ...requirements.filter(({ id }, at) => requirements.findIndex((one) => one.id === id) < at).map(({ id }) => `${id} stands there twice`),
    ...proofs.flatMap(({ file, ids }) => ids.filter((id) => !known.has(id)).map((id) => `${file} names ${id}, which is no requirement`)),
    ...requirements
      .filter(({ id, exempt }) => exempt === undefined && !proved.has(id))
      .map(({ id }) => `${id} has neither a test nor a reason`),
    ...requirements
      .filter(({ id, exempt }) => exempt !== undefined && proved.has(id))
      .map(({ id }) => `${id} has a test and a reason for none`),
  ];
}

export function page(proofs: readonly Proof[]): string {
  const sections = DOCUMENTS.flatMap(({ rfc, title, requirements }) => [
    `## RFC ${rfc}: ${title}`,
    '',
    '| id | level | what it asks | proved by, or why not |',
    '|---|---|---|---|',
    ...requirements.map((one) => row(one, proofs)),
    '',
  ]);
  return [...HEAD, '', ...sections].join('\n');
}

const HEAD = [
  '# What the RFCs ask of a NAT and of a VRRP router, and what natlb does',
  '',
  'Made by `REWRITE=1 node --test dist/test/conformance.test.js` from `test/conformance/requirements.ts` and the titles of the tests that name a',
  'requirement; a requirement with neither a test nor a reason fails the build. natlb translates the *target* of what clients send to a',
  'service, and back; what an RFC asks about the *source* of connections that inside hosts open does not arise, and is said so row by row.',
  'Rows of RFC 9568 are numbered as natlb counts them; some are errata of it, of RFC 3768, or what keepalived made of both.',
];

function row({ id, level, says, exempt }: Requirement, proofs: readonly Proof[]): string {
  const own = proofs.filter(({ ids }) => ids.includes(id)).map(({ file, title }) => `${title} (\`${file}\`)`);
  return `| ${id} | ${level} | ${says} | ${(exempt ?? own.join('<br>')).replaceAll('|', '\\|')} |`;
}
