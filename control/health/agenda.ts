// What is due when: a heap of things with their times, so that thousands of checks need one timer.

interface Entry<Item> {
  readonly item: Item;
  readonly at: number;
}

/** An entry that was replaced or deleted stays in the heap until it comes up, or until there are too many of them. */
export class Agenda<Item> {
  #heap: Entry<Item>[] = [];
  readonly #valid = new Map<Item, Entry<Item>>();

  get size(): number {
    return this.#valid.size;
  }

  /** When the first is due. */
  get next(): number | undefined {
    this.#dropStale();
    return this.#heap[0]?.at;
  }

  /** Each item has one time; a new one replaces the old. */
  set(item: Item, at: number): void {
    const entry = { item, at };
    this.#valid.set(item, entry);
    if (this.#heap.length > 2 * this.#valid.size + 16) this.#heap = this.#heap.filter((each) => this.#isValid(each)).sort(byTime);
    this.#rise(entry);
  }

  delete(item: Item): void {
    this.#valid.delete(item);
  }

  /** The first, if it is due. */
  take(now: number): Entry<Item> | undefined {
    this.#dropStale();
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.#valid.delete(first.item);
    this.#removeFirst();
    return first;
  }

  #isValid(entry: Entry<Item>): boolean {
    return this.#valid.get(entry.item) === entry;
  }

  #dropStale(): void {
    for (let first = this.#heap[0]; first !== undefined && !this.#isValid(first); first = this.#heap[0]) this.#removeFirst();
  }

  #rise(entry: Entry<Item>): void {
    let place = this.#heap.length;
    for (;;) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (place === 0 || parent === undefined || parent.at <= entry.at) break;
      this.#heap[place] = parent;
      place = above;
    }
    this.#heap[place] = entry;
  }

  /** The last one takes its place, and sinks. */
  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let place = 0;
    for (;;) {
      const child = this.#earlierChild(place);
      const entry = this.#heap[child];
      if (entry === undefined || entry.at >= last.at) break;
      this.#heap[place] = entry;
      place = child;
    }
    this.#heap[place] = last;
  }

  #earlierChild(place: number): number {
    const [left, right] = [this.#heap[2 * place + 1], this.#heap[2 * place + 2]];
    return left !== undefined && right !== undefined && right.at < left.at ? 2 * place + 2 : 2 * place + 1;
  }
}

function byTime<Item>(one: Entry<Item>, other: Entry<Item>): number {
  return one.at - other.at;
}
