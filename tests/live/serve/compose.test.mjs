// A compose lab's page while the learner edits his file. See `compose` for what this needs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { open } from "../../book/browser/browser.mjs";
import { comesToSay, comesTrue, start } from "./page.mjs";

const { LABCHECK, WORK } = process.env;
const project = join(WORK, "lab03"), file = join(project, "compose.yaml");
const solution = readFileSync(new URL("../../../labs/03-forty-seconds/solution/compose.yaml", import.meta.url), "utf8");
// A file is looked at every three seconds, and compose takes its time to read it.
const LATE = 15_000;

let server, browser;

const says = (...what) => comesToSay(browser, ...what);
const compose = (...words) => execFileSync("docker", ["compose", ...words], { cwd: project, stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, API_PORT: "0" } });

before(async () => {
    execFileSync(LABCHECK, ["start", "lab03", "--dir", project], { cwd: WORK, stdio: ["ignore", "ignore", "inherit"] });
    // Served from elsewhere: the lab's directory is known from `start`.
    server = await start(LABCHECK, [], { cwd: WORK });
    browser = await open();
    await browser.go(server.address);
    await browser.go(`${server.origin}/labs/lab03.html`);
});
after(async () => {
    await browser?.close();
    server?.child.kill("SIGINT");
    await server?.ended;
});

test("the starter is wrong on the page, and says why", async () => {
    await says("own", "fail", 60);
    await says("sync-rule", "fail");
    await says("restart-rule", "fail");
    assert.match(await browser.text("[data-check=sync-rule]"), /have the actions \["rebuild"\], expected sync among them/);
});

test("containers that come up are seen", async () => {
    compose("up", "-d", "--wait", "--build");
    await says("own", "pass", 30);
});

test("verdicts change while the learner edits his compose file", async () => {
    const took = [];
    const starter = readFileSync(file, "utf8");
    for (const [text, word] of [[solution, "pass"], [starter, "fail"], [solution, "pass"]]) {
        const edited = Date.now();
        writeFileSync(file, text);
        took.push(await says("sync-rule", word) - edited);
        await says("restart-rule", word);
    }
    console.log(`ms from the edit to the page: ${took}`);
    assert.ok(Math.max(...took) < LATE, String(took));
    await comesTrue(browser, "return document.querySelector('h3#sync .live-badge').textContent === 'pass so far'", 10);
});

test("a file that compose refuses is not called wrong or right, and the page recovers", async () => {
    writeFileSync(file, solution.replace("action: sync\n", "action: snyc\n"));
    await comesTrue(browser, "return document.querySelector('[data-check=sync-rule] .live-word').textContent !== 'pass'", 20);
    writeFileSync(file, solution);
    await says("sync-rule", "pass");
});

test("a container that is stopped is seen at once", async () => {
    const began = Date.now();
    compose("stop", "-t", "1", "worker");
    const at = await says("own", "fail");
    console.log(`ms from the beginning of the stop to the page: ${at - began}`);
    assert.match(await browser.text("[data-check=own]"), /not up: \["worker"\]/);
    compose("start", "worker");
    await says("own", "pass");
});

test("no script of the page fails", async () => {
    assert.deepEqual((await browser.log("browser")).map(entry => entry.message), []);
});
