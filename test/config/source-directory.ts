// Where the files beside these tests stand: the compiled tests run from dist/, what they read stays in the source tree.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function sourceDirectory(name: string): string {
  for (let root = import.meta.dirname; root !== dirname(root); root = dirname(root)) {
    const candidate = join(root, 'test', 'config', name);
    if (existsSync(join(root, 'package.json')) && existsSync(candidate)) return candidate;
  }
  throw new Error(`there is no test/config/${name} above ${import.meta.dirname}`);
}
