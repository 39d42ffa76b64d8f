// Sets the theme before anything is drawn, so that no light page flashes in the dark.
const default_theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? default_dark_theme : default_light_theme;
let theme;
try { theme = localStorage.getItem("mdbook-theme"); } catch { theme = null; }
if (theme !== "light" && theme !== "coal") { theme = default_theme; }
const html = document.documentElement;
html.classList.remove(default_light_theme);
html.classList.add(theme);
html.classList.add("js");
