// Grading and keeping of answers, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";

import { summary } from "../../../book/src/widgets/progress.mjs";
import { grade } from "../../../book/src/widgets/quiz.mjs";
import { load, merge, parse, record, stringify } from "../../../book/src/widgets/store.mjs";

class Storage {
    kept = new Map();
    getItem(key) { return this.kept.get(key) ?? null; }
    setItem(key, value) { this.kept.set(key, value); }
}

test("a number may be off by its tolerance, and a comma is a point", () => {
    assert.equal(grade("number", "43.2", "43.2"), true);
    assert.equal(grade("number", "43.2", "43,2"), true);
    assert.equal(grade("number", "0.05", "0.051", 0.001), true);
    assert.equal(grade("number", "0.05", "0.06", 0.001), false);
    assert.equal(grade("number", "43.2", "much"), null);
    assert.equal(grade("number", "43.2", ""), null);
});

test("a choice and an order are right or not, and nothing is no answer", () => {
    assert.equal(grade("choose", "b", "b"), true);
    assert.equal(grade("choose", "b", "a"), false);
    assert.equal(grade("choose", "b", ""), null);
    assert.equal(grade("order", "a b c", "a c b"), false);
});

test("answers come back as they were kept", () => {
    const storage = new Storage();
    record("q00-reads", "recorded", true, storage, "2026-11-21T10:00:00.000Z");
    record("q00-reads", "current", false, storage, "2026-11-21T11:00:00.000Z");
    assert.deepEqual(load(storage), { "q00-reads": { answer: "current", right: false, at: "2026-11-21T11:00:00.000Z", tries: 2 } });
    assert.deepEqual(parse(stringify(load(storage))), load(storage));
});

test("a file that was cut off, is another or from the future is refused with the reason", () => {
    const whole = stringify({ "q00-reads": { answer: "a", right: true, at: "2026-11-21T10:00:00Z", tries: 1 } });
    assert.throws(() => parse(whole.slice(0, 40)), /cut off/);
    assert.throws(() => parse("[]"), /no answers/);
    assert.throws(() => parse(whole.replace('"format": 1', '"format": 2')), /newer book/);
    assert.throws(() => parse(whole.replace('"format": 1', '"format": 0')), /expected 1/);
});

test("foreign entries of a file are left out", () => {
    const file = JSON.stringify({ format: 1, answers: { "__proto__x": {}, "q00-reads": { answer: 1 }, "q01-ro": { answer: "host", right: true, at: "2026-11-21T10:00:00Z" } } });
    assert.deepEqual(Object.keys(parse(file)), ["q01-ro"]);
});

test("of two answers the later counts", () => {
    const early = { "q01-ro": { answer: "a", right: false, at: "2026-11-20T10:00:00Z", tries: 1 } };
    const late = { "q01-ro": { answer: "b", right: true, at: "2026-11-21T10:00:00Z", tries: 1 } };
    assert.equal(merge(early, late)["q01-ro"].answer, "b");
    assert.equal(merge(late, early)["q01-ro"].answer, "b");
});

test("progress is summed by chapter", () => {
    const one = { answer: "a", right: true, at: "2026-11-21T10:00:00Z", tries: 1 };
    assert.deepEqual(summary({ "q01-a": one, "q00-b": { ...one, right: false }, "q01-c": one }), [
        { chapter: 0, answered: 1, right: 0 },
        { chapter: 1, answered: 2, right: 2 },
    ]);
});
