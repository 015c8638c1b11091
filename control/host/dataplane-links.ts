// The interfaces the data plane is on: which of them are there, and when one is not the one it opened any more.

import type { NamedInterface } from './netlink.js';

export interface DataplaneLinksOptions {
  readonly host: {
    readonly interfaces: readonly Pick<NamedInterface, 'name' | 'index'>[];
    onLinkChange(callback: () => void): () => void;
  };
  readonly wanted: readonly string[];
  /** Interfaces may be missing (`dynamic_interfaces`); without that all are asked for, and those that are missing refused. */
  readonly mayBeMissing: boolean;
  /** What is there now is not what was opened. */
  readonly onRenewed: (interfaces: readonly string[], which: readonly string[]) => void;
}

export class DataplaneLinks {
  private readonly options: DataplaneLinksOptions;
  private readonly stopListening: () => void;
  private opened: ReadonlyMap<string, number>;

  constructor(options: DataplaneLinksOptions) {
    this.options = options;
    this.opened = this.indices();
    this.stopListening = options.host.onLinkChange(() => this.look());
  }

  get interfaces(): readonly string[] {
    const { wanted, mayBeMissing } = this.options;
    return mayBeMissing ? wanted.filter((name) => this.opened.has(name)) : wanted;
  }

  close(): void {
    this.stopListening();
  }

  private look(): void {
    const now = this.indices();
    const renewed = [...now].filter(([name, index]) => this.opened.get(name) !== index).map(([name]) => name);
    if (renewed.length === 0) return;
    // One that is missing meanwhile is none that can be opened.
    this.opened = now;
    this.options.onRenewed([...now.keys()], renewed);
  }

  private indices(): ReadonlyMap<string, number> {
    const there = new Map(this.options.host.interfaces.map(({ name, index }) => [name, index]));
    return new Map(this.options.wanted.flatMap((name) => (there.has(name) ? [[name, there.get(name) ?? 0] as const] : [])));
  }
}
