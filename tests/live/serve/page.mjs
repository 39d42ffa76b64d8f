// A `labcheck serve` of the test's own, and what its lab pages say.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";

/** Starts `labcheck serve`; resolves with its one-use address. */
export async function start(program, more = [], options = {}) {
    const began = performance.now();
    const child = spawn(program, ["serve", "--port", "0", ...more], { stdio: ["ignore", "pipe", "pipe"], ...options });
    const ended = new Promise(done => child.on("exit", done));
    let said = "";
    child.stderr.on("data", text => said += text);
    const address = await new Promise((found, failed) => {
        let out = "";
        child.stdout.on("data", text => {
            out += text;
            const match = out.match(/open (http:\S+)\n/);
            if (match) {
                found(match[1]);
            }
        });
        ended.then(code => failed(new Error(`serve ended with ${code}: ${said}`)));
    });
    return { child, ended, address, origin: new URL(address).origin, began };
}

/** What a check of the open page says now. */
export function word(browser, id) {
    return browser.run("return document.querySelector(`[data-check=${arguments[0]}] .live-word`)?.textContent", id);
}

/** Waits until a check of the open page says a word; gives the time it was drawn, on this machine's clock. */
export async function comesToSay(browser, id, expected, seconds = 20) {
    const at = await browser.runAsync(`
        const [id, word, limit, done] = arguments;
        const look = () => {
            if (document.querySelector("[data-check=" + id + "] .live-word")?.textContent === word) {
                observer.disconnect();
                done(Date.now());
            }
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        setTimeout(() => done(null), limit);
        look();`, id, expected, seconds * 1000);
    assert.ok(at, `${id} never said ${expected}: it says ${await word(browser, id)}`);
    return at;
}

/** Asks the page again and again until it is so. */
export async function comesTrue(browser, script, seconds) {
    for (const until = Date.now() + seconds * 1000; !await browser.run(script);) {
        assert.ok(Date.now() < until, `not within ${seconds} s: ${script}`);
        await new Promise(done => setTimeout(done, 200));
    }
}
