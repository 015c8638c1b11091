// A metrics page as series → value, so that tests speak of series and not of lines.

export type Page = ReadonlyMap<string, number>;

export function readPage(text: string): Page {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

export function named(page: Page, name: string): Page {
  return new Map([...page].filter(([series]) => series === name || series.startsWith(`${name}{`)));
}

export function sum(page: Page): number {
  return [...page.values()].reduce((total, value) => total + value, 0);
}
