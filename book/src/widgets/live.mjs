// Live verdicts, where `labcheck serve` answers: its pages carry a mark, and course.mjs loads this only then.
// What is said here stands beside the page's own text and replaces none of it.
import { make } from "./dom.mjs";

/** A task's word and its colour. */
export function badge(task) {
    const run = task.checks.filter(check => check.experiment && check.graded);
    const bad = run.filter(check => check.graded !== "pass" && check.graded !== "skipped");
    if (task.verdict === null || task.verdict === "pass") {
        if (bad.some(check => colourOf(check.graded) === "fail")) {
            return ["failed when graded", "fail"];
        }
        if (bad.length > 0) {
            return ["not settled when graded", "wait"];
        }
        if (run.length < task.toRun) {
            return task.verdict === null ? ["not graded yet", "wait"] : ["pass so far", "pass"];
        }
        return ["pass", "pass"];
    }
    return [task.verdict, colourOf(task.verdict)];
}

/** What could not be seen is not wrong. */
function colourOf(verdict) {
    return { pass: "pass", fail: "fail", blocked: "fail" }[verdict] ?? "wait";
}

/** A check's word, its colour and what is to be said of it. */
export function line(check, lab) {
    if (!check.experiment) {
        const why = check.verdict === "pass" ? [] : [check.follows ? `follows from \`${check.follows}\`` : check.message];
        const cause = check.follows ? [] : check.cause.map(link => `because ${link}`);
        const look = check.verdict !== "pass" && check.look ? [`look: \`${check.look}\``] : [];
        return { word: check.verdict, colour: colourOf(check.verdict), says: [...why, ...cause, ...look].filter(text => text !== "") };
    }
    const by = `needs an experiment, which \`labcheck ${lab}\` runs`;
    return check.graded
        ? { word: check.graded, colour: colourOf(check.graded), says: [`when it was last graded from here; ${by}`] }
        : { word: "not run", colour: "wait", says: [by] };
}

/** What stands above the tasks. */
export function summary(state) {
    if (state.trouble && state.tasks.length === 0) {
        return "Nothing to look at yet.";
    }
    if (state.tasks.length === 0) {
        return "Looking for the first time.";
    }
    const good = state.tasks.filter(task => badge(task)[1] === "pass").length;
    const open = state.tasks.reduce((sum, task) => sum + task.checks.filter(check => check.experiment && !check.graded).length, 0);
    const left = open === 0 ? "" : ` ${open} ${open === 1 ? "check needs" : "checks need"} an experiment: \`labcheck ${state.lab}\` runs ${open === 1 ? "it" : "them"}, and gives the points.`;
    return `${good} of ${state.tasks.length} tasks look right.${left}`;
}

/** Text with `names` as code. */
function rich(text) {
    return text.split("`").map((part, index) => index % 2 === 1 ? make("code", {}, part) : part);
}

function points(best) {
    return `${best.earned / 100} of ${best.points} points`;
}

export function enliven(root) {
    const tasks = [...root.querySelectorAll(".task[data-task]")];
    // The print page has the tasks of all labs: nothing is live on paper.
    if (new Set(tasks.map(task => task.dataset.lab)).size === 1) {
        new LabPage(root, tasks);
    }
    const cards = [...root.querySelectorAll(".lab-card[data-lab]:not(.coming)")];
    const progress = root.querySelector("[data-progress]");
    if (cards.length > 0 || progress) {
        fetch("/api/labs").then(answer => answer.ok ? answer.json() : { labs: [] }).then(({ labs }) => {
            const done = labs.filter(lab => lab.best);
            for (const lab of done) {
                for (const card of cards.filter(card => card.dataset.lab === lab.id)) {
                    card.querySelector(".lab-facts").append(make("div", {}, make("dt", {}, "Your best"), make("dd", {}, points(lab.best))));
                }
            }
            if (progress && done.length > 0) {
                progress.after(make("ul", { class: "live-labs" }, ...done.map(lab =>
                    make("li", {}, `Lab ${lab.id.slice(3)}, ${lab.title}: ${points(lab.best)}`))));
            }
        }, () => {});
    }
}

/** The page of one lab. */
class LabPage {
    constructor(root, tasks) {
        this.lab = tasks[0].dataset.lab;
        this.said = make("p", { class: "live-sum" });
        this.changes = make("p", { class: "live-change", role: "status" });
        this.trouble = make("p", { class: "live-trouble", role: "status", hidden: "" });
        this.buttons = make("p", { class: "buttons", hidden: "" },
            make("button", { type: "button", click: () => this.check() }, "Grade with experiments"));
        this.panel = make("section", { class: "live", "aria-label": "Live verdicts" },
            make("p", { class: "live-title" }, "Live"), this.said, this.changes, this.trouble, this.buttons);
        this.places = new Map(tasks.map(task => [task.dataset.task, place(task)]));
        this.places.values().next().value.heading.before(this.panel);
        this.words = new Map();
        document.addEventListener("visibilitychange", () => this.listen());
        // A page that the browser keeps to come back to must not keep its connection.
        window.addEventListener("pagehide", () => this.stop());
        window.addEventListener("pageshow", () => this.listen());
        this.listen();
        fetch("/api/labs").then(answer => answer.json()).then(({ experiments, labs }) => {
            const lab = labs?.find(known => known.id === this.lab);
            this.buttons.hidden = !experiments || !lab;
        }, () => {});
    }

    /** Listens while the page is seen: a browser has six connections to a server, whatever the number of tabs. */
    listen() {
        if (document.hidden) {
            this.stop();
        } else if (!this.events) {
            this.events = new EventSource(`/api/labs/${this.lab}/events`);
            this.events.addEventListener("state", event => this.show(JSON.parse(event.data)));
            this.events.addEventListener("error", () => this.lost());
        }
    }

    stop() {
        this.events?.close();
        this.events = null;
        clearTimeout(this.again);
    }

    /** The browser asks again by itself, unless it was refused. */
    async lost() {
        if (this.events?.readyState !== EventSource.CLOSED) {
            this.complain("`labcheck serve` does not answer. What stands here may be old.");
            return;
        }
        this.stop();
        const status = await fetch("/api/labs").then(answer => answer.status, () => 0);
        if (status === 401) {
            this.complain("This browser has not been let in. Open the address that `labcheck serve` printed.");
        } else if (status === 200) {
            const known = await fetch("/api/labs").then(answer => answer.json(), () => ({ labs: [] }));
            if (!known.labs.some(lab => lab.id === this.lab)) {
                this.complain(`This labcheck has no ${this.lab}.`);
                return;
            }
        }
        this.again = setTimeout(() => this.listen(), 2000);
    }

    complain(text) {
        this.panel.classList.add("stale");
        this.trouble.hidden = false;
        this.trouble.replaceChildren(...rich(text));
    }

    show(state) {
        const trouble = state.trouble ?? state.failed;
        this.panel.classList.toggle("stale", state.trouble !== null);
        this.trouble.hidden = !trouble;
        this.trouble.replaceChildren(...(trouble
            ? [...rich(trouble.message), ". ", ...(trouble.next ? ["Next: ", ...rich(`\`${trouble.next.replaceAll("`", "")}\``)] : [])]
            : []));
        this.said.replaceChildren(...rich(summary(state)), ...(state.checking ? [` Being graded: ${state.checking}.`] : []),
            ...(state.graded ? [graded(state.graded)] : []));
        this.buttons.firstChild.disabled = state.checking !== null;
        const told = [];
        for (const task of state.tasks) {
            const found = this.places.get(task.id);
            if (!found) {
                continue;
            }
            const [word, colour] = badge(task);
            const before = this.words.get(task.id);
            if (before !== undefined && before !== word) {
                told.push(`${found.title}: ${word}.`);
            }
            this.words.set(task.id, word);
            found.badge.textContent = word;
            found.badge.className = `live-badge live-${colour}`;
            found.badge.dataset.verdict = word;
            draw(found.list, task.checks, state.lab);
        }
        if (told.length > 0) {
            this.changes.textContent = told.join(" ");
        }
    }

    async check() {
        const answer = await fetch(`/api/labs/${this.lab}/check`, { method: "POST", headers: { "labcheck-request": "check" } })
            .catch(() => null);
        if (!answer?.ok) {
            const said = await answer?.json().catch(() => null);
            this.complain(said?.error ?? "`labcheck serve` does not answer.");
        }
    }
}

function graded(last) {
    const at = new Date(last.atMs).toLocaleTimeString();
    return last.earned === null
        ? ` Graded at ${at}: not everything could be observed, so there are no points.`
        : ` Graded at ${at}: ${points(last)}.`;
}

/** Where a task's verdict goes. */
function place(task) {
    let heading = task.previousElementSibling;
    while (heading && !/^H[2-6]$/.test(heading.tagName)) {
        heading = heading.previousElementSibling;
    }
    const title = [...heading.textContent.matchAll(/^\s*(?:\d+\.\s*)?(.*?)(?:\s+\d+ points)?\s*$/gs)][0]?.[1] ?? "";
    const badge = make("span", { class: "live-badge" });
    const list = make("ul", { class: "live-checks" });
    heading.append(" ", badge);
    const hints = task.querySelector(".hints");
    hints ? hints.before(list) : task.append(list);
    return { heading, title, badge, list };
}

/** Draws what changed, so that a reader's place in the list is kept. */
function draw(list, checks, lab) {
    const old = new Map([...list.children].map(item => [item.dataset.check, item]));
    const items = checks.map(check => {
        const { word, colour, says } = line(check, lab);
        const key = JSON.stringify([word, colour, says]);
        const item = old.get(check.id) ?? make("li", { "data-check": check.id });
        if (item.dataset.drawn !== key) {
            item.dataset.drawn = key;
            item.replaceChildren(
                make("span", { class: `live-word live-${colour}` }, word), " ", ...rich(check.title),
                ...says.map(text => make("span", { class: "live-why" }, ...rich(text))));
        }
        return item;
    });
    if (items.some((item, index) => list.children[index] !== item) || list.children.length !== items.length) {
        list.replaceChildren(...items);
    }
}
