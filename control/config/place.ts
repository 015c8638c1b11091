// What blocks of every kind have: where something was written, and programs to be run. Types only.

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** In a block that a definition stands for: where it was asked for. */
  readonly usedAt?: Place;
}

/** Where the values of a block were written: keyword → place; `block` is the block's own first word. Absent = not written. */
export type Places = Readonly<Record<string, Place>>;

/** A program with its arguments. */
export interface Script {
  readonly argv: readonly string[];
  /** Absent: the user natlb runs as. */
  readonly user?: ScriptUser;
  /** Why it is never run: it was not there, or not safe, when the configuration was read. */
  readonly disabled?: string;
  readonly place: Place;
}

export interface ScriptUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** With all groups of the user; else with `gid` alone. */
  readonly allGroups?: true;
}
