// What pages do beside links and forms: keys, the palette, light and dark, copying, live updates.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

  // --- rows -------------------------------------------------------------------------------------
  let row = -1;
  function go(step) {
    const rows = all("[data-row]");
    if (!rows.length) return;
    row = Math.min(Math.max(row + step, 0), rows.length - 1);
    rows[row].focus();
  }
  document.addEventListener("focusin", (event) => {
    const focused = event.target.closest("[data-row]");
    if (focused) row = all("[data-row]").indexOf(focused);
  });
  const focusedRow = () => document.activeElement && document.activeElement.closest("[data-row]");

  // --- keys -------------------------------------------------------------------------------------
  let going = false;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if ($("dialog[open]")) return;
    if (going) {
      going = false;
      const link = $(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) location.assign(link.href);
      return;
    }
    const focused = focusedRow();
    switch (event.key) {
      case "j": go(1); break;
      case "k": go(-1); break;
      case "g": going = true; setTimeout(() => { going = false; }, 1500); break;
      case "Enter": if (focused && event.target === focused) location.assign(focused.dataset.href); return;
      case "e": { const button = $("[data-act=accept]", focused || document); if (button) button.click(); break; }
      case "c": { const button = $("[data-copy]"); if (button) button.click(); break; }
      case "/": { const search = $("[data-search]"); if (search) search.focus(); else openPalette(); break; }
      case "?": { const keys = $("#keys"); if (keys) keys.showModal(); break; }
      default: return;
    }
    event.preventDefault();
  });

  // --- palette ----------------------------------------------------------------------------------
  function openPalette() {
    const palette = $("#palette");
    if (!palette || palette.open) return;
    const pages = $("#palette-pages");
    pages.replaceChildren(...all("nav a.nav-link").map((link) => {
      const item = document.createElement("li");
      item.append(link.cloneNode(true));
      return item;
    }));
    palette.showModal();
    $("#palette-text").focus();
  }
  document.addEventListener("input", (event) => {
    if (event.target.id !== "palette-text") return;
    const wanted = event.target.value.trim().toLowerCase();
    for (const item of all("#palette-pages li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.closest("#palette")) return;
    event.preventDefault();
    const first = $("#palette-found a") || $("#palette-pages li:not([hidden]) a");
    if (first) location.assign(first.href);
  });

  // --- buttons ----------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) openPalette();
    if (event.target.closest("[data-theme]")) {
      const root = document.documentElement;
      const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", next);
      try { localStorage.setItem("theme", next); } catch (error) { /* for this page alone */ }
    }
    const menu = event.target.closest("[data-toggle-menu]");
    if (menu) {
      const open = $("#menu").classList.toggle("show");
      menu.setAttribute("aria-expanded", String(open));
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText($(`#${CSS.escape(copy.dataset.copy)}`).textContent.trim()).then(() => {
        const said = copy.textContent;
        copy.textContent = "Copied";
        setTimeout(() => { copy.textContent = said; }, 1500);
      });
    }
    for (const more of all("details.gs-more[open]")) if (!more.contains(event.target)) more.open = false;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  if ($("[data-focus]")) $("[data-focus]").focus();
  function stand(text, line, column) {
    const before = text.value.split("\n").slice(0, line - 1);
    const at = before.reduce((sum, one) => sum + one.length + 1, 0);
    const length = (text.value.split("\n")[line - 1] || "").length;
    text.focus();
    text.setSelectionRange(at + Math.min(column - 1, length), at + length);
    text.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(text).lineHeight || "18"));
  }
  const wrong = $("textarea[data-line]");
  if (wrong) stand(wrong, Number(wrong.dataset.line), Number(wrong.dataset.column));
  document.addEventListener("click", (event) => {
    const there = event.target.closest("[data-goto]");
    if (there) stand($("#text"), ...there.dataset.goto.split(":").map(Number));
  });
  if ($("[data-again]")) setTimeout(() => location.assign($("[data-again] a").href), 500);
  for (const field of all("[data-origin]")) field.value = location.origin;

  // --- the day of an account --------------------------------------------------------------------
  function slide() {
    const slider = $("#as-of-slider");
    if (!slider || slider.dataset.ready) return;
    slider.dataset.ready = "yes";
    slider.hidden = false;
    const field = $("#as-of");
    const day = () => {
      const at = new Date(`${slider.dataset.first}T00:00:00Z`);
      at.setUTCDate(at.getUTCDate() + Number(slider.value));
      return at.toISOString().slice(0, 10);
    };
    slider.addEventListener("input", () => { field.value = day(); });
    slider.addEventListener("change", () => { field.value = day(); field.form.requestSubmit(); });
  }
  slide();

  // --- what failed, and what moved --------------------------------------------------------------
  document.addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail && event.detail.ctx;
    const response = ctx && ctx.response;
    if (!response || response.status < 400) return;
    event.preventDefault();
    const failure = $("#failure");
    if (!failure) return;
    const html = (response.headers.get("content-type") || "").startsWith("text/html");
    if (html) failure.innerHTML = ctx.text;
    else failure.textContent = "That did not work. Load the page again, and try once more.";
  });
  document.addEventListener("htmx:before:request", () => { const failure = $("#failure"); if (failure) failure.replaceChildren(); });
  document.addEventListener("htmx:after:swap", slide);

  const living = $("[data-live]");
  if (living && window.EventSource) {
    const told = new EventSource("/live");
    let waiting = null;
    told.addEventListener("moved", () => {
      const busy = () => $("details[open]", living) || typing(document.activeElement || document.body);
      const refresh = () => {
        if (busy()) { waiting = setTimeout(refresh, 2000); return; }
        waiting = null;
        const at = focusedRow() ? focusedRow().dataset.href : null;
        htmx.ajax("GET", living.dataset.live, { target: `#${living.id}`, swap: "innerHTML", headers: { "x-refresh": "yes" } }).then(() => {
          const again = at && all("[data-row]").find((item) => item.dataset.href === at);
          if (again) again.focus();
        });
      };
      if (waiting === null) refresh();
    });
  }
})();
