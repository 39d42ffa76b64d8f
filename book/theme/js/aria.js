// Tells assistive technology whether the sidebar is there.
document.getElementById("mdbook-sidebar-toggle").setAttribute("aria-expanded", sidebar === "visible");
document.getElementById("mdbook-sidebar").setAttribute("aria-hidden", sidebar !== "visible");
Array.from(document.querySelectorAll("#mdbook-sidebar a")).forEach(link => {
    link.setAttribute("tabIndex", sidebar === "visible" ? 0 : -1);
});
// The toggle is a label; keys must move it as they move a button.
document.getElementById("mdbook-sidebar-toggle").addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sidebar_toggle.click();
    }
});
