// The instructor's pages, `labcheck serve --grades`, of a class as instructors have it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { start } from "../../live/serve/page.mjs";
import { KEYS, open } from "./browser.mjs";

const { LABCHECK, GRADES } = process.env;

let browser, server, pages;

before(async () => {
    server = await start(LABCHECK, ["--grades", GRADES]);
    browser = await open();
    await browser.go(server.address);
    pages = ["/", "/?show=all&page=1", "/?show=flagged", "/?show=unscored", ...await students()];
});
after(async () => {
    await browser?.close();
    server?.child.kill("SIGINT");
    await server?.ended;
});

const go = page => browser.go(`${server.origin}${page}`);

/** One student of each kind that the class's pages tell apart. */
async function students() {
    const kinds = {};
    for (const page of ["/", "/?show=all&page=1"]) {
        await go(page);
        Object.assign(kinds, await browser.run(`
            return Object.fromEntries([...document.querySelectorAll("tbody tr")].map(row =>
                [row.cells[2].textContent + row.cells[4].textContent, row.querySelector("a").getAttribute("href")]))`));
    }
    return Object.values(kinds);
}

test("a class has students of many kinds, and more than one page", async () => {
    // Graded, graded with something to look at, ungradable, missing.
    assert.ok(pages.length >= 8, pages.join(" "));
    await go("/");
    assert.equal(await browser.run("return document.querySelectorAll('nav[aria-label=pages] a').length"), 2);
});

test("axe-core finds nothing serious on the desk, light and dark", async () => {
    const bad = {};
    for (const scheme of ["light", "dark"]) {
        await browser.media({ "prefers-color-scheme": scheme });
        for (const page of pages) {
            await go(page);
            const dark = await browser.run("return getComputedStyle(document.body).backgroundColor");
            assert.equal(dark, scheme === "dark" ? "rgb(15, 20, 25)" : "rgb(255, 255, 255)");
            await browser.run("document.querySelectorAll('details').forEach(one => one.open = true)");
            const found = await browser.faults();
            if (found.length > 0) {
                bad[`${page} ${scheme}`] = found;
            }
        }
    }
    await browser.media();
    assert.deepEqual(bad, {});
});

test("no page of the desk is wider than a phone", async () => {
    const wide = {};
    for (const page of pages) {
        await go(page);
        await browser.run("document.querySelectorAll('details').forEach(one => one.open = true)");
        const width = await browser.widthOnPhone();
        if (width > 360) {
            wide[page] = width;
        }
    }
    assert.deepEqual(wide, {});
});

test("a score is decided with the keyboard alone, and what is wrong is said", async () => {
    const page = pages.at(-1);
    await go(page);
    await browser.run("document.querySelector('[name=score]').focus()");
    await browser.press("7", "7", KEYS.tab, "l", "a", "b", KEYS.tab, "K", "i", "m", KEYS.tab, KEYS.enter);
    await browser.until("return /Decided by Kim: lab/.test(document.body.innerText)");
    assert.match(await browser.text("header"), /score 77 of/);
    assert.match(await readFile(join(GRADES, "decisions.csv"), "utf8"), /,77,lab,Kim/);
    // A reason of blanks passes the form, and not the server.
    await browser.type("[name=score]", "78");
    await browser.type("[name=reason]", " ");
    await browser.type("[name=author]", "Kim");
    await browser.click("form[data-send] button");
    await browser.until("return /a decision has a reason/.test(document.querySelector('[role=status]').textContent)");
    assert.deepEqual(await browser.faults(), []);
});

test("a student's markup is text, and no request leaves", async () => {
    await browser.log("performance");
    for (const page of pages) {
        await go(page);
        assert.equal(await browser.run("return document.querySelectorAll('td *:not(a, span), h1 *').length"), 0, page);
    }
    const asked = (await browser.log("performance"))
        .map(entry => JSON.parse(entry.message).message)
        .filter(message => message.method === "Network.requestWillBeSent")
        .map(message => message.params.request.url);
    assert.ok(asked.length >= pages.length, `${asked.length} requests were seen`);
    assert.deepEqual(asked.filter(url => !url.startsWith(server.origin)), []);
});
