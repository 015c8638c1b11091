// What a step of the story says: measured values as text for people, as JSON for programs.

/** Times end in Ms, rates in MBps, sizes in Bytes; `byServer` counts by name. */
export type Measured = Readonly<
  Record<string, number | string | boolean | readonly string[] | Readonly<Record<string, number>> | undefined>
>;

export interface Outcome {
  readonly ok: boolean;
  readonly measured: Measured;
  /** Output of a command worth seeing. */
  readonly shown?: string;
}

export interface Step<Subject> {
  readonly name: string;
  /** If this fails nothing that follows can hold. */
  readonly vital?: boolean;
  readonly run: (subject: Subject) => Promise<Outcome>;
}

export interface StepReport {
  readonly name: string;
  readonly ok: boolean;
  readonly measured: Measured;
}

const UNITS: readonly (readonly [suffix: string, unit: string])[] = [
  ['Ms', 'ms'],
  ['MBps', 'MB/s'],
  ['Bytes', 'bytes'],
];

/** Runs the steps in order and prints each as it ends; a step that throws has failed. `background` tells what else was said meanwhile. */
export async function tell<Subject>(steps: readonly Step<Subject>[], subject: Subject, background: () => string): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (const step of steps) {
    const outcome = await step.run(subject).catch((error: Error): Outcome => ({ ok: false, measured: { error: error.message } }));
    print(step.name, outcome, background());
    reports.push({ name: step.name, ok: outcome.ok, measured: outcome.measured });
    if (step.vital && !outcome.ok) break;
  }
  return reports;
}

function print(name: string, { ok, measured, shown }: Outcome, background: string): void {
  say(`${ok ? green('  ok  ') : red(' FAIL ')} ${name}\n       ${dim(sentence(measured))}`);
  if (shown) say(indent(shown));
  if (!ok) say(indent(background));
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** `{longestGapMs: 812, byServer: {a: 10, b: 9}}` → `longest gap 812 ms; a 10, b 9`. */
export function sentence(measured: Measured): string {
  return Object.entries(measured)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => (key === 'byServer' ? counts(value as Record<string, number>) : phrase(key, value)))
    .join('; ');
}

function phrase(key: string, value: unknown): string {
  const [suffix, unit] = UNITS.find(([suffix]) => key.endsWith(suffix)) ?? ['', ''];
  const words = key.slice(0, key.length - suffix.length).replace(/[A-Z]+/g, (letters) => ` ${letters.toLowerCase()}`);
  return [words, spoken(value), unit].filter(Boolean).join(' ');
}

function spoken(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.join(', ') || 'none';
  return typeof value === 'object' && value !== null ? counts(value as Record<string, number>) : String(value);
}

function counts(byName: Record<string, number>): string {
  const names = Object.keys(byName).sort();
  return names.length === 0 ? 'nobody' : names.map((name) => `${name} ${byName[name]}`).join(', ');
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '       | ');
}

const colour = (code: number) => (text: string) => (process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);
const green = colour(32);
const red = colour(31);
export const dim = colour(2);
export const bold = colour(1);
