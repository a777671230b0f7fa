/** The lists and tables of what waits: what others do while one is walked, and numbers. */
import { join } from 'node:path';
import test from 'ava';
import type * as callbacks from '../lib/memory/callbacks';
import type * as settlers from '../lib/memory/settlers';
import { root } from './helpers/temporary';

const { Callbacks }: typeof callbacks = require(join(root, 'dist', 'memory', 'callbacks.js'));
const { Settlers }: typeof settlers = require(join(root, 'dist', 'memory', 'settlers.js'));

test('callbacks are called in their order, with what happened', (t) => {
  const list = new Callbacks<string>();
  const called: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((name) => list.add((what) => called.push(name + what)));
  list.callAll('1');
  t.true(b?.remove());
  t.false(b?.remove());
  t.is(list.first, a);
  list.callAll('2');
  t.true(a?.remove());
  t.is(list.first, c);
  t.true(c?.remove());
  t.is(list.first, undefined);
  list.callAll('3');
  t.deepEqual(called, ['a1', 'b1', 'c1', 'a2', 'c2']);
});

test('callbacks remove themselves and others, and add, while they are called', (t) => {
  const list = new Callbacks<void>();
  const called: string[] = [];
  const itself = list.add(() => {
    called.push('itself');
    itself.remove();
  });
  const adding = list.add(() => {
    called.push('adding');
    list.add(() => called.push('added'));
    behind.remove();
    adding.remove();
  });
  const behind = list.add(() => called.push('behind'));
  list.add(() => called.push('last'));
  list.callAll();
  t.deepEqual(called, ['itself', 'adding', 'last']);
  list.callAll();
  t.deepEqual(called.slice(3), ['last', 'added']);
});

test('what has settled is found no more, whatever else is pending', (t) => {
  const table = new Settlers<number>();
  const pending = new Map<number, number>();
  const given = new Set<number>();
  for (let round = 0; round < 20_000; round++) {
    const id = table.add(round);
    if (given.has(id)) t.fail(`${id} is given twice`);
    given.add(id);
    pending.set(id, round);
    // Now many are pending, now few; each thousandth stays for long.
    const most = round % 5000 < 2500 ? 700 : 20;
    for (const [old, value] of pending) {
      if (pending.size <= most) break;
      if (value % 1000 === 0 && round - value < 9000) continue;
      if (table.take(old) !== value) t.fail(`${old} is lost`);
      if (table.take(old) !== undefined) t.fail(`${old} is taken twice`);
      pending.delete(old);
    }
  }
  for (const [id, value] of pending) t.is(table.take(id), value);
  t.is(table.take(0), undefined);
});
