// Settings of the kernel for one interface: /proc/sys/net/ipv4/conf, as the network namespace of this process has it. sysctl(8).

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const DIRECTORY = '/proc/sys/net/ipv4/conf';

/** `all` and `default` among them. */
export function configuredInterfaces(): readonly string[] {
  return readdirSync(DIRECTORY);
}

/** Undefined: there is no such interface, or no such setting. */
export function readSetting(name: string, setting: string): number | undefined {
  try {
    return Number(readFileSync(`${DIRECTORY}/${name}/${setting}`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Throws with a message for the operator. */
export function writeSetting(name: string, setting: string, value: number): void {
  try {
    writeFileSync(`${DIRECTORY}/${name}/${setting}`, String(value));
  } catch (error) {
    throw new Error(`cannot set net.ipv4.conf.${name}.${setting} to ${value}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
