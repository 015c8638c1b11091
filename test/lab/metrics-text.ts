// Reads a page in the Prometheus text format, as far as the lab asks about it.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function parseMetrics(page: string): Sample[] {
  return page
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseSample);
}

/** The sum over all samples of that name; an absent metric is an error, not 0. */
export function sumOf(samples: readonly Sample[], name: string): number {
  const named = samples.filter((sample) => sample.name === name);
  if (named.length === 0) throw new Error(`no metric ${name} on the page`);
  return named.reduce((sum, sample) => sum + sample.value, 0);
}

function parseSample(line: string): Sample {
  const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
  if (!name) throw new Error(`not a line of a metrics page: ${line}`);
  return { name, labels: parseLabels(labels), value: parseValue(value) };
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries([...pairs].map(([, name, value]) => [name ?? '', value ?? '']));
}

function parseValue(text: string): number {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (text !== 'NaN' && Number.isNaN(value)) throw new Error(`not a number on the metrics page: ${text}`);
  return value;
}
