// The one clock of a simulated world: a queue of what is due, and a time that jumps from one thing to the next.

interface Due {
  readonly at: number;
  readonly task: () => void;
}

/** A binary heap. Things due at the same moment come in an order that is the same every time, but not otherwise promised. */
export class Clock {
  now = 0;
  readonly #heap: Due[] = [];

  at(time: number, task: () => void): void {
    const heap = this.#heap;
    const due = { at: Math.max(time, this.now), task };
    let hole = heap.length;
    heap.push(due);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (heap[parent]!.at <= due.at) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = due;
  }

  after(delayMs: number, task: () => void): void {
    this.at(this.now + delayMs, task);
  }

  /** Plays everything that is due until `endsAt`. */
  run(endsAt: number): void {
    for (let due = this.#heap[0]; due !== undefined && due.at <= endsAt; due = this.#heap[0]) {
      this.#removeFirst();
      this.now = due.at;
      due.task();
    }
    this.now = endsAt;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let hole = 0;
    for (let child = 1; child < heap.length; child = 2 * hole + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
  }
}
