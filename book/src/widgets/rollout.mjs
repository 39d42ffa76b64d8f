// How many pods exist during a rollout: the arithmetic of the Deployment controller.
import { field, make, number, stage, table } from "./dom.mjs";

/** maxSurge is rounded up, maxUnavailable down; where both come out as 0, one may be unavailable. */
export function bounds(replicas, surge, unavailable) {
    const more = share(surge, replicas, Math.ceil);
    let fewer = share(unavailable, replicas, Math.floor);
    if (more === 0 && fewer === 0) {
        if (isZero(surge) && isZero(unavailable)) {
            throw new Error("the API server refuses a rollout with both at 0: it could never move");
        }
        fewer = 1;
    }
    return { surge: more, unavailable: Math.min(fewer, replicas) };
}

function isZero(text) {
    return Number.parseFloat(text) === 0;
}

function share(text, total, round) {
    const match = String(text).trim().match(/^(\d+)(%?)$/);
    if (!match) {
        throw new Error(`“${text}” is not a whole number or a percentage`);
    }
    // In whole numbers, since 29 % of 100 is 28.999… in floating point.
    return match[2] ? round((Number(match[1]) * total) / 100) : Number(match[1]);
}

/**
 * The rollout, step by step: the controller makes new pods, takes old ones away, and the new ones become
 * available, unless the version is bad.
 */
export function simulate(replicas, surge, unavailable, good = true) {
    const most = bounds(replicas, surge, unavailable);
    let old = replicas, fresh = 0, ready = 0;
    const steps = [];
    const note = () => {
        const last = steps.at(-1);
        if (!last || last.old !== old || last.fresh !== fresh || last.ready !== ready) {
            steps.push({ old, fresh, ready, total: old + fresh, available: old + ready });
            return true;
        }
        return false;
    };
    note();
    for (let moved = true; moved && (old > 0 || ready < replicas);) {
        fresh += Math.max(0, Math.min(replicas + most.surge - old - fresh, replicas - fresh));
        moved = note();
        const spare = old + fresh - (replicas - most.unavailable) - (fresh - ready);
        old -= Math.max(0, Math.min(old, spare));
        moved = note() || moved;
        ready = good ? fresh : ready;
        moved = note() || moved;
    }
    return { ...most, steps, done: old === 0 && ready === replicas };
}

export function mount(figure) {
    const replicas = field("Replicas", figure.dataset.replicas, draw, { inputmode: "numeric" });
    const surge = field("maxSurge", figure.dataset.surge, draw);
    const unavailable = field("maxUnavailable", figure.dataset.unavailable, draw);
    const bad = field("The new version never becomes ready", "", draw, { type: "checkbox" });
    const result = stage(figure, [replicas, surge, unavailable, bad]);
    draw();

    function draw() {
        const count = number(replicas.input.value);
        if (count === null || !Number.isInteger(count) || count < 1 || count > 100) {
            result.replaceChildren(make("p", { class: "wrong" }, "Replicas is a whole number from 1 to 100."));
            return;
        }
        let run;
        try {
            run = simulate(count, surge.input.value, unavailable.input.value, !bad.input.checked);
        } catch (problem) {
            result.replaceChildren(make("p", { class: "wrong" }, problem.message));
            return;
        }
        const rows = run.steps.map((step, index) => [index, step.old, step.fresh, step.ready, step.total, step.available]);
        const least = Math.min(...run.steps.map(step => step.available));
        const most = Math.max(...run.steps.map(step => step.total));
        result.replaceChildren(
            make("p", {}, `maxSurge is ${run.surge}, maxUnavailable is ${run.unavailable}: at most ${most} pods exist, at least ${least} are available. ${run.done ? "The rollout ends." : "The rollout hangs here, until you act."}`),
            table("Step by step", ["Step", "Old", "New", "New, available", "Exist", "Available"], rows));
    }
}
