// What the main thread and the render thread say to each other. Plain data: it is copied between threads.

import type { Status } from '../status.js';

/** What the render thread is started with. */
export interface RenderStart {
  readonly address: string;
  readonly port: number;
}

export type ToRender =
  | { readonly kind: 'status'; readonly id: number; readonly status: Status; readonly loopLagSeconds: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

export type FromRender =
  | { readonly kind: 'listening'; readonly address: string; readonly port: number }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'ask'; readonly id: number };
