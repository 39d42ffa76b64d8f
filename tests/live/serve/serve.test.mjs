// A lab's page while the learner works. See `run` for what this needs.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { open } from "../../book/browser/browser.mjs";
import { comesToSay, comesTrue, start, word } from "./page.mjs";

const { LABCHECK, KUBECTL, CONTEXT, NODE } = process.env;
const SOLUTION = new URL("../../../labs/01-environment/solution/", import.meta.url);
// kubectl's own time and a busy machine included.
const LATE = 1000;

let server, browser;

function kubectl(args, input) {
    return execFileSync(KUBECTL, ["--context", CONTEXT, "-n", "lab01", ...args], { input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
}

const apply = manifest => kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], manifest);
const solution = name => readFile(new URL(`${name}.yaml`, SOLUTION), "utf8");
const setup = version => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "setup" }, data: { kubernetes: version } });
const serve = (...more) => start(LABCHECK, more);
const check = id => word(browser, id);
const says = (...what) => comesToSay(browser, ...what);
const eventually = (...what) => comesTrue(browser, ...what);

before(async () => {
    execFileSync(LABCHECK, ["reset", "lab01", "--yes"], { stdio: "ignore" });
    // Builds the book, if nobody has.
    const first = await serve();
    first.child.kill("SIGINT");
    await first.ended;
    server = await serve();
    browser = await open();
});
after(async () => {
    await browser?.close();
    server?.child.kill("SIGINT");
    await server?.ended;
});

test("the first page comes at once", async () => {
    const one = await serve();
    const page = await fetch(`${one.origin}/index.html`);
    const took = performance.now() - one.began;
    assert.equal(page.status, 200);
    await page.text();
    one.child.kill("SIGINT");
    assert.equal(await one.ended, 0);
    console.log(`first page after ${Math.round(took)} ms, bound 300 ms`);
    assert.ok(took < LATE, `${took} ms`);
});

test("the printed address lets one browser in, once", async () => {
    await browser.go(server.address);
    assert.equal(await browser.run("return location.href"), `${server.origin}/`);
    assert.equal((await fetch(server.address, { redirect: "manual" })).status, 403);
    assert.equal((await fetch(`${server.origin}/api/labs`)).status, 401);
    assert.equal(await browser.run("return document.cookie.includes('session')"), false, "scripts can read the session");
});

test("a verdict changes on the page within a second of kubectl apply", async () => {
    await browser.go(`${server.origin}/labs/lab01.html`);
    await says("kubernetes", "fail");
    const right = JSON.parse(kubectl(["get", "--raw", "/version"])).gitVersion;
    const watch = spawn(KUBECTL, ["--context", CONTEXT, "-n", "lab01", "get", "configmaps", "--watch", "-o", "name"], { stdio: ["ignore", "pipe", "ignore"] });
    let event = 0;
    watch.stdout.on("data", () => event = Date.now());
    const after_apply = [], after_event = [];
    try {
        for (const [version, word] of [[right, "pass"], ["v0.0.1", "fail"], [right, "pass"], ["v0.0.1", "fail"], [right, "pass"]]) {
            event = 0;
            const drawn = says("kubernetes", word);
            await new Promise(done => setTimeout(done, 300));
            const child = spawn(KUBECTL, ["--context", CONTEXT, "-n", "lab01", "apply", "--server-side", "--force-conflicts", "-f", "-"], { stdio: ["pipe", "ignore", "inherit"] });
            child.stdin.end(setup(version));
            await new Promise(done => child.on("exit", done));
            const applied = Date.now();
            const at = await drawn;
            after_apply.push(at - applied);
            after_event.push(at - event);
        }
    } finally {
        watch.kill();
    }
    console.log(`ms from the end of kubectl apply to the page: ${after_apply}; from a watcher's event: ${after_event}, bound 150`);
    assert.ok(Math.max(...after_apply) < LATE, String(after_apply));
});

test("tasks turn green while the learner works", async () => {
    const green = task => `return document.querySelector("h3#${task} .live-badge.live-pass") !== null`;
    assert.equal(await browser.run(green("image")), false);
    apply(await solution("deployment"));
    apply(await solution("service"));
    apply(await solution("solo"));
    await says("endpoints", "pass", 60);
    await browser.until(green("image"));
    execFileSync(KUBECTL, ["config", "set-context", CONTEXT, "--namespace=lab01"], { stdio: "ignore" });
    await says("context-namespace", "pass");
    await browser.until(green("context"));
    assert.match(await browser.text(".live-sum"), /\d of 7 tasks look right\. \d checks need an experiment/);
    assert.deepEqual((await browser.log("browser")).map(entry => entry.message), []);
});

test("every tab is told, and more of them than a browser has connections", async () => {
    const first = await browser.window();
    const tabs = [];
    for (let count = 0; count < 8; count += 1) {
        tabs.push(await browser.newWindow());
        await browser.switchTo(tabs.at(-1));
        await browser.go(`${server.origin}/labs/lab01.html`);
        await says("kubernetes", "pass");
    }
    apply(setup("v0.0.2"));
    await says("kubernetes", "fail");
    for (const tab of tabs) {
        await browser.switchTo(tab);
        await says("kubernetes", "fail");
        await browser.closeWindow();
    }
    await browser.switchTo(first);
    await says("kubernetes", "fail");
});

test("what is said live can be read by everybody", async () => {
    for (const scheme of ["light", "dark"]) {
        await browser.media({ "prefers-color-scheme": scheme });
        await browser.go(`${server.origin}/labs/lab01.html`);
        await says("kubernetes", "fail");
        assert.deepEqual(await browser.faults(), [], scheme);
    }
    await browser.media();
    assert.equal(await browser.widthOnPhone(), 360);
});

test("a server that only reads refuses to experiment", async () => {
    assert.equal(await browser.run("return document.querySelector('.live .buttons').checkVisibility()"), false);
    const answer = await browser.runAsync("const done = arguments[0]; fetch('/api/labs/lab01/check', {method: 'POST', headers: {'labcheck-request': 'x'}}).then(a => done(a.status))");
    assert.equal(answer, 403);
});

test("the API server goes away and comes back", async () => {
    const manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml", aside = "/etc/kubernetes/kube-apiserver.yaml";
    const node = (...words) => execFileSync("docker", ["exec", NODE, ...words], { stdio: "ignore" });
    node("mv", manifest, aside);
    try {
        await says("kubernetes", "unknown", 90);
        await eventually("return /no connection.*Next: labcheck doctor/.test(document.querySelector('.live-trouble').textContent)", 60);
    } finally {
        node("mv", aside, manifest);
    }
    await says("kubernetes", "fail", 120);
    // Scheduler and controllers stop when they lose their leases: they are back when they make something new.
    apply((await solution("deployment")).replaceAll("name: api", "name: back").replaceAll("app: api", "app: back"));
    kubectl(["rollout", "status", "deployment/back", "--timeout=180s"]);
    kubectl(["delete", "deployment", "back"]);
    await eventually("return document.querySelector('.live-trouble').hidden", 60);
    const right = JSON.parse(kubectl(["get", "--raw", "/version"])).gitVersion;
    apply(setup(right));
    await says("kubernetes", "pass");
});

test("a page from before a restart says so", async () => {
    server.child.kill("SIGINT");
    assert.equal(await server.ended, 0);
    await browser.until("return /does not answer/.test(document.querySelector('.live-trouble').textContent)");
    server = await serve("--allow-experiments");
});

test("a page may grade where that is allowed, and the result stays", { timeout: 180_000 }, async () => {
    await browser.go(server.address);
    await browser.go(`${server.origin}/labs/lab01.html`);
    await browser.until("return document.querySelector('.live .buttons')?.checkVisibility()");
    await says("endpoints", "pass", 90);
    await browser.click(".live .buttons button");
    await eventually("return /Graded at/.test(document.querySelector('.live-sum').textContent)", 150);
    assert.match(await browser.text(".live-sum"), /Graded at .*of 100 points/);
    assert.equal(await check("answers"), "pass");
    assert.match(execFileSync(LABCHECK, ["progress"], { encoding: "utf8" }), /^lab01 {2}\d/);
});
