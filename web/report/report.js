/* The page: a section for each data set, which is shown, and in what light. */
(function () {
  "use strict";

  const { make, seriesColour, forgetColours, root, dark } = lopChart;
  const { blocks } = lopPage;
  const find = (id) => document.getElementById(id);

  const sections = blocks.map((block, index) => find("block-" + index));
  const tables = blocks.map((block, index) => find("table-" + index));
  const draws = blocks.map((block, index) => {
    const place = sections[index].querySelector(".charts");
    return [lopCurves(block, place), lopEpochs(block, place)];
  });
  const several = (dataset) => blocks.filter((b) => b.dataset === dataset).length > 1;
  const names = blocks.map((b) => (several(b.dataset) ? b.dataset + ", " + b.network : b.dataset));
  let shown = Math.max(0, names.indexOf(lopPage.get("data")));

  function show(index) {
    shown = index;
    forgetColours();
    sections.forEach((section, i) => { section.hidden = i !== index; });
    tables.forEach((table, i) => { table.hidden = i !== index; });
    document.querySelectorAll("#chooser button").forEach((b, i) => b.setAttribute("aria-pressed", String(i === index)));
    document.querySelectorAll(".swatch").forEach((s) => { s.style.background = seriesColour(Number(s.dataset.series)); });
    if (draws[index]) draws[index].forEach((draw) => draw());
    lopPage.show(index);
    findPlaces();
  }

  function offerChoice() {
    find("chooser").hidden = blocks.length < 2;
    names.forEach((name, index) => find("chooser").append(make("button", { type: "button", onclick: () => {
      lopPage.set("data", index ? name : null);
      show(index);
    } }, name)));
  }

  /* Where to go on this page. Links would change the fragment, which holds what was chosen. */
  function findPlaces() {
    const heads = [...document.querySelectorAll("main h2, main .charts > h3")].filter((head) => !head.closest("[hidden]"));
    find("places").replaceChildren(...heads.slice(1).map((head) => make("button", { type: "button", onclick: () => {
      head.tabIndex = -1;
      head.scrollIntoView();
      head.focus({ preventScroll: true });
    } }, head.firstChild.textContent)));
    find("places").hidden = heads.length < 3;
  }

  function setTheme(theme) {
    if (theme && theme !== "system") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  function offerThemes() {
    const button = find("theme"), themes = ["system", "light", "dark"];
    let at = Math.max(0, themes.indexOf(lopPage.get("theme")));
    const apply = () => {
      setTheme(themes[at]);
      button.textContent = "Theme: " + themes[at];
    };
    button.hidden = false;
    apply();
    button.addEventListener("click", () => {
      at = (at + 1) % themes.length;
      lopPage.set("theme", at ? themes[at] : null);
      apply();
      show(shown);
    });
    dark.addEventListener("change", () => show(shown));
    window.addEventListener("beforeprint", () => { setTheme("light"); show(shown); });
    window.addEventListener("afterprint", () => { setTheme(themes[at]); show(shown); });
  }

  let width = window.innerWidth, waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => show(shown), 120);
  });
  /* An address that somebody pasted while the page was open. */
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) location.reload(); });

  /* A sweep under way: loaded anew, unless the reader wants to look at something in peace. */
  function reloadWhileRunning() {
    const note = find("live");
    if (!note) return;
    let waiting = true;
    const button = make("button", { type: "button", "aria-pressed": "false", onclick: () => {
      waiting = !waiting;
      button.setAttribute("aria-pressed", String(!waiting));
      button.textContent = waiting ? "Hold still" : "Go on";
    } }, "Hold still");
    note.append(" ", button);
    setInterval(() => { if (waiting) location.reload(); }, 1000 * Number(note.dataset.seconds));
  }

  reloadWhileRunning();
  offerChoice();
  offerThemes();
  show(shown);
  root.dataset.ready = "yes";
})();
