// What is due when: a heap of things with their times, so that thousands of checks need one timer.

interface Entry<Item> {
  readonly item: Item;
  at: number;
}

export class Agenda<Item> {
  readonly #heap: Entry<Item>[] = [];
  readonly #places = new Map<Item, number>();

  get size(): number {
    return this.#heap.length;
  }

  /** When the first is due. */
  get next(): number | undefined {
    return this.#heap[0]?.at;
  }

  /** Each item has one time; a new one replaces the old. */
  set(item: Item, at: number): void {
    this.delete(item);
    this.#heap.push({ item, at });
    this.#places.set(item, this.#heap.length - 1);
    this.#rise(this.#heap.length - 1);
  }

  delete(item: Item): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#heap.pop();
    if (last === undefined || place === this.#heap.length) return;
    this.#put(last, place);
    this.#rise(place);
    this.#sink(this.#places.get(last.item) ?? place);
  }

  /** The first, if it is due. */
  take(now: number): { readonly item: Item; readonly at: number } | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.delete(first.item);
    return first;
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0 && this.#earlier(place, (place - 1) >> 1)) {
      this.#swap(place, (place - 1) >> 1);
      place = (place - 1) >> 1;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const child = this.#earlier(right, left) ? right : left;
      if (!this.#earlier(child, place)) return;
      this.#swap(place, child);
      place = child;
    }
  }

  #earlier(one: number, other: number): boolean {
    return (this.#heap[one]?.at ?? Number.POSITIVE_INFINITY) < (this.#heap[other]?.at ?? Number.POSITIVE_INFINITY);
  }

  #swap(one: number, other: number): void {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined) return;
    this.#put(first, other);
    this.#put(second, one);
  }

  #put(entry: Entry<Item>, place: number): void {
    this.#heap[place] = entry;
    this.#places.set(entry.item, place);
  }
}
