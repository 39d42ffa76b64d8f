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
 * The rollout in rounds. In each the controller acts, then the pods it made become available, unless the
 * version is bad.
 */
export function simulate(replicas, surge, unavailable, good = true) {
    const most = bounds(replicas, surge, unavailable);
    let old = replicas, fresh = 0, ready = 0;
    const rounds = [{ old, fresh, ready, total: old, available: old }];
    for (let round = 0; round < 200 && (old > 0 || ready < replicas); round += 1) {
        const before = `${old} ${fresh} ${ready}`;
        fresh += Math.max(0, Math.min(replicas + most.surge - old - fresh, replicas - fresh));
        const spare = old + fresh - (replicas - most.unavailable) - (fresh - ready);
        old -= Math.max(0, Math.min(old, spare));
        rounds.push({ old, fresh, ready, total: old + fresh, available: old + ready });
        ready = good ? fresh : ready;
        if (before === `${old} ${fresh} ${ready}`) {
            break;
        }
    }
    const last = { old, fresh, ready, total: old + fresh, available: old + ready };
    rounds.push(last);
    return { ...most, rounds, done: old === 0 && ready === replicas };
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
        const rows = run.rounds.map((round, index) => [index, round.old, round.fresh, round.ready, round.total, round.available]);
        const least = Math.min(...run.rounds.map(round => round.available));
        const most = Math.max(...run.rounds.map(round => round.total));
        result.replaceChildren(
            make("p", {}, `maxSurge is ${run.surge}, maxUnavailable is ${run.unavailable}: at most ${most} pods exist, at least ${least} are available. ${run.done ? "The rollout ends." : "The rollout hangs here, until you act."}`),
            table("Round by round", ["Round", "Old", "New", "New, available", "Exist", "Available"], rows));
    }
}
