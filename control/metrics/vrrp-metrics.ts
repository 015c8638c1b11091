// Metrics of the VRRP instances.

import type { InstanceStatus, VrrpCounters, VrrpState } from '../status.js';
import { bool, type Labels, type Metric, type Point, seconds } from './metric.js';

function instanceLabels({ name, interface: device, virtualRouterId }: InstanceStatus): Labels {
  return { instance: name, interface: device, vrid: virtualRouterId };
}

function instanceMetric(name: string, help: string, read: (instance: InstanceStatus) => number): Metric {
  return { name, help, points: ({ status }) => status.instances.map((instance) => [instanceLabels(instance), read(instance)]) };
}

const VRRP_STATES: readonly VrrpState[] = ['init', 'backup', 'master', 'fault'];

/** Label value → the counter behind it. */
const ADVERT_ERRORS: Readonly<Record<string, keyof VrrpCounters>> = {
  length: 'lengthErrors',
  ttl: 'ttlErrors',
  invalid_type: 'invalidType',
  advert_interval: 'advertIntervalErrors',
  address_list: 'addressListErrors',
  checksum: 'checksumErrors',
  version: 'versionErrors',
  unknown_vrid: 'unknownVrid',
  auth_invalid_type: 'authInvalidType',
  auth_type_mismatch: 'authTypeMismatch',
  auth_failure: 'authFailure',
  auth_ext_missing: 'authExtMissing',
  auth_ext_malformed: 'authExtMalformed',
  auth_ext_unknown_key: 'authExtUnknownKey',
  auth_ext_invalid_hmac: 'authExtInvalidHmac',
  auth_ext_stale: 'authExtStale',
  auth_ext_replay: 'authExtReplay',
  unicast_source: 'unicastSourceErrors',
  ignored_as_owner: 'ignoredAsOwner',
  own_address: 'fromOwnAddress',
};

export const vrrpMetrics: readonly Metric[] = [
  {
    name: 'natlb_vrrp_state',
    help: 'State of a VRRP instance: 1 for the state it is in, 0 for the others.',
    points: ({ status }) =>
      status.instances.flatMap((instance) =>
        VRRP_STATES.map((state): Point => [{ ...instanceLabels(instance), state }, bool(state === instance.state)]),
      ),
  },
  instanceMetric('natlb_vrrp_priority', 'Priority a VRRP instance has now.', ({ priority }) => priority),
  instanceMetric(
    'natlb_vrrp_last_transition_timestamp_seconds',
    'When the state of a VRRP instance last changed; 0 = never.',
    ({ lastTransitionMs }) => seconds(lastTransitionMs),
  ),
  instanceMetric('natlb_vrrp_adverts_received_total', 'Adverts received.', ({ counters }) => counters.advertsReceived),
  instanceMetric('natlb_vrrp_adverts_sent_total', 'Adverts sent.', ({ counters }) => counters.advertsSent),
  instanceMetric('natlb_vrrp_became_master_total', 'Transitions to master.', ({ counters }) => counters.becameMaster),
  instanceMetric('natlb_vrrp_released_master_total', 'Transitions from master.', ({ counters }) => counters.releasedMaster),
  instanceMetric('natlb_vrrp_priority_zero_received_total', 'Adverts received by which a master resigned.', (instance) => {
    return instance.counters.priorityZeroReceived;
  }),
  instanceMetric('natlb_vrrp_priority_zero_sent_total', 'Adverts sent to resign as master.', ({ counters }) => counters.priorityZeroSent),
  {
    name: 'natlb_vrrp_advert_errors_total',
    help: 'Adverts with something wrong, by reason.',
    points: ({ status }) =>
      status.instances.flatMap((instance) =>
        Object.entries(ADVERT_ERRORS).map(
          ([reason, counter]): Point => [{ ...instanceLabels(instance), reason }, instance.counters[counter]],
        ),
      ),
  },
];
