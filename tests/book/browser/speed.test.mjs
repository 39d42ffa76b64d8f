// How much a page transfers and when it is painted, by Chromium's own tracing: chromedriver hands over what the
// categories below recorded, bytes on the wire (`encodedDataLength`, headers included) and paints, each with its
// time. Files come from 127.0.0.1, compressed with gzip as a web server does.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { after, before, test } from "node:test";

import { open, serve } from "./browser.mjs";

const CHAPTERS = (await readdir(process.env.BOOK)).filter(name => /^\d\d-.*\.html$/.test(name));
const LIMIT = 300 * 1024;
// On a machine that does other things, too.
const LATE = 2000;

let browser, site;

before(async () => {
    site = await serve(process.env.BOOK);
    browser = await open("devtools.timeline,loading,blink.user_timing");
});
after(async () => {
    await browser?.close();
    site?.close();
});

/** Opens a page with nothing cached; its files with their bytes, and the time to the first contentful paint. */
async function measure(page) {
    await browser.cdp("Network.clearBrowserCache");
    await browser.trace();
    const events = [];
    const named = name => events.filter(event => event.name === name);
    const paint = () => named("firstContentfulPaint").find(event => from(event) !== undefined);
    // Of the navigation to this page, not to the blank one before it.
    const from = event => named("navigationStart").find(start =>
        start.args.data?.navigationId === event.args.data?.navigationId && start.args.data?.documentLoaderURL === `${site.url}/${page}`);
    // The icon is the window's and not the page's: its end is not always traced.
    const asked = () => named("ResourceSendRequest").map(event => event.args.data)
        .filter(data => data.url.startsWith(site.url) && !data.url.includes("favicon"));
    const end = data => named("ResourceFinish").find(event => event.args.data.requestId === data.requestId);
    await browser.go(`${site.url}/${page}`);
    for (let tries = 0; tries < 100 && !(paint() && asked().every(end)); tries += 1) {
        await new Promise(done => setTimeout(done, 100));
        events.push(...await browser.trace());
    }
    assert.ok(paint(), `${page}: no paint was traced`);
    assert.deepEqual(asked().filter(data => !end(data)).map(data => data.url), [], `${page}: not finished`);
    const files = Object.fromEntries(asked().map(data => [data.url.slice(site.url.length), end(data).args.data.encodedDataLength]));
    return { files, painted: (paint().ts - from(paint()).ts) / 1000 };
}

test("a chapter transfers at most 300 KB, and is painted soon", async () => {
    const said = {};
    assert.equal(CHAPTERS.length, 6);
    for (const page of CHAPTERS) {
        const { files, painted } = await measure(page);
        assert.ok(`/${page}` in files && Object.keys(files).some(name => name.endsWith(".css")), JSON.stringify(files));
        // Fetched when somebody searches.
        const bytes = Object.entries(files).filter(([name]) => !name.includes("searchindex")).reduce((sum, [, size]) => sum + size, 0);
        said[page] = `${Math.round(bytes / 1024)} KB in ${Object.keys(files).length} files, painted after ${Math.round(painted)} ms`;
        assert.ok(bytes <= LIMIT, `${page}: ${bytes} bytes ${JSON.stringify(files)}`);
        assert.ok(painted < LATE, `${page}: ${painted} ms`);
    }
    console.log(said);
});
