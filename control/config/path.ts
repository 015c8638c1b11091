// File names as `include` writes them: relative to the including file, with or without wildcards.

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash > 0 ? path.slice(0, slash) : slash === 0 ? '/' : '.';
}

export function resolvePath(directory: string, name: string): string {
  if (name.startsWith('/') || directory === '.') return normal(name);
  return normal(`${directory}/${name}`);
}

export function hasWildcard(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** Without `.` and `..`, so that one file has one name and a loop is seen. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/');
}
