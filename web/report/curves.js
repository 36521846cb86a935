/* Trade-off curves: any quantity against any other, two charts over one legend.
 * lopCurves(block, place) puts them there and returns what draws them anew. */
const lopCurves = (function () {
  "use strict";

  const { make, colour, seriesColour, whole, plain, short, isNumber, loss, hundredths, bytes, withDeviation, plot, clear, frame,
    entitle, choice, legend, shapes } = lopChart;
  const known = lopPage.known;
  const micro = (value) => (value < 100 ? value.toPrecision(3) : whole(value));

  /* What can be drawn. `better`: which way is good; `log`: always on a logarithmic scale. Energy is
   * whatever results call so: its unit stands at the end of the name. */
  const quantities = [
    { key: "test_accuracy", name: "test accuracy", unit: " %", axis: "test accuracy, %", scale: 100, format: hundredths, better: "higher" },
    { key: "valid_accuracy", name: "validation accuracy", unit: " %", axis: "validation accuracy, %", scale: 100, format: hundredths, better: "higher" },
    { key: "test_loss", name: "test loss", unit: "", axis: "test cross-entropy", scale: 1, format: loss, better: "lower", loss: true },
    { key: "valid_loss", name: "validation loss", unit: "", axis: "validation cross-entropy", scale: 1, format: loss, better: "lower", loss: true },
    { key: "train_accuracy", name: "training accuracy", unit: " %", axis: "training accuracy, %", scale: 100, format: hundredths, better: "higher" },
    { key: "train_loss", name: "training loss", unit: "", axis: "training cross-entropy", scale: 1, format: loss, better: "lower", loss: true },
    { key: "bytes_packed", name: "packed file", unit: "", axis: "packed file, bytes (log)", scale: 1, format: bytes, better: "lower", log: true },
    { key: "bytes_zstd", name: "dense file through zstd", unit: "", axis: "zstd, bytes (log)", scale: 1, format: bytes, better: "lower", log: true },
    { key: "bytes_sparse", name: "sparse file (CSR)", unit: "", axis: "sparse file, bytes (log)", scale: 1, format: bytes, better: "lower", log: true },
    { key: "latency_us_batch1", name: "latency", unit: " µs", axis: "latency of one sample, µs (log)", scale: 1, format: micro, better: "lower", log: true },
    { key: "compacted_latency_us_batch1", name: "latency, compacted dense", unit: " µs", axis: "latency by dense products, µs (log)", scale: 1, format: micro, better: "lower", log: true },
  ];
  const acrosses = [
    { key: "k", name: "k, share pruned", unit: " %", axis: "k: share pruned, %", scale: 100, better: "higher" },
    { key: "sparsity", name: "sparsity of all weights", unit: " %", axis: "share of all weights that is gone, %", scale: 100, better: "higher" },
    { key: "weights_left", name: "weights left", unit: "", axis: "weights left (log), dense at the left", scale: 1, better: "lower", log: true },
    { key: "bytes_packed", name: "packed file", unit: "", axis: "packed file, bytes (log), dense at the left", scale: 1, better: "lower", log: true },
    { key: "latency_us_batch1", name: "latency", unit: " µs", axis: "latency, µs (log), slowest at the left", scale: 1, better: "lower", log: true },
    { key: "compacted_latency_us_batch1", name: "latency, compacted dense", unit: " µs", axis: "latency by dense products, µs (log)", scale: 1, better: "lower", log: true },
  ];
  const attributes = ["method", "criterion", "scope", "schedule"];
  const unique = (values) => [...new Set(values)];
  const percent = (k) => plain(100 * k) + " %";

  /* [mean, deviation] of a point; k is itself. */
  const valueOf = (point, key) => (key === "k" ? (isNumber(point.k) ? [point.k, null] : null) : point[key]);

  function energies(block) {
    const keys = unique(block.series.flatMap((s) => s.points).flatMap(Object.keys)).filter((key) => /energy/.test(key));
    return keys.map((key) => {
      const unit = /_(nj|uj|mj|pj)(_|$)/.exec(key), shown = unit ? " " + { nj: "nJ", uj: "µJ", mj: "mJ", pj: "pJ" }[unit[1]] : "";
      const name = "energy estimate" + (keys.length > 1 ? ", " + key.replace(/_/g, " ") : "");
      return { key, name, unit: shown, axis: name + (shown ? "," + shown : "") + " (log)", scale: 1, format: micro, better: "lower", log: true };
    });
  }

  /* Quantities that some point has; logarithms want values above 0. */
  function offered(block, list) {
    const points = block.series.flatMap((series) => series.points);
    return list.filter(({ key, log }) => points.some((p) => valueOf(p, key) && (!log || valueOf(p, key)[0] > 0)));
  }

  const byKey = (list, key) => list.find((entry) => entry.key === key) || list[0];

  /* Lines ----------------------------------------------------------------------------------------- */

  const isHidden = (series, view) => view.hidden.has(series.name) || attributes.some((a) => view.off.has(a + ":" + series[a]));
  const lookOf = (series, index) => ({ name: series.name, colour: seriesColour(index), shape: shapes[index % 4],
    dash: index >= 6 ? [7, 4] : undefined });

  function noteOf(point) {
    const parts = [];
    if (point.weights_left) parts.push(whole(point.weights_left[0]) + " weights left");
    if (point.bytes_packed) parts.push(bytes(point.bytes_packed[0]) + " packed");
    if (point.latency_us_batch1) parts.push(micro(point.latency_us_batch1[0]) + " µs");
    return parts.join(", ");
  }

  function ownLines(block, view, x, y) {
    const scaled = (pair, scale) => (pair && isNumber(pair[1]) ? scale * pair[1] : null);
    return block.series.map((series, index) => Object.assign(lookOf(series, index), {
      hidden: isHidden(series, view),
      points: series.points.map((p) => [p, valueOf(p, x.key), valueOf(p, y.key)])
        .filter(([p, across, up]) => across && up && (!x.log || across[0] > 0) && (!y.log || up[0] > 0))
        .map(([p, across, up]) => ({ x: x.scale * across[0], xDeviation: scaled(across, x.scale), y: y.scale * up[0],
          deviation: scaled(up, y.scale), key: p.k, note: noteOf(p) })),
    })).filter((line) => line.points.length);
  }

  const hasPublic = (block) => block.network === known.network && known.answers.some((answer) => answer.dataset === block.dataset);
  const drawsPublic = (block, x, y) => hasPublic(block) && y.key === "test_accuracy" && ["k", "weights_left"].includes(x.key);

  function publicLines(block, view, x, y) {
    if (!drawsPublic(block, x, y) || view.hidden.has("public answers")) return [];
    const lines = [];
    for (const answer of known.answers.filter((a) => a.dataset === block.dataset))
      for (const method of ["weight", "unit"]) {
        const index = block.series.findIndex((s) => s.method === method && !isHidden(s, view));
        if (index < 0) continue;
        const points = known.k.map((k, i) => ({ k, y: answer[method][i] })).filter((p) => isNumber(p.y));
        lines.push({ name: answer.source + ", " + method, colour: seriesColour(index), faint: true,
          points: points.map((p) => ({ x: x.key === "k" ? p.k : known.weights_left[method][p.k], y: p.y,
            key: p.k / 100, note: "public answer, one run" })) });
      }
    return lines;
  }

  /* Points that no other is better than in both: along x from the good end, each one better in y. */
  function frontOf(lines, x, y) {
    const sign = (entry) => (entry.better === "higher" ? 1 : -1);
    const points = lines.filter((line) => !line.hidden && !line.faint).flatMap((line) => line.points);
    points.sort((a, b) => sign(x) * (b.x - a.x) || sign(y) * (b.y - a.y));
    const front = [];
    for (const point of points)
      if (!front.length || sign(y) * (point.y - front[front.length - 1].y) > 0) front.push(point);
    return front;
  }

  /* Charts ---------------------------------------------------------------------------------------- */

  function denseValue(block, y) {
    for (const series of block.series)
      for (const point of series.points)
        if (point.k === 0 && point[y.key]) return y.scale * point[y.key][0];
    return null;
  }

  function optionsFor(block, view, x, y, front) {
    const close = view.detail === "close", plainAxis = !y.log, dense = plainAxis ? denseValue(block, y) : null;
    const yLog = y.log || (y.loss && !close);
    let yRange;
    if (y.loss && close && isNumber(dense)) yRange = () => [0, 4 * dense];
    else if (!y.loss && plainAxis)
      yRange = close && isNumber(dense) ? (u, low, high) => [Math.max(low, dense - 6), Math.min(dense + 1, 100.2)]
        : (u, low, high) => [low <= 20 ? 0 : low, high > 90 ? 100.5 : high];
    return { dense, better: y.better, format: y.format, unit: y.unit, xLog: Boolean(x.log), yLog, yShort: y.log, yRange, front,
      xLabel: x.axis, yLabel: y.loss && yLog ? y.axis + " (log)" : y.axis,
      xRange: (u, low, high) => [low <= 0 ? -2 : low, high >= 99 ? 101 : high],
      keyName: (k) => (isNumber(k) ? "k = " + percent(k) : "k unknown") };
  }

  /* The chart's figures, for those who do not see it. */
  function tableOf(title, lines, x, y) {
    const rows = lines.filter((line) => !line.hidden).flatMap((line) => line.points.map((p) => make("tr", {},
      make("th", { scope: "row" }, line.name), make("td", {}, isNumber(p.key) ? percent(p.key) : ""),
      make("td", {}, x.format ? x.format(p.x) : x.log ? whole(p.x) : plain(p.x)), make("td", {}, withDeviation({ format: y.format, unit: y.unit }, p)))));
    const head = ["line", "k", x.name, y.name].map((name) => make("th", { scope: "col" }, name));
    return make("div", { class: "scroll tall", role: "region", "aria-label": title, tabindex: "0" }, make("table", {},
      make("caption", {}, title), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  }

  function chartOf(block, view, ys, at, redraw) {
    const framed = frame("");
    const up = make("select", { "aria-label": "Up: what the " + (at ? "second" : "first") + " chart shows", onchange: () => {
      view.y[at] = ys[up.selectedIndex];
      redraw();
    } }, ...ys.map((y) => make("option", { value: y.key }, y.name)));
    const inside = make("div"), details = make("details", { class: "numbers" }, make("summary", {}, "The numbers of this chart"), inside);
    framed.figure.insertBefore(make("label", { class: "up" }, "Up: ", up), framed.holder);
    framed.figure.append(details);
    let current = null;
    const refill = () => inside.replaceChildren(...(details.open && current ? [tableOf(...current)] : []));
    details.addEventListener("toggle", refill);
    return { framed, draw() {
      const { x } = view, y = view.y[at];
      const lines = publicLines(block, view, x, y).concat(ownLines(block, view, x, y));
      const title = y.name[0].toUpperCase() + y.name.slice(1) + " against " + x.name;
      up.selectedIndex = ys.indexOf(y);
      clear(framed.holder);
      entitle(framed, title);
      plot(framed.holder, lines, optionsFor(block, view, x, y, view.front && x.key !== y.key ? frontOf(lines, x, y) : []));
      current = [title, lines, x, y];
      refill();
    } };
  }

  /* What is chosen, and the address ---------------------------------------------------------------- */

  const listed = (name) => lopPage.get(name, "").split("*").filter(Boolean);

  function viewOf(block, ys, xs) {
    const own = new Set(listed("hide").map((entry) => (entry === "p" ? "public answers" : (block.series[Number(entry)] || {}).name)));
    return { x: byKey(xs, lopPage.get("x", "k")), front: lopPage.get("front") !== "off", hidden: own, off: new Set(listed("off")),
      y: [byKey(ys, lopPage.get("y", "test_accuracy")), byKey(ys, lopPage.get("y2", "test_loss"))],
      detail: lopPage.get("show") === "close" ? "close" : "all" };
  }

  function remember(block, view) {
    const indexes = block.series.map((s, i) => (view.hidden.has(s.name) ? String(i) : "")).concat(view.hidden.has("public answers") ? ["p"] : []);
    lopPage.set("y", view.y[0].key === "test_accuracy" ? null : view.y[0].key);
    lopPage.set("y2", view.y[1].key === "test_loss" ? null : view.y[1].key);
    lopPage.set("x", view.x.key === "k" ? null : view.x.key);
    lopPage.set("show", view.detail === "close" ? "close" : null);
    lopPage.set("front", view.front ? null : "off");
    lopPage.set("hide", indexes.filter(Boolean).join("*"));
    lopPage.set("off", [...view.off].join("*"));
  }

  /* Switches for all lines of a criterion, a schedule: where there are several. */
  function filters(block, view, changed) {
    /* Of use where a value has several lines: single ones have their switch in the legend. */
    const values = (attribute) => unique(block.series.map((s) => s[attribute]));
    return attributes.map((attribute) => [attribute, values(attribute)])
      .filter(([, list]) => list.length > 1 && list.length < block.series.length).map(([attribute, list]) => {
        const set = make("fieldset", { class: "checks" }, make("legend", {}, attribute));
        for (const value of list) {
          const box = make("input", { type: "checkbox", value });
          box.checked = !view.off.has(attribute + ":" + value);
          box.addEventListener("change", () => {
            view.off[box.checked ? "delete" : "add"](attribute + ":" + value);
            changed();
          });
          set.append(make("label", {}, box, " " + value));
        }
        return set;
      });
  }

  function publicNote(block) {
    if (!hasPublic(block)) return "";
    const sources = unique(known.answers.filter((a) => a.dataset === block.dataset).map((a) => a.source));
    return "Faint lines: the test accuracy that public answers to the same task report, one run each, without retraining (" + sources.join(", ") + "). ";
  }

  return function (block, place) {
    const ys = offered(block, quantities.concat(energies(block))), xs = offered(block, acrosses);
    if (!ys.length || !xs.length) return () => {};
    const view = viewOf(block, ys, xs), keys = make("div");
    const redraw = () => { charts.forEach((chart) => chart.draw()); remember(block, view); };
    const charts = [0, 1].map((at) => chartOf(block, view, ys, at, redraw));
    const across = make("select", { "aria-label": "Across: what both charts are drawn against", onchange: () => {
      view.x = xs[across.selectedIndex];
      redraw();
    } }, ...xs.map((x) => make("option", { value: x.key }, x.name)));
    across.selectedIndex = xs.indexOf(view.x);
    const front = make("input", { type: "checkbox", class: "front" });
    front.checked = view.front;
    front.addEventListener("change", () => { view.front = front.checked; redraw(); });
    place.append(make("h3", {}, "Trade-off"),
      make("div", { class: "controls" }, make("label", { class: "across" }, "Across: ", across),
        choice("show", [["all", "everything"], ["close", "close to dense"]], view.detail, (value) => { view.detail = value; redraw(); }),
        make("label", { class: "check" }, front, " Pareto front"), ...filters(block, view, redraw)),
      keys, make("div", { class: "pair" }, ...charts.map((chart) => chart.framed.figure)),
      make("p", { class: "hint" }, publicNote(block) + "Bars are one standard deviation over seeds. The broad line is the Pareto front: no other point is better in both. Point at a line to read it; drag to look closer, double-click to go back; with the keyboard, arrow keys walk along. The address remembers what is shown."));
    return () => {
      const entries = block.series.map(lookOf).concat(hasPublic(block) ? { name: "public answers", colour: colour("soft"), faint: true } : []);
      keys.replaceChildren(legend(entries, view, redraw));
      charts.forEach((chart) => chart.draw());
    };
  };
})();
