// Routes and rules of this host: added, removed, and looked at whether they are still there.

import type { Route, Rule } from '../config/kernel.js';
import { OWN_PROTOCOL } from '../config/kernel.js';
import { addon } from './addon.js';
import { type Ask, GONE_ALREADY, perform, THERE_ALREADY } from './ask.js';
import { addRoute, type IndexOf, listRoutes, readRouteKey, removeRoute, routeKey } from './route-message.js';
import { addRule, listRules, readRuleKey, removeRule, ruleKey } from './rule-message.js';

export interface RoutingOptions {
  readonly ask: Ask;
  readonly indexOf: IndexOf;
  /** Of the kernel's news; 0: its default. */
  readonly bufferBytes: number;
}

const FAMILIES = [4, 6] as const;

export class Routing {
  private readonly options: RoutingOptions;
  private readonly listeners = new Set<() => void>();
  private news: { drain(): boolean; close(): void } | undefined;

  constructor(options: RoutingOptions) {
    this.options = options;
  }

  addRoute(route: Route): void {
    perform(this.options.ask, addRoute(route, this.options.indexOf), `add the route ${route.text}`, THERE_ALREADY);
  }

  /** Gone with its interface: nothing to remove. */
  removeRoute(route: Route): void {
    if (route.hops.some(({ device }) => device !== undefined && this.options.indexOf(device) === undefined)) return;
    perform(this.options.ask, removeRoute(route, this.options.indexOf), `remove the route ${route.text}`, GONE_ALREADY);
  }

  addRule(rule: Rule): void {
    perform(this.options.ask, addRule(rule), `add the rule ${rule.text}`, THERE_ALREADY);
  }

  removeRule(rule: Rule): void {
    perform(this.options.ask, removeRule(rule), `remove the rule ${rule.text}`, GONE_ALREADY);
  }

  /** Of routes with our mark, those that are not there. Throws when the kernel does not say. */
  missingRoutes(wanted: readonly Route[]): readonly Route[] {
    const there = this.list('routes', wanted, listRoutes, readRouteKey);
    return wanted.filter((route) => !there.has(routeKey(route)));
  }

  missingRules(wanted: readonly Rule[]): readonly Rule[] {
    const there = this.list('rules', wanted, listRules, readRuleKey);
    return wanted.filter((rule) => !there.has(ruleKey(rule)));
  }

  /** Calls back when something may have happened to routes or rules with our mark. The kernel does not tell of all that a link takes along. */
  onChange(callback: () => void): () => void {
    const listener = () => callback();
    this.listeners.add(listener);
    this.news ??= new addon.RouteMonitor(() => this.hear(), OWN_PROTOCOL, this.options.bufferBytes);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.listeners.clear();
    this.news?.close();
    this.news = undefined;
  }

  private hear(): void {
    if (this.news?.drain()) for (const listener of [...this.listeners]) listener();
  }

  private list(
    what: string,
    wanted: readonly { readonly family: 4 | 6 }[],
    question: (family: 4 | 6) => Uint8Array,
    read: (bytes: Uint8Array) => string | undefined,
  ): ReadonlySet<string> {
    const families = FAMILIES.filter((family) => wanted.some((each) => each.family === family));
    const answers = families.map((family) => this.options.ask(question(family)));
    for (const { code, error } of answers) if (code !== 0) throw new Error(`cannot list ${what}: ${error}`);
    return new Set(answers.flatMap(({ messages }) => messages.flatMap((bytes) => read(bytes) ?? [])));
  }
}
