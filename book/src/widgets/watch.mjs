// Which watch action fits a file: that follows from who reads it again, and when.
// The files stand in the page, as the table that is read where there are no scripts.
import { make, stage, table } from "./dom.mjs";

export const ACTIONS = ["sync", "sync+restart", "rebuild", "nothing"];

/** What each kind of reading needs, the least first: a larger action does what a smaller one does, and more. */
const NEEDS = { never: "nothing", "while it runs": "sync", "when it starts": "sync+restart", "by the build": "rebuild" };
const LADDER = Object.values(NEEDS);

function tooSmall(read, action) {
    const old = read === "by the build" ? "what the build made of the old file is in the image" : "the process has read the old file already";
    return {
        nothing: "Then the edit reaches no container.",
        sync: `The copy arrives, and nobody looks: ${old}.`,
        "sync+restart": `A new process starts, from the old image: ${old}.`,
    }[action];
}

function tooLarge(read, action) {
    if (read === "never") {
        return "No container reads this file, so whatever is done is done for nothing.";
    }
    return action === "rebuild"
        ? "That works, and costs the forty seconds of a build and a new container."
        : "That works, and ends a process that had no need to end. Its requests end with it.";
}

/** Whether an action fits a file that is read then, and what it would do if not. */
export function judge(read, action) {
    const needed = LADDER.indexOf(NEEDS[read]), chosen = LADDER.indexOf(action);
    if (needed < 0 || chosen < 0) {
        throw new Error(`“${needed < 0 ? read : action}” is unknown here`);
    }
    if (chosen === needed) {
        return { right: true, says: "Right." };
    }
    return { right: false, says: `Not ${action}. ${chosen < needed ? tooSmall(read, action) : tooLarge(read, action)}` };
}

/** The files in the table of a page: their path, when they are read, and the action and why. */
export function files(rows) {
    return rows.map(([path, , read, action, why]) => {
        if (!judge(read, action).right) {
            throw new Error(`the page says ${action} for ${path}, which is read ${read}`);
        }
        return { path, read, action, why };
    });
}

export function mount(figure) {
    const rows = [...figure.querySelectorAll(".instead tbody tr")];
    const asked = files(rows.map(row => [...row.cells].map(cell => cell.textContent.trim())));
    const tries = asked.map(() => []);
    const result = stage(figure, []);
    const said = make("p", { class: "verdict", role: "status" });
    result.removeAttribute("aria-live");
    ask(0, false);

    function ask(index, move) {
        const { path } = asked[index];
        const named = [...rows[index].cells[1].childNodes].map(node => node.cloneNode(true));
        const legend = make("legend", { tabindex: "-1" }, `File ${index + 1} of ${asked.length}: `, make("code", {}, path));
        const options = ACTIONS.map(action => make("label", {}, make("input", { type: "radio", name: "watch-action", value: action }), action));
        const form = make("form", { submit: event => { event.preventDefault(); check(index, form); } },
            make("fieldset", {}, legend, make("p", {}, "It is named here: ", ...named), make("div", { class: "choices" }, ...options)),
            make("p", { class: "buttons" }, make("button", { type: "submit" }, "Check")));
        said.textContent = "";
        said.className = "verdict";
        result.replaceChildren(form, said);
        if (move) {
            legend.focus();
        }
    }

    function check(index, form) {
        const action = form.querySelector("input:checked")?.value;
        if (!action) {
            said.textContent = "Choose an action first.";
            return;
        }
        const { read, why } = asked[index];
        const { right, says } = judge(read, action);
        tries[index].push(action);
        said.className = `verdict ${right ? "right" : "wrong"}`;
        said.textContent = right ? `${says} It is read: ${read}. ${why}` : says;
        if (right) {
            const last = index + 1 === asked.length;
            const next = make("button", { type: "button", click: () => last ? sum() : ask(index + 1, true) }, last ? "Show all" : "Next file");
            form.querySelector("fieldset").disabled = true;
            form.querySelector(".buttons").replaceChildren(next);
            next.focus();
        }
    }

    function sum() {
        const first = tries.filter(list => list.length === 1).length;
        const done = make("p", { class: "verdict right", tabindex: "-1" }, `${first} of ${asked.length} at the first try. The file says nothing about the action; its reader does.`);
        const all = asked.map(({ path, read, action }) => [path, read, action]);
        result.replaceChildren(done, table("Every file", ["File", "It is read", "Action"], all),
            make("p", { class: "buttons" }, make("button", { type: "button", click: again }, "Start again")));
        done.focus();
    }

    function again() {
        tries.forEach(list => list.splice(0));
        ask(0, true);
    }
}
