// What lab pages say of a state, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";

import { badge, line, summary } from "../../../book/src/widgets/live.mjs";

const looked = (verdict, more = {}) => ({ id: "a", title: "t", verdict, message: "is wrong", waiting: null, follows: null, cause: [], look: "kubectl get x", experiment: false, graded: null, ...more });
const needs = graded => looked("unknown", { experiment: true, graded });
const task = (verdict, ...checks) => ({ id: "t", verdict, toRun: checks.filter(check => check.experiment).length, checks });

test("a task is green as soon as nothing that is seen is wrong", () => {
    assert.deepEqual(badge(task("pass", looked("pass"))), ["pass", "pass"]);
    assert.deepEqual(badge(task("pass", looked("pass"), needs(null))), ["pass so far", "pass"]);
    assert.deepEqual(badge(task("pass", looked("pass"), needs("pass"))), ["pass", "pass"]);
});

test("it is not green when something is wrong, unknown, or was wrong when graded", () => {
    assert.deepEqual(badge(task("fail", looked("fail"), needs("pass"))), ["fail", "fail"]);
    assert.deepEqual(badge(task("unknown", looked("unknown"))), ["unknown", "wait"]);
    assert.deepEqual(badge(task("pending", looked("pending"))), ["pending", "wait"]);
    assert.deepEqual(badge(task("pass", looked("pass"), needs("fail"))), ["failed when graded", "fail"]);
    assert.deepEqual(badge(task("pass", looked("pass"), needs("unknown"))), ["not settled when graded", "wait"]);
});

test("a task that only experiments can judge is never green before one ran", () => {
    assert.deepEqual(badge(task(null, needs(null))), ["not graded yet", "wait"]);
    assert.deepEqual(badge(task(null, needs("pass"))), ["pass", "pass"]);
});

test("a check says what is wrong, why, and where to look", () => {
    assert.deepEqual(line(looked("pass", { message: "" }), "lab01").says, []);
    assert.deepEqual(line(looked("fail", { cause: ["pod/x: y"] }), "lab01").says, ["is wrong", "because pod/x: y", "look: `kubectl get x`"]);
    assert.deepEqual(line(looked("fail", { follows: "b", cause: ["c"] }), "lab01").says, ["follows from `b`", "look: `kubectl get x`"]);
});

test("a check that needs an experiment is not called unknown", () => {
    const said = line(needs(null), "lab01");
    assert.deepEqual([said.word, said.colour], ["not run", "wait"]);
    assert.match(said.says[0], /`labcheck lab01` runs/);
    assert.equal(line(needs("fail"), "lab01").word, "fail");
});

test("the summary counts, and says what is still to be run", () => {
    const state = tasks => ({ lab: "lab01", trouble: null, tasks });
    assert.equal(summary(state([])), "Looking for the first time.");
    assert.equal(summary({ ...state([]), trouble: { message: "x" } }), "Nothing to look at yet.");
    assert.equal(summary(state([task("pass", looked("pass")), task("fail", looked("fail"))])), "1 of 2 tasks look right.");
    assert.match(summary(state([task("pass", looked("pass"), needs(null))])), /^1 of 1 tasks look right\. 1 check needs an experiment: `labcheck lab01` runs it/);
});
