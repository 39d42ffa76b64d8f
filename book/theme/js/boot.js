// What mdBook's own scripts expect as globals, from the attributes of <html>.
const path_to_root = document.documentElement.dataset.root;
const default_light_theme = document.documentElement.dataset.light;
const default_dark_theme = document.documentElement.dataset.dark;
window.path_to_searchindex_js = document.documentElement.dataset.search;
window.playground_copyable = true;
