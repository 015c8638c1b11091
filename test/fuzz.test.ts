// Each fuzz target for a while, from its seeds on. FUZZ_SECONDS says for how long; what is found stays in the message of the failure.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { outcome } from './doctest.js';
import { make, NATIVE_BUILD, NATIVE_TESTS } from './make.js';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 60);

const TARGETS = [
  {
    program: 'fuzz_forward',
    seeds: join(NATIVE_BUILD, 'seeds'),
    promise: 'the pipeline survives whatever frames, ICMP and quoted packets among them',
  },
  { program: 'fuzz_fragments', seeds: join(NATIVE_TESTS, 'corpus', 'fragments'), promise: 'the table of fragments agrees with its model' },
  { program: 'fuzz_ftp', seeds: join(NATIVE_TESTS, 'corpus', 'ftp'), promise: 'FTP text reads the same however it is cut' },
  { program: 'fuzz_flows', seeds: join(NATIVE_TESTS, 'corpus', 'flows'), promise: 'flows come and go as they should, whatever is played' },
] as const;

describe('fuzzers', { concurrency: 2 }, () => {
  for (const { program, seeds, promise } of TARGETS) {
    test(`${promise} (${program}, ${SECONDS} s)`, async () => {
      await make('fuzz');
      assert.ok(readdirSync(seeds).length > 5);
      const corpus = mkdtempSync(join(tmpdir(), 'natlb-corpus-')); // where libFuzzer keeps what it finds
      const limits = ['-seed=1', `-max_total_time=${SECONDS}`, '-max_len=8192', '-timeout=60'];
      const { failed, output } = await outcome(join(NATIVE_BUILD, program), [...limits, corpus, seeds], NATIVE_BUILD);
      rmSync(corpus, { recursive: true });
      assert.equal(failed, false, output.slice(-4000));
      assert.match(output, /Done [1-9]\d* runs/);
    });
  }
});
