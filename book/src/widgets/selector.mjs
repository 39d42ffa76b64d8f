// Which pods a label selector chooses, by the rules of the API server.
import { field, make, stage, table } from "./dom.mjs";

export const PODS = [
    { name: "api-1", labels: { app: "api" } },
    { name: "api-2", labels: { app: "api", track: "stable" } },
    { name: "api-3", labels: { app: "api", track: "canary" } },
    { name: "worker-1", labels: { app: "worker", track: "stable" } },
    { name: "old", labels: {} },
];

const NAME = /^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/** A selector as a list of tests; throws an Error that says what is wrong. */
export function parse(text) {
    if (text.trim() === "") {
        return [];
    }
    // Commas inside brackets belong to a set.
    return text.split(/,(?![^(]*\))/).map(part => requirement(part.trim()));
}

function requirement(part) {
    const set = part.match(/^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/);
    if (set) {
        const values = set[3].split(",").map(value => value.trim());
        const inside = labels => set[1] in labels && values.includes(labels[set[1]]);
        return named(set[1], set[2] === "in" ? inside : labels => !inside(labels));
    }
    const pair = part.match(/^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/);
    if (pair) {
        const equal = labels => labels[pair[1]] === pair[3];
        return named(pair[1], pair[2] === "!=" ? labels => !equal(labels) : equal);
    }
    if (part.startsWith("!")) {
        return named(part.slice(1), labels => !(part.slice(1) in labels));
    }
    return named(part, labels => part in labels);
}

function named(key, test) {
    if (!NAME.test(key)) {
        throw new Error(`“${key}” is not a label`);
    }
    return test;
}

/** The pods a selector chooses. */
export function choose(text, pods = PODS) {
    const tests = parse(text);
    return pods.filter(pod => tests.every(test => test(pod.labels)));
}

export function mount(figure) {
    const selector = field("Selector", figure.dataset.selector, draw, { spellcheck: "false" });
    const result = stage(figure, [selector]);
    draw();

    function draw() {
        let chosen;
        try {
            chosen = choose(selector.input.value);
        } catch (problem) {
            result.replaceChildren(make("p", { class: "wrong" }, problem.message));
            return;
        }
        const rows = PODS.map(pod => [
            pod.name,
            Object.entries(pod.labels).map(([key, value]) => `${key}=${value}`).join(", ") || "none",
            chosen.includes(pod) ? "chosen" : "–",
        ]);
        result.replaceChildren(table(`${chosen.length} of ${PODS.length} pods are chosen`, ["Pod", "Labels", ""], rows));
    }
}
