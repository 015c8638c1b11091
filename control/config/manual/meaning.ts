// What keywords mean, for natlb.conf(5). What they take, and whether they are honoured, their tables say.

/** Its default, or '' where there is none, and what it means, in one or two sentences. */
export type Meaning = readonly [absent: string, text: string];

export type Meanings = Readonly<Record<string, Meaning>>;
