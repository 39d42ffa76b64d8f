// A Chromium, driven through chromedriver by plain HTTP, and a server for the built book.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png" };
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Serves a folder on a free port of 127.0.0.1, compressed as web servers do. */
export async function serve(folder) {
    const server = createServer(async (request, response) => {
        const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
        try {
            const body = await readFile(join(folder, path.endsWith("/") ? `${path}index.html` : path));
            response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/html", "content-encoding": "gzip" }).end(gzipSync(body));
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise(listening => server.listen(0, "127.0.0.1", listening));
    return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Starts chromedriver; again, if the free port it had chosen was taken before it took it. */
async function startDriver() {
    for (let tries = 1; ; tries += 1) {
        const driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
        const port = await new Promise((found, failed) => {
            driver.stdout.on("data", text => {
                const match = String(text).match(/started successfully on port (\d+)/);
                if (match) {
                    found(match[1]);
                }
            });
            driver.on("exit", () => found(null));
            driver.on("error", failed);
        });
        if (port !== null) {
            return { driver, port };
        }
        if (tries === 5) {
            throw new Error(`chromedriver ended with ${driver.exitCode}, five times`);
        }
    }
}

/** Starts chromedriver and a headless Chromium; with `traced` categories, `trace` gives what they recorded. */
export async function open(traced = "") {
    const { driver, port } = await startDriver();
    const base = `http://127.0.0.1:${port}`;
    const { sessionId } = await call(`${base}/session`, "POST", {
        capabilities: { alwaysMatch: {
            browserName: "chrome",
            "goog:loggingPrefs": { browser: "ALL", performance: "ALL" },
            "goog:chromeOptions": {
                args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"],
                ...(traced ? { perfLoggingPrefs: { traceCategories: traced } } : {}),
            },
            timeouts: { script: 180_000 },
        } },
    });
    return new Browser(`${base}/session/${sessionId}`, driver);
}

async function call(url, method, body) {
    const answer = await fetch(url, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) {
        throw new Error(`${value.error}: ${value.message}`);
    }
    return value;
}

class Browser {
    constructor(url, driver) {
        this.url = url;
        this.driver = driver;
    }

    async close() {
        await call(this.url, "DELETE").catch(() => {});
        this.driver.kill();
    }

    go(url) {
        return call(`${this.url}/url`, "POST", { url });
    }

    /** Runs the body of a function in the page. */
    run(script, ...args) {
        return call(`${this.url}/execute/sync`, "POST", { script, args });
    }

    /** Runs one whose last argument is called with the result. */
    runAsync(script, ...args) {
        return call(`${this.url}/execute/async`, "POST", { script, args });
    }

    cdp(cmd, params = {}) {
        return call(`${this.url}/goog/cdp/execute`, "POST", { cmd, params });
    }

    async element(selector) {
        const found = await call(`${this.url}/element`, "POST", { using: "css selector", value: selector });
        return found[ELEMENT];
    }

    async click(selector) {
        await this.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector);
        await call(`${this.url}/element/${await this.element(selector)}/click`, "POST", {});
    }

    async type(selector, text, clear = true) {
        const element = await this.element(selector);
        if (clear) {
            await call(`${this.url}/element/${element}/clear`, "POST", {});
        }
        await call(`${this.url}/element/${element}/value`, "POST", { text });
    }

    /** Presses keys wherever the focus is. */
    press(...keys) {
        const actions = keys.flatMap(value => [{ type: "keyDown", value }, { type: "keyUp", value }]);
        return call(`${this.url}/actions`, "POST", { actions: [{ type: "key", id: "keyboard", actions }] });
    }

    text(selector) {
        return this.run("return document.querySelector(arguments[0]).innerText", selector);
    }

    log(type) {
        return call(`${this.url}/se/log`, "POST", { type });
    }

    /** What Chromium's own tracing recorded since it was asked last. */
    async trace() {
        const log = (await this.log("performance")).map(entry => JSON.parse(entry.message).message);
        return log.filter(message => message.method === "Tracing.dataCollected").map(message => message.params);
    }

    /** The handle of the tab that is looked at. */
    window() {
        return call(`${this.url}/window`, "GET");
    }

    async newWindow() {
        const { handle } = await call(`${this.url}/window/new`, "POST", { type: "tab" });
        return handle;
    }

    switchTo(handle) {
        return call(`${this.url}/window`, "POST", { handle });
    }

    closeWindow() {
        return call(`${this.url}/window`, "DELETE");
    }

    /** Dark or light, on paper or not; nothing is as it was. */
    media(features = {}, media = "") {
        const list = Object.entries(features).map(([name, value]) => ({ name, value }));
        return this.cdp("Emulation.setEmulatedMedia", { media, features: list });
    }

    /** What axe-core finds serious or critical on the page that is open. */
    async faults() {
        await this.run(await readFile(process.env.AXE, "utf8"));
        const found = await this.runAsync(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done(String(e)))");
        if (!Array.isArray(found)) {
            throw new Error(`axe-core: ${found}`);
        }
        return found
            .filter(one => ["serious", "critical"].includes(one.impact))
            .flatMap(one => one.nodes.map(node => `${one.id}: ${node.target.join(" ")} ${node.any[0]?.message ?? ""}`));
    }

    /** How wide the open page is on a phone of 360 px. */
    async widthOnPhone() {
        await this.cdp("Emulation.setDeviceMetricsOverride", { width: 360, height: 740, deviceScaleFactor: 2, mobile: true });
        const width = await this.run("return document.scrollingElement.scrollWidth");
        await this.cdp("Emulation.clearDeviceMetricsOverride");
        return width;
    }

    /** Waits until a script in the page answers with something true. */
    async until(script, ...args) {
        for (let tries = 0; tries < 100; tries += 1) {
            if (await this.run(script, ...args)) {
                return;
            }
            await new Promise(done => setTimeout(done, 50));
        }
        throw new Error(`never true: ${script}`);
    }
}

export const KEYS = { tab: "\uE004", enter: "\uE007", space: " ", down: "\uE015" };
