// Where something is written.

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where the values of a block were written: keyword → place; `block` is the block's own first word. Absent = not written. */
export type Places = Readonly<Record<string, Place>>;
