// natlb.conf(5) says something of every keyword, and of nothing else.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BLOCKS } from '../../control/config/keywords/top.js';
import { MANUAL } from '../../control/config/manual/manual.js';
import { manualPage } from '../../control/config/manual/page.js';

/** Seen from dist/test/config. */
const PAGE = join(import.meta.dirname, '../../../control/config/manual/natlb.conf.5');

describe('natlb.conf(5)', () => {
  for (const { name, keywords } of BLOCKS) {
    test(`${name}: every keyword has a meaning, and every meaning a keyword`, () => {
      assert.deepEqual(Object.keys(MANUAL[name] ?? {}).sort(), [...keywords.keys()].sort());
    });
    test(`${name}: what is not honoured says what happens instead`, () => {
      const silent = [...keywords.values()].filter(({ set, without, happens }) => !set && without === undefined && happens === undefined);
      assert.deepEqual(
        silent.map((keyword) => keyword.name),
        [],
      );
    });
  }

  test('the page that is kept is the one that is made (REWRITE_GOLDEN=1 writes it)', () => {
    const page = manualPage(BLOCKS);
    if (process.env.REWRITE_GOLDEN !== undefined) writeFileSync(PAGE, page);
    assert.equal(readFileSync(PAGE, 'utf8'), page);
  });

  test('no line begins like a request of man(1) that was not meant', () => {
    const odd = manualPage(BLOCKS)
      .split('\n')
      .filter((line) => /^[.']/.test(line) && !/^\.(TH|SH|TP|B|BI|I|PP|\\")( |$)/.test(line));
    assert.deepEqual(odd, []);
  });
});
