// The few things every widget makes.

/** An element with attributes and children; text children are text, never markup. */
export function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "function") {
            element.addEventListener(key, value);
        } else {
            element.setAttribute(key, value);
        }
    }
    element.append(...children);
    return element;
}

/** A labelled input; `changed` is called with each edit. */
export function field(label, value, changed, attributes = {}) {
    const input = make("input", { type: "text", value, input: changed, ...attributes });
    return { input, element: make("label", { class: "field" }, make("span", {}, label), input) };
}

/**
 * Puts fields, and a result that is read aloud when it changes, in the place of what stands in a figure without
 * scripts. That text is only hidden: it is what is printed.
 */
export function stage(figure, fields) {
    figure.classList.add("playing");
    const result = make("div", { class: "result", "aria-live": "polite" });
    figure.append(make("div", { class: "fields" }, ...fields.map(one => one.element)), result);
    return result;
}

/** A table with a caption. */
export function table(caption, heads, rows) {
    return make("table", {},
        make("caption", {}, caption),
        make("thead", {}, make("tr", {}, ...heads.map(head => make("th", { scope: "col" }, head)))),
        make("tbody", {}, ...rows.map(row => make("tr", {}, ...row.map(cell => make("td", {}, String(cell)))))));
}

/** A number of a field, or null. */
export function number(text) {
    const value = Number(String(text).trim());
    return String(text).trim() !== "" && Number.isFinite(value) && value >= 0 ? value : null;
}
