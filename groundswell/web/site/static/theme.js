// Before anything is drawn: light or dark, as was chosen, else as the system is.
(function () {
  var chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch (error) { /* no storage: as the system is */ }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
