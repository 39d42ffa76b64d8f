// What the reader answered, kept in the browser and nowhere else.

export const FORMAT = 1;
const KEY = "course-answers";

/** Reads a saved text; throws an Error that says what is wrong with it. */
export function parse(text) {
    let saved;
    try {
        saved = JSON.parse(text);
    } catch {
        throw new Error("This is not a progress file, or it was cut off.");
    }
    if (typeof saved !== "object" || saved === null || typeof saved.answers !== "object" || saved.answers === null) {
        throw new Error("This is not a progress file: it has no answers.");
    }
    if (saved.format !== FORMAT) {
        throw new Error(saved.format > FORMAT
            ? `This file has format ${saved.format}, written by a newer book than this one, which reads ${FORMAT}.`
            : `This file has format ${saved.format}, expected ${FORMAT}.`);
    }
    const answers = {};
    for (const [id, one] of Object.entries(saved.answers)) {
        if (/^q\d\d-[a-z0-9-]+$/.test(id) && typeof one?.answer === "string" && typeof one.right === "boolean" && !Number.isNaN(Date.parse(one.at))) {
            answers[id] = { answer: one.answer.slice(0, 500), right: one.right, at: one.at, tries: Number.isInteger(one.tries) ? one.tries : 1 };
        }
    }
    return answers;
}

/** Two sets of answers as one; of two answers to one question the later counts. */
export function merge(mine, theirs) {
    const all = { ...mine };
    for (const [id, one] of Object.entries(theirs)) {
        if (!all[id] || Date.parse(one.at) > Date.parse(all[id].at)) {
            all[id] = one;
        }
    }
    return all;
}

export function stringify(answers) {
    return `${JSON.stringify({ format: FORMAT, answers }, null, 2)}\n`;
}

/** What is kept; nothing if the browser keeps nothing. */
export function load(storage = globalThis.localStorage) {
    try {
        return parse(storage.getItem(KEY));
    } catch {
        return {};
    }
}

/** Keeps the answers; false if the browser does not let us. */
export function save(answers, storage = globalThis.localStorage) {
    try {
        storage.setItem(KEY, stringify(answers));
        return true;
    } catch {
        return false;
    }
}

/** Adds one answer to what is kept. */
export function record(id, answer, right, storage = globalThis.localStorage, at = new Date().toISOString()) {
    const answers = load(storage);
    answers[id] = { answer, right, at, tries: (answers[id]?.tries ?? 0) + 1 };
    return save(answers, storage);
}
