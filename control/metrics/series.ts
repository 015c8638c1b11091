// What stands on /metrics: one row per metric, each a function of one sample. A fresh registry per scrape, so what is gone leaves no series.
// Names follow the Prometheus rules; the node_ipvs_* rows are node_exporter's own names and labels, for dashboards that exist,
// and the keepalived_* rows those of keepalived's exporters.

import { Counter, Gauge, Registry } from 'prom-client';
import { dataplaneMetrics, deviceMetrics } from './dataplane-metrics.js';
import { ipvsMetrics } from './ipvs-metrics.js';
import { keepalivedMetrics } from './keepalived-metrics.js';
import type { Labels, Metric, Point, Sample } from './metric.js';
import { processMetrics, programMetrics } from './program-metrics.js';
import { destinationMetrics, healthMetrics, trafficMetrics } from './service-metrics.js';
import { trackMetrics } from './track-metrics.js';
import { vrrpMetrics } from './vrrp-metrics.js';

export const METRICS: readonly Metric[] = [
  ...programMetrics,
  ...processMetrics,
  ...dataplaneMetrics,
  ...deviceMetrics,
  ...trafficMetrics,
  ...destinationMetrics,
  ...healthMetrics,
  ...vrrpMetrics,
  ...trackMetrics,
  ...ipvsMetrics,
  ...keepalivedMetrics,
];

/** A name that ends in _total is a counter, every other a gauge. A metric without a point is left out: unknown is not zero. */
export function collect(sample: Sample): Registry {
  const registry = new Registry();
  for (const metric of METRICS) register(registry, metric, metric.points(sample));
  return registry;
}

function register(registry: Registry, { name, help }: Metric, points: readonly Point[]): void {
  const [first] = points;
  if (first === undefined) return;
  const options = { name, help, labelNames: Object.keys(first[0]), registers: [registry] };
  const add = name.endsWith('_total') ? adderOf(new Counter(options)) : adderOf(new Gauge(options));
  for (const [labels, value] of points) add(labels, value);
}

function adderOf(metric: Counter | Gauge): (labels: Labels, value: number) => void {
  return (labels, value) => metric.inc(labels, value);
}
