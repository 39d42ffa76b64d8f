// Brings a page's quizzes and widgets to life. Without it they are readable text.
import { upgradeQuizzes } from "./quiz.mjs";
import { upgradeProgress } from "./progress.mjs";

const WIDGETS = ["selector", "rollout", "probes", "breakeven", "watch"];

upgradeQuizzes(document);
upgradeProgress(document);
for (const figure of document.querySelectorAll("[data-widget]")) {
    const name = figure.dataset.widget;
    if (WIDGETS.includes(name)) {
        import(`./${name}.mjs`).then(module => module.mount(figure));
    }
}

// `labcheck serve` marks its pages; elsewhere nobody is asked for what is not there.
if (document.cookie.split(";").some(pair => pair.trim() === `labcheck-live=${location.port}`)) {
    import("./live.mjs").then(module => module.enliven(document));
}
