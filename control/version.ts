// The version of natlb, which stands in package.json alone.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function packageVersion(): string {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version;
}
