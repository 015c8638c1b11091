// File name patterns as `include` takes them: `*`, `?`, `[…]` and `{a,b}`, none of which crosses a slash.

export type ListDirectory = (path: string) => readonly string[];

/** Every existing file that matches, sorted. */
export function glob(pattern: string, list: ListDirectory): string[] {
  const found = alternatives(pattern).flatMap((path) => descend(path.startsWith('/') ? '/' : '', path.split('/').filter(Boolean), list));
  return [...new Set(found)].sort();
}

function descend(directory: string, [segment, ...rest]: readonly string[], list: ListDirectory): string[] {
  if (segment === undefined) return [directory];
  const matcher = matcherOf(segment);
  const names = segment === '..' ? [segment] : list(directory === '' ? '.' : directory).filter((name) => matches(name, segment, matcher));
  return names.flatMap((name) => descend(directory === '' || directory === '/' ? directory + name : `${directory}/${name}`, rest, list));
}

/** A name that starts with a dot is hidden from a pattern that does not. */
function matches(name: string, segment: string, matcher: RegExp): boolean {
  return (!name.startsWith('.') || segment.startsWith('.')) && matcher.test(name);
}

function matcherOf(segment: string): RegExp {
  const source = segment.replace(/\[!?[^\]]*\]|[*?]|[.+^${}()|[\]\\]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.length > 2 ? characterClass(part) : `\\${part}`;
  });
  return new RegExp(`^${source}$`, 'u');
}

function characterClass(part: string): string {
  const negated = part.startsWith('[!');
  const members = part.slice(negated ? 2 : 1, -1).replace(/[\\^[\]]/g, '\\$&');
  return /^$|[^-]-[^-]/.test(members) && !ordered(members) ? '[^/]' : `[${negated ? '^' : ''}${members}]`;
}

/** A range that runs backwards would not compile. */
function ordered(members: string): boolean {
  return [...members.matchAll(/([^-])-([^-])/g)].every(([, from = '', to = '']) => from <= to);
}

/** `{a,b}` written out; braces may stand in braces. */
export function alternatives(pattern: string, limit = 1000): string[] {
  const open = pattern.lastIndexOf('{');
  const close = pattern.indexOf('}', open);
  if (open === -1 || close === -1) return [pattern];
  const choices = pattern.slice(open + 1, close).split(',');
  const written = choices.map((choice) => pattern.slice(0, open) + choice + pattern.slice(close + 1));
  return written.slice(0, limit).flatMap((path) => alternatives(path, limit / written.length));
}
