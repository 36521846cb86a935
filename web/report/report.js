/* The page: what pruning did to each network, and what is shown of it. Data come from the page's own
 * JSON. */
(function () {
  "use strict";

  const { make, colour, seriesColour, whole, plain, isNumber, loss, hundredths, plot, clear, frame, entitle, choice, legend,
    root, shapes, dark } = lopChart;
  const { blocks, known } = lopPage;

  /* Lines of a block -------------------------------------------------------------------------- */

  function ownLines(block, view, quantity) {
    const accuracy = quantity === "accuracy", field = view.part + "_" + quantity, scale = accuracy ? 100 : 1;
    return block.series.map((series, index) => ({
      name: series.name, colour: seriesColour(index), shape: shapes[index % 4],
      dash: index >= 6 ? [7, 4] : undefined, hidden: view.hidden.has(series.name),
      points: series.points.filter((p) => p[field] && isNumber(p.k) && (view.axis === "k" || p.weights_left)).map((p) => ({
        x: view.axis === "k" ? 100 * p.k : p.weights_left[0], y: scale * p[field][0],
        deviation: p[field][1] === null ? null : scale * p[field][1], key: p.k,
        note: p.weights_left ? whole(p.weights_left[0]) + " weights left" : "" })),
    })).filter((line) => line.points.length);
  }

  const hasPublic = (block) => block.network === known.network &&
    known.answers.some((answer) => answer.dataset === block.dataset);

  function publicNote(block) {
    if (!hasPublic(block)) return "";
    const sources = known.answers.filter((a) => a.dataset === block.dataset).map((a) => a.source);
    return "Faint lines: what public answers to the same task report, one run each (" + sources.join(", ") + "). ";
  }

  function publicLines(block, view) {
    if (view.part !== "test" || !hasPublic(block) || view.hidden.has("public answers")) return [];
    const lines = [];
    for (const answer of known.answers.filter((a) => a.dataset === block.dataset))
      for (const method of ["weight", "unit"]) {
        const index = block.series.findIndex((s) => s.method === method);
        const points = known.k.map((k, i) => ({ k, y: answer[method][i] })).filter((p) => isNumber(p.y));
        if (index < 0 || view.hidden.has(block.series[index].name)) continue;
        lines.push({ name: answer.source + ", " + method, colour: seriesColour(index), faint: true,
          points: points.map((p) => ({ x: view.axis === "k" ? p.k : known.weights_left[method][p.k], y: p.y,
            key: p.k / 100, note: "public answer, one run" })) });
      }
    return lines;
  }

  function denseValue(block, view, quantity) {
    for (const series of block.series)
      for (const point of series.points)
        if (point.k === 0 && point[view.part + "_" + quantity])
          return (quantity === "accuracy" ? 100 : 1) * point[view.part + "_" + quantity][0];
    return null;
  }

  function drawResult(block, view, frames) {
    for (const quantity of ["accuracy", "loss"]) {
      const { holder } = frames[quantity], accuracy = quantity === "accuracy";
      const dense = denseValue(block, view, quantity), close = view.detail === "close";
      clear(holder);
      const lines = (accuracy ? publicLines(block, view) : []).concat(ownLines(block, view, quantity));
      const part = { test: "Test", valid: "Validation", train: "Training" }[view.part];
      entitle(frames[quantity], part + " " + quantity);
      plot(holder, lines, {
        dense, better: accuracy ? "higher" : "lower", format: accuracy ? hundredths : loss, unit: accuracy ? " %" : "", xLog: view.axis === "weights", yLog: !accuracy && !close,
        xLabel: view.axis === "k" ? "k: share pruned, %" : "weights left (log), dense at the left",
        yLabel: accuracy ? "accuracy, %" : close ? "cross-entropy" : "cross-entropy (log)",
        xRange: (u, low, high) => [low <= 0 ? -2 : low, high >= 99 ? 101 : high],
        yRange: !accuracy ? (close && isNumber(dense) ? () => [0, 4 * dense] : undefined)
          : close && isNumber(dense) ? (u, low, high) => [Math.max(low, dense - 8), Math.min(dense + 1.2, 100.2)]
            : (u, low, high) => [low <= 20 ? 0 : low, high > 90 ? 100.5 : high],
        keyName: (k) => "k = " + plain(100 * k) + " %",
      });
    }
  }
  function legendEntries(block) {
    const entries = block.series.map((series, index) => ({ name: series.name, colour: seriesColour(index),
      shape: shapes[index % 4], dash: index >= 6 ? [7, 4] : undefined }));
    return hasPublic(block) ? entries.concat({ name: "public answers", colour: colour("soft"), faint: true }) : entries;
  }

  function parts(block) {
    const has = (part) => block.series.some((s) => s.points.some((p) => p[part + "_accuracy"] || p[part + "_loss"]));
    return [["test", "test"], ["valid", "validation"], ["train", "training"]].filter(([part]) => has(part));
  }

  function build(block, section) {
    const place = section.querySelector(".charts");
    const offered = parts(block);
    const view = { part: offered.length ? offered[0][0] : "test", axis: "k", detail: "all", hidden: new Set() };
    const frames = { accuracy: frame("Accuracy"), loss: frame("Loss") };
    const holder = make("div");
    const redraw = () => drawResult(block, view, frames);
    const withLegend = () => holder.replaceChildren(legend(legendEntries(block), view, redraw));
    const set = (key) => (value) => { view[key] = value; redraw(); };
    if (offered.length)
      place.append(make("div", { class: "controls" },
        choice("against", [["k", "k"], ["weights", "weights left"]], view.axis, set("axis")),
        choice("of", offered, view.part, set("part")),
        choice("show", [["all", "everything"], ["close", "close to dense"]], view.detail, set("detail"))),
        holder, make("div", { class: "pair" }, frames.accuracy.figure, frames.loss.figure),
        make("p", { class: "hint" }, publicNote(block) + "Bars are one standard deviation over seeds. Point at a line to read it; drag to look closer, double-click to go back; with the keyboard, arrow keys walk along."));
    const drawEpochs = lopEpochs(block, place);
    return () => {
      document.querySelectorAll(".swatch").forEach((s) => { s.style.background = seriesColour(Number(s.dataset.series)); });
      if (offered.length) { withLegend(); redraw(); }
      drawEpochs();
    };
  }

  /* The page ---------------------------------------------------------------------------------- */

  const sections = blocks.map((block, index) => document.getElementById("block-" + index));
  const tables = blocks.map((block, index) => document.getElementById("table-" + index));
  const draws = blocks.map((block, index) => build(block, sections[index]));
  let shown = 0;

  function show(index) {
    shown = index;
    sections.forEach((section, i) => { section.hidden = i !== index; });
    document.querySelectorAll("#chooser button").forEach((b, i) => b.setAttribute("aria-pressed", String(i === index)));
    tables.forEach((table, i) => { table.hidden = i !== index; });
    if (draws[index]) draws[index]();
    lopPage.show(index);
  }

  function offerChoice() {
    const chooser = document.getElementById("chooser");
    const several = (dataset) => blocks.filter((b) => b.dataset === dataset).length > 1;
    chooser.hidden = blocks.length < 2;
    blocks.forEach((block, index) => chooser.append(make("button", { type: "button", onclick: () => show(index) },
      several(block.dataset) ? block.dataset + ", " + block.network : block.dataset)));
  }

  function offerThemes() {
    const button = document.getElementById("theme"), themes = ["system", "light", "dark"];
    let at = 0;
    button.hidden = false;
    button.addEventListener("click", () => {
      at = (at + 1) % themes.length;
      if (at) root.dataset.theme = themes[at];
      else delete root.dataset.theme;
      button.textContent = "Theme: " + themes[at];
      show(shown);
    });
    dark.addEventListener("change", () => show(shown));
    let before = null;
    window.addEventListener("beforeprint", () => { before = root.dataset.theme; root.dataset.theme = "light"; show(shown); });
    window.addEventListener("afterprint", () => {
      if (before) root.dataset.theme = before;
      else delete root.dataset.theme;
      show(shown);
    });
  }

  let width = window.innerWidth, waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => show(shown), 120);
  });

  offerChoice();
  offerThemes();
  show(0);
})();