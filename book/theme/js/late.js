// The last of mdBook's inline scripts: printing, old anchors, and reloading under `mdbook serve`.
(() => {
    if (document.currentScript.dataset.print) {
        window.addEventListener("load", () => window.setTimeout(window.print, 100));
    }
    const fragments = document.getElementById("course-fragments");
    const target = fragments && JSON.parse(fragments.textContent)[location.hash];
    if (target) {
        location.replace(new URL(target, location.href).href);
    }
    // What scrolls must be reachable with the keyboard.
    const reachable = () => {
        for (const code of document.querySelectorAll("pre > code")) {
            if (code.scrollWidth > code.clientWidth) {
                code.tabIndex = 0;
            } else {
                code.removeAttribute("tabindex");
            }
        }
    };
    reachable();
    window.addEventListener("resize", reachable);
    const endpoint = document.documentElement.dataset.reload;
    if (endpoint) {
        const socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/${endpoint}`);
        socket.onmessage = event => {
            if (event.data === "reload") {
                socket.close();
                location.reload();
            }
        };
        window.addEventListener("beforeunload", () => socket.close());
    }
})();
