// Turns the questions of a page into something to answer. What is right stands in the page already, so that it
// works without scripts; here it is only hidden until an answer was given.
import { make, number } from "./dom.mjs";
import { load, record } from "./store.mjs";

/** Whether an answer is right; `null` if it is no answer. */
export function grade(kind, right, answer, within = 0) {
    if (kind === "number") {
        const value = number(String(answer).replace(",", "."));
        // Half a unit in the last place more, so that 0.05 ± 0.001 takes 0.051 in floating point.
        return value === null ? null : Math.abs(value - Number(right)) <= within + 1e-9;
    }
    return answer === "" ? null : answer === right;
}

export function upgradeQuizzes(root) {
    const kept = load();
    for (const section of root.querySelectorAll(".question")) {
        upgrade(section, kept[section.dataset.question]);
    }
}

function upgrade(section, before) {
    const { question, kind, right } = section.dataset;
    const details = section.querySelector("details.answer");
    const said = make("p", { class: "verdict", role: "status" });
    const read = { choose: choices, order: places, number: numeric }[kind](section);
    const form = make("form", {
        submit: event => {
            event.preventDefault();
            const within = Number(section.querySelector("[data-within]")?.dataset.within ?? 0);
            const answer = read.answer();
            const verdict = grade(kind, right, answer, within);
            if (verdict === null) {
                said.textContent = "That is no answer yet.";
                return;
            }
            const stays = record(question, answer, verdict);
            show(answer, verdict);
            if (!stays) {
                said.textContent += " (This browser does not keep answers.)";
            }
        },
    });
    read.body.replaceWith(form);
    form.append(read.body, make("button", { type: "submit" }, "Check"), said);
    if (before && before.right) {
        said.textContent = "You have answered this before, rightly.";
        said.className = "verdict right";
    }

    function show(answer, verdict) {
        said.textContent = verdict ? "Right." : "Not right.";
        said.className = `verdict ${verdict ? "right" : "wrong"}`;
        for (const reason of details.querySelectorAll("[data-for]")) {
            reason.hidden = !verdict && reason.dataset.for !== answer;
        }
        for (const slip of details.querySelectorAll("[data-slip]")) {
            slip.hidden = Number(slip.dataset.slip) !== number(answer);
        }
        // The right answer stays folded after a wrong one: a second try is worth more than being told.
        if (verdict) {
            details.open = true;
        } else {
            const why = details.querySelector(`[data-for="${CSS.escape(answer)}"], [data-slip]:not([hidden])`);
            if (why) {
                said.append(make("span", { class: "why" }, ` ${why.textContent}`));
            }
        }
    }
}

function choices(section) {
    const body = section.querySelector(".options");
    const group = section.id;
    for (const item of body.children) {
        const input = make("input", { type: "radio", name: group, value: item.dataset.option });
        const label = make("label");
        label.append(input, ...item.childNodes);
        item.append(label);
    }
    body.setAttribute("role", "radiogroup");
    body.setAttribute("aria-label", section.querySelector(".ask").textContent.trim().slice(0, 120));
    for (const item of body.children) {
        item.setAttribute("role", "presentation");
    }
    return { body, answer: () => body.querySelector("input:checked")?.value ?? "" };
}

function places(section) {
    const body = section.querySelector(".options");
    for (const item of body.children) {
        const text = item.textContent.trim();
        const move = (by, word, sign) => make("button", {
            type: "button",
            class: "move",
            "aria-label": `Move ${word}: ${text}`,
            click: event => {
                const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
                if (other) {
                    by < 0 ? other.before(item) : other.after(item);
                    event.currentTarget.focus();
                }
            },
        }, sign);
        item.prepend(move(-1, "up", "↑"), move(1, "down", "↓"), " ");
    }
    return { body, answer: () => [...body.children].map(item => item.dataset.option).join(" ") };
}

function numeric(section) {
    const body = section.querySelector(".number");
    const input = make("input", { type: "text", inputmode: "decimal", size: "8", autocomplete: "off" });
    body.replaceChildren(make("label", {}, `Answer in ${body.dataset.unit}: `, input));
    return { body, answer: () => input.value.trim() };
}
