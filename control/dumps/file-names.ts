// Where a dump goes. keepalived writes below /tmp; natlb never writes where others may.

/** `part`: what is put before the dot, as in keepalived_check.data. */
export interface DumpFile {
  readonly usual: string;
  readonly part?: string;
  readonly configured?: string;
  readonly instance?: string;
}

export interface Destination {
  readonly directory: string;
  readonly name: string;
}

export function destinationOf({ usual, part = '', configured, instance }: DumpFile, runDir: string): Destination {
  const path = configured ?? '';
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1) || usual;
  const directory = path.startsWith('/') ? path.slice(0, slash) || '/' : runDir;
  const dot = name.includes('.') ? name.lastIndexOf('.') : name.length;
  const suffix = `${part}${instance === undefined ? '' : `.${instance}`}`;
  return { directory, name: `${name.slice(0, dot)}${suffix}${name.slice(dot)}` };
}
