// Tells assistive technology whether the sidebar is there.
document.getElementById("mdbook-sidebar-toggle").setAttribute("aria-expanded", sidebar === "visible");
document.getElementById("mdbook-sidebar").setAttribute("aria-hidden", sidebar !== "visible");
Array.from(document.querySelectorAll("#mdbook-sidebar a")).forEach(link => {
    link.setAttribute("tabIndex", sidebar === "visible" ? 0 : -1);
});
