// The widgets' arithmetic, without a browser: node --test tests/book/widgets/*.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";

import { breakEven, minutesLeft } from "../../../book/src/widgets/breakeven.mjs";
import { timeline } from "../../../book/src/widgets/probes.mjs";
import { bounds, simulate } from "../../../book/src/widgets/rollout.mjs";
import { choose } from "../../../book/src/widgets/selector.mjs";
import { ACTIONS, files, judge } from "../../../book/src/widgets/watch.mjs";

const names = text => choose(text).map(pod => pod.name);

test("a selector chooses pods that carry all of its labels", () => {
    assert.deepEqual(names("app=api"), ["api-1", "api-2", "api-3"]);
    assert.deepEqual(names("app=api,track=stable"), ["api-2"]);
    assert.deepEqual(names("app=apii"), []);
    assert.equal(names("").length, 5);
});

test("a label that is missing is unequal and not in a set, as the API server has it", () => {
    assert.deepEqual(names("track!=stable"), ["api-1", "api-3", "old"]);
    assert.deepEqual(names("track notin (stable)"), ["api-1", "api-3", "old"]);
    assert.deepEqual(names("track in (stable, canary),app==api"), ["api-2", "api-3"]);
    assert.deepEqual(names("!app"), ["old"]);
    assert.deepEqual(names("track"), ["api-2", "api-3", "worker-1"]);
});

test("what is no selector is named", () => {
    for (const text of ["app=api,,", "a b", "=x", "-app=1"]) {
        assert.throws(() => choose(text), /is not a label/, text);
    }
});

test("surge is rounded up and unavailable down", () => {
    assert.deepEqual(bounds(10, "25%", "25%"), { surge: 3, unavailable: 2 });
    assert.deepEqual(bounds(3, "25%", "25%"), { surge: 1, unavailable: 0 });
    assert.deepEqual(bounds(1, "0%", "25%"), { surge: 0, unavailable: 1 });
    assert.deepEqual(bounds(100, "29%", "29%"), { surge: 29, unavailable: 29 });
    assert.throws(() => bounds(4, "0", "0%"), /never move/);
    assert.throws(() => bounds(4, "1.5", "1"), /not a whole number/);
});

test("no step leaves the bounds, and a good rollout ends", () => {
    for (const [replicas, surge, unavailable] of [[4, "25%", "25%"], [4, "1", "0"], [10, "0", "3"], [7, "100%", "0"], [1, "1", "0"]]) {
        const run = simulate(replicas, surge, unavailable);
        assert.ok(run.done, `${replicas} ${surge} ${unavailable}`);
        for (const step of run.steps) {
            assert.ok(step.total <= replicas + run.surge, JSON.stringify(step));
            assert.ok(step.available >= replicas - run.unavailable, JSON.stringify(step));
        }
    }
});

test("both bounds are reached", () => {
    const run = simulate(10, "25%", "25%");
    assert.equal(Math.max(...run.steps.map(step => step.total)), 13);
    assert.equal(Math.min(...run.steps.map(step => step.available)), 8);
});

test("a bad version keeps capacity, as on a real cluster", () => {
    // book/systems/friday/bad.console: READY 4/4, UP-TO-DATE 1.
    const last = simulate(4, "1", "0", false).steps.at(-1);
    assert.deepEqual([last.available, last.fresh, last.old], [4, 1, 4]);
    // book/systems/friday/usual.console: with the defaults one old pod goes, READY 3/4, UP-TO-DATE 2.
    const usual = simulate(4, "25%", "25%", false).steps.at(-1);
    assert.deepEqual([usual.available, usual.fresh], [3, 2]);
});

test("a startup budget that is too short kills, a long one does not", () => {
    const slow = { load: 40, startupPeriod: 5, startupThreshold: 12, livenessPeriod: 10, livenessThreshold: 3 };
    assert.equal(timeline(slow).killed, null);
    assert.equal(timeline({ ...slow, startupThreshold: 6 }).killed, 30);
    assert.equal(timeline({ ...slow, startupThreshold: 0 }).killed, 30);
});

test("the numbers of chapter 2", () => {
    const free = breakEven({ extra: 340, hoursPerWeek: 0, hourlyRate: 80, saved: 0.8 });
    assert.equal(Math.round(free.hours), 425);
    assert.equal(Math.round(free.share * 100), 58);
    assert.equal(Math.round(breakEven({ extra: 0, hoursPerWeek: 4, hourlyRate: 80, saved: 1 }).labour), 1387);
    assert.equal(breakEven({ extra: 340, hoursPerWeek: 4, hourlyRate: 80, saved: 0.8 }).possible, false);
    assert.ok(Math.abs(minutesLeft(99.9) - 43.2) < 1e-9);
    assert.equal(Math.floor(minutesLeft(99.9) * 60 / 40), 64);
});

test("one watch action fits each kind of file, and every other is told why it does not", () => {
    const fits = { "while it runs": "sync", "when it starts": "sync+restart", "by the build": "rebuild", never: "nothing" };
    const reasons = new Set();
    for (const [read, right] of Object.entries(fits)) {
        for (const action of ACTIONS) {
            const found = judge(read, action);
            assert.equal(found.right, action === right, `${read} ${action}`);
            if (!found.right) {
                assert.match(found.says, /^Not (sync|sync\+restart|rebuild|nothing)\. \w.*\.$/, `${read} ${action}`);
                reasons.add(found.says);
            }
        }
    }
    assert.ok(reasons.size >= 8, [...reasons].join("\n"));
});

test("a reason says what the edit would do", () => {
    assert.match(judge("when it starts", "sync").says, /nobody looks: the process has read the old file/);
    assert.match(judge("by the build", "sync").says, /nobody looks: what the build made/);
    assert.match(judge("while it runs", "rebuild").says, /works, and costs the forty seconds/);
    assert.match(judge("never", "rebuild").says, /for nothing/);
});

test("a table of files that contradicts itself is refused", () => {
    assert.throws(() => files([["a", "x", "when it starts", "sync", ""]]), /says sync for a/);
    assert.throws(() => files([["a", "x", "sometimes", "sync", ""]]), /“sometimes” is unknown/);
    assert.equal(files([["a", "x", "never", "nothing", "w"]])[0].why, "w");
});
