// What a reader's browser shows of the built book.
import assert from "node:assert/strict";
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { KEYS, open, serve } from "./browser.mjs";

// Every page, but those that are parts of others.
const PAGES = (await readdir(process.env.BOOK, { recursive: true }))
    .filter(name => name.endsWith(".html") && !/^(404|print|toc)\.html$/.test(name))
    .map(name => name.replace(/\.html$/, ""));

let browser, site;

before(async () => {
    site = await serve(process.env.BOOK);
    browser = await open();
});
after(async () => {
    await browser?.close();
    site?.close();
});

const said = [];

/** Opens a page; again, if the machine's network changed meanwhile, as it does when containers come and go. */
async function go(page) {
    for (let tries = 0; tries < 5; tries += 1) {
        await browser.go(`${site.url}/${page}.html`);
        const log = (await browser.log("browser")).map(entry => entry.message);
        if (!log.some(text => text.includes("ERR_NETWORK_CHANGED"))) {
            said.push(...log);
            return;
        }
    }
    throw new Error(`${page}: the network does not stop changing`);
}

test("axe-core finds nothing serious, light and dark", async () => {
    const bad = {};
    for (const scheme of ["light", "dark"]) {
        await browser.media({ "prefers-color-scheme": scheme });
        for (const page of PAGES) {
            await go(page);
            await browser.until("return !document.querySelector('.widget:not(.playing)')");
            const dark = await browser.run("return document.documentElement.classList.contains('coal')");
            assert.equal(dark, scheme === "dark", page);
            const found = await browser.faults();
            if (found.length > 0) {
                bad[`${page} ${scheme}`] = found;
            }
        }
    }
    await browser.media();
    assert.deepEqual(bad, {});
});

test("no page is wider than a phone", async () => {
    await browser.cdp("Emulation.setDeviceMetricsOverride", { width: 360, height: 740, deviceScaleFactor: 2, mobile: true });
    const wide = {};
    for (const page of PAGES) {
        await go(page);
        const width = await browser.run("return document.scrollingElement.scrollWidth");
        if (width > 360) {
            wide[page] = await browser.run(`return [${width}, ...[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 361 && !e.closest('pre, .table-wrapper, .table-scroll, .diagram-scroll, .result')).slice(0, 3).map(e => e.outerHTML.slice(0, 90))]`);
        }
    }
    await browser.cdp("Emulation.clearDeviceMetricsOverride");
    assert.deepEqual(wide, {});
});

test("a wrong answer says why, a right one is kept and known again", async () => {
    await go("00-setup");
    await browser.run("localStorage.clear()");
    await go("00-setup");
    await browser.click("#q00-reads input[value=current]");
    await browser.click("#q00-reads button[type=submit]");
    const wrong = await browser.text("#q00-reads .verdict");
    assert.match(wrong, /^Not right\. +A is wrong\. That is what most tools do/);
    assert.equal(await browser.run("return document.querySelector('#q00-reads details').open"), false);
    await browser.click("#q00-reads input[value=recorded]");
    await browser.click("#q00-reads button[type=submit]");
    assert.equal(await browser.text("#q00-reads .verdict"), "Right.");
    await go("00-setup");
    assert.match(await browser.text("#q00-reads .verdict"), /answered this before/);
    const kept = JSON.parse(await browser.run("return localStorage.getItem('course-answers')"));
    assert.deepEqual([kept.format, kept.answers["q00-reads"].right, kept.answers["q00-reads"].tries], [1, true, 2]);
});

test("a question can be answered with the keyboard alone", async () => {
    await go("00-setup");
    await browser.run("document.querySelector('#q00-namespace input').focus()");
    await browser.press(KEYS.down, KEYS.tab, KEYS.enter);
    await browser.until("return document.querySelector('#q00-namespace .verdict').textContent === 'Right.'");
});

test("an order is brought about with buttons", async () => {
    await go("00-setup");
    const right = await browser.run("return document.querySelector('#q00-order').dataset.right.split(' ')");
    const order = () => browser.run("return [...document.querySelectorAll('#q00-order .options > li')].map(e => e.dataset.option)");
    assert.notDeepEqual(await order(), right);
    for (let place = 0; place < right.length; place += 1) {
        for (let at = (await order()).indexOf(right[place]); at > place; at -= 1) {
            await browser.click(`#q00-order li[data-option=${right[place]}] button`);
        }
    }
    assert.deepEqual(await order(), right);
    await browser.click("#q00-order button[type=submit]");
    assert.equal(await browser.text("#q00-order .verdict"), "Right.");
});

test("a number knows the usual slip", async () => {
    await go("05-rollouts");
    await browser.type("#q05-surge .number input", "12");
    await browser.click("#q05-surge button[type=submit]");
    assert.match(await browser.text("#q05-surge .verdict"), /Not right\. +Not 12\. 25 % of 10 is 2\.5/);
    await browser.type("#q05-surge .number input", "13");
    await browser.click("#q05-surge button[type=submit]");
    assert.equal(await browser.text("#q05-surge .verdict"), "Right.");
});

test("widgets answer what is typed", async () => {
    const cases = [
        ["03-objects", "app=worker", /1 of 5 pods are chosen/],
        ["05-rollouts", "10", /at most 13 pods exist, at least 8 are available/],
        ["04-probes", "100", /killed after 60 seconds/],
        ["02-one-host", "680", /850 hours|never pays/],
    ];
    for (const [page, typed, expected] of cases) {
        await go(page);
        await browser.until("return document.querySelector('.widget .result')?.textContent");
        await browser.type(".widget input", typed);
        assert.match(await browser.text(".widget .result"), expected, page);
    }
});

test("the watch-action picker says why, by keyboard, and counts first tries", async () => {
    await go("01-inherited");
    await browser.until("return document.querySelector('.widget[data-widget=watch] form')");
    const rows = await browser.run("return [...document.querySelectorAll('[data-widget=watch] .instead tbody tr')].map(row => [...row.cells].map(cell => cell.textContent.trim()))");
    assert.ok(rows.length >= 6, JSON.stringify(rows));
    const status = () => browser.text("[data-widget=watch] [role=status]");
    await browser.run("document.querySelector('[data-widget=watch] button').focus()");
    await browser.press(KEYS.enter);
    assert.match(await status(), /Choose an action first/);
    for (const [index, [path, , read, action, why]] of rows.entries()) {
        assert.match(await browser.text("[data-widget=watch] legend"), new RegExp(`File ${index + 1} of ${rows.length}: `));
        assert.ok((await browser.text("[data-widget=watch] legend")).includes(path), path);
        if (index === 0) {
            await browser.click("[data-widget=watch] input[value=rebuild]");
            await browser.click("[data-widget=watch] button[type=submit]");
            assert.match(await status(), /^Not rebuild\. That works, and costs the forty seconds/);
        }
        // From the first choice by the arrows, and Enter checks; then the focus is on what leads on.
        await browser.run("document.querySelector('[data-widget=watch] input').focus()");
        await browser.press(KEYS.space, ...Array(["sync", "sync+restart", "rebuild", "nothing"].indexOf(action)).fill(KEYS.down), KEYS.enter);
        assert.equal(await status(), `Right. It is read: ${read}. ${why}`);
        await browser.press(KEYS.enter);
    }
    assert.match(await browser.text("[data-widget=watch] .result"), new RegExp(`^${rows.length - 1} of ${rows.length} at the first try`));
    assert.deepEqual(await browser.faults(), []);
});

test("progress is brought back from a file, and a broken one is refused", async () => {
    const folder = await mkdtemp(join(tmpdir(), "book-"));
    const good = join(folder, "good.json"), cut = join(folder, "cut.json");
    const text = JSON.stringify({ format: 1, answers: { "q01-ro": { answer: "host", right: true, at: "2026-11-21T10:00:00Z" } } });
    await writeFile(good, text);
    await writeFile(cut, text.slice(0, 30));
    await go("progress");
    await browser.run("localStorage.clear()");
    await go("progress");
    await browser.type("#progress-file", cut, false);
    await browser.until("return /cut off/.test(document.querySelector('[role=status]').textContent)");
    await browser.type("#progress-file", good, false);
    await browser.until("return /Chapter 1: 1 answered, 1 right/.test(document.querySelector('[data-progress]').textContent)");
});

test("without scripts everything can be read", async () => {
    await browser.cdp("Emulation.setScriptExecutionDisabled", { value: true });
    await go("05-rollouts");
    const { nodes } = await browser.cdp("DOMSnapshot.captureSnapshot", { computedStyles: ["display"] })
        .then(shot => ({ nodes: shot.strings.join("\n") }));
    await browser.cdp("Emulation.setScriptExecutionDisabled", { value: false });
    for (const part of ["Answer", "rounded up, to 3", "A percentage of maxSurge is rounded"]) {
        assert.ok(nodes.includes(part), part);
    }
    assert.ok(!nodes.includes("Check\n"), "a button that does nothing is shown");
    await browser.cdp("Emulation.setScriptExecutionDisabled", { value: true });
    await go("01-inherited");
    const { strings } = await browser.cdp("DOMSnapshot.captureSnapshot", { computedStyles: [] });
    await browser.cdp("Emulation.setScriptExecutionDisabled", { value: false });
    assert.ok(strings.includes("worker/src/labels.json") && strings.includes("when it starts"), "the files of the picker");
});

test("print shows the answers' text and no buttons", async () => {
    await go("05-rollouts");
    await browser.media({}, "print");
    const shown = await browser.run("return [...document.querySelectorAll('.question button, .widget .fields, .menu-bar')].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80))");
    const text = await browser.run("return [...document.querySelectorAll('.widget .instead')].every(e => e.checkVisibility())");
    await browser.media();
    assert.deepEqual(shown, []);
    assert.equal(text, true, "what stands for a widget is not printed");
});

test("no request leaves for another host, and the policy is never broken", async () => {
    await browser.log("performance");
    said.length = 0;
    for (const page of PAGES) {
        await go(page);
    }
    const asked = (await browser.log("performance"))
        .map(entry => JSON.parse(entry.message).message)
        .filter(message => message.method === "Network.requestWillBeSent")
        .map(message => message.params.request.url);
    assert.ok(asked.length > 50, `${asked.length} requests were seen`);
    assert.deepEqual(asked.filter(url => !url.startsWith(site.url) && !url.startsWith("data:")), []);
    assert.deepEqual(said, []);
});
