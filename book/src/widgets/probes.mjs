// Which probe fires first on a container that takes a while to load.
import { field, make, number, stage } from "./dom.mjs";

/**
 * What happens, with seconds. The container answers nothing before `load`. A startup threshold of 0 means that
 * there is no startup probe. Probes are asked at multiples of their period.
 */
export function timeline({ load, startupPeriod, startupThreshold, livenessPeriod, livenessThreshold }) {
    const events = [{ at: 0, what: "the container starts" }];
    if (startupThreshold > 0) {
        const budget = startupPeriod * startupThreshold;
        const yes = Math.max(startupPeriod, Math.ceil(load / startupPeriod) * startupPeriod);
        if (yes > budget) {
            events.push({ at: budget, what: `the startup probe has failed ${startupThreshold} times: killed`, kind: "bad" });
            return { events, killed: budget };
        }
        events.push({ at: load, what: "the model is loaded" });
        events.push({ at: yes, what: "the startup probe says yes; liveness and readiness begin", kind: "good" });
        return { events, killed: null };
    }
    const patience = livenessPeriod * livenessThreshold;
    if (load > patience) {
        events.push({ at: patience, what: `the liveness probe has failed ${livenessThreshold} times: killed`, kind: "bad" });
        return { events, killed: patience };
    }
    events.push({ at: load, what: "the model is loaded, just in time for the liveness probe", kind: "good" });
    return { events, killed: null };
}

export function mount(figure) {
    const data = figure.dataset;
    const numeric = { inputmode: "numeric" };
    const fields = [
        field("Seconds to load", data.load, draw, numeric),
        field("Startup: period", data.startupPeriod, draw, numeric),
        field("Startup: failures allowed (0: no such probe)", data.startupThreshold, draw, numeric),
        field("Liveness: period", data.livenessPeriod, draw, numeric),
        field("Liveness: failures allowed", data.livenessThreshold, draw, numeric),
    ];
    const result = stage(figure, fields);
    draw();

    function draw() {
        const [load, startupPeriod, startupThreshold, livenessPeriod, livenessThreshold] =
            fields.map(one => number(one.input.value));
        const all = { load, startupPeriod, startupThreshold, livenessPeriod, livenessThreshold };
        if (Object.values(all).includes(null) || startupPeriod < 1 || livenessPeriod < 1 || livenessThreshold < 1) {
            result.replaceChildren(make("p", { class: "wrong" }, "Every field is a number; periods and liveness failures are at least 1."));
            return;
        }
        const { events, killed } = timeline(all);
        result.replaceChildren(
            make("p", {}, killed === null ? "It comes up." : `It is killed after ${killed} seconds, and starts again, and is killed again.`),
            make("ol", { class: "events" }, ...events.map(event =>
                make("li", { class: event.kind ?? "" }, `${event.at} s: ${event.what}`))));
    }
}
