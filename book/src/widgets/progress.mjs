// The page that shows, saves and brings back the reader's answers.
import { make } from "./dom.mjs";
import { load, merge, parse, save, stringify } from "./store.mjs";

/** Answered and right questions of each chapter. */
export function summary(answers) {
    const chapters = new Map();
    for (const [id, one] of Object.entries(answers)) {
        const chapter = Number(id.slice(1, 3));
        const sum = chapters.get(chapter) ?? { chapter, answered: 0, right: 0 };
        sum.answered += 1;
        sum.right += one.right ? 1 : 0;
        chapters.set(chapter, sum);
    }
    return [...chapters.values()].sort((a, b) => a.chapter - b.chapter);
}

export function upgradeProgress(root) {
    const place = root.querySelector("[data-progress]");
    if (!place) {
        return;
    }
    const list = make("ul");
    const said = make("p", { role: "status" });
    const file = make("input", { type: "file", accept: "application/json,.json", id: "progress-file", change: bringBack });
    place.replaceChildren(
        list,
        make("p", {}, make("button", { type: "button", click: keep }, "Save my answers to a file")),
        make("p", {}, make("label", { for: "progress-file" }, "Bring answers back from a file: "), file),
        said);
    draw();

    function draw() {
        const chapters = summary(load());
        list.replaceChildren(...chapters.map(one =>
            make("li", {}, `Chapter ${one.chapter}: ${one.answered} answered, ${one.right} right`)));
        if (chapters.length === 0) {
            list.replaceChildren(make("li", {}, "No answers yet."));
        }
    }

    function keep() {
        const url = URL.createObjectURL(new Blob([stringify(load())], { type: "application/json" }));
        const link = make("a", { href: url, download: "course-progress.json" });
        document.body.append(link);
        link.click();
        link.remove();
        URL.revokeObjectURL(url);
        said.textContent = "Saved as course-progress.json.";
    }

    async function bringBack() {
        try {
            const theirs = parse(await file.files[0].text());
            const kept = save(merge(load(), theirs));
            said.textContent = kept ? `Brought back ${Object.keys(theirs).length} answers.` : "This browser keeps nothing for this page.";
        } catch (problem) {
            said.textContent = problem.message;
        }
        file.value = "";
        draw();
    }
}
