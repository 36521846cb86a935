/* Epoch by epoch: accuracy and loss at every k, ways of pruning side by side, and below them how much
 * was pruned when. lopEpochs(block, place) puts it there and returns what draws it anew. */
const lopEpochs = (function () {
  "use strict";

  const { make, colour, seriesColour, rampColour, plain, isNumber, loss, hundredths, withDeviation, plot, clear, frame,
    entitle, choice, sample, legend } = lopChart;
  const columnsAtMost = 2;
  const parts = [["test", "test"], ["valid", "validation"], ["train", "training"]];
  const looks = {
    accuracy: { scale: 100, format: hundredths, unit: " %", title: (part) => part + " accuracy" },
    loss: { scale: 1, format: loss, unit: "", title: (part) => part + " loss" },
    sparsity: { scale: 100, format: (value) => plain(Number(value.toFixed(2))), unit: " %", title: () => "weights gone" },
  };
  const quantities = Object.keys(looks);

  const percent = (k) => plain(100 * k) + " %";
  const raised = (text) => text[0].toUpperCase() + text.slice(1);
  const withCurve = (series) => series.points.filter((point) => point.curve && isNumber(point.k));
  const unique = (values) => [...new Set(values)];

  function curvePoints(curve, field, scale) {
    const [means, deviations] = curve[field];
    const scaled = (value) => (isNumber(value) ? scale * value : null);
    return curve.epoch.map((epoch, i) => ({ x: epoch, key: epoch, y: scaled(means[i]),
      deviation: deviations ? scaled(deviations[i]) : null })).filter((point) => isNumber(point.y));
  }

  /* Axes ------------------------------------------------------------------------------------------ */

  /* From least to greatest of all charts side by side, so that eyes may compare. */
  function extent(lines, axis) {
    const values = lines.flatMap((line) => line.points.map((point) => point[axis]));
    return values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  }

  function verticalRange(quantity, lines, dense) {
    const [low, high] = extent(lines.filter((line) => !line.hidden), "y"), air = 0.03 * (high - low || 1);
    if (quantity === "sparsity") return [-3, 103];
    if (quantity === "loss") return isNumber(dense) ? [0, 4 * dense] : [low / 1.2, high * 1.2];
    return isNumber(dense) ? [Math.max(low - air, dense - 8), Math.min(dense + 1.2, 100.2)]
      : [low - air, high > 99 ? 100.2 : high + air];
  }

  /* `all`: the lines of every chart beside this one; `dense`: where to look closely, or null. */
  function axes(quantity, lines, all, dense) {
    const { format, unit } = looks[quantity], closely = isNumber(dense);
    const [ownFirst, ownLast] = extent(lines, "x"), [first, last] = extent(all, "x");
    const whole = first === last ? [first - 0.5, last + 0.5] : [first, last], range = verticalRange(quantity, all, dense);
    return { format, unit, bands: true, yFixed: true, yLog: quantity === "loss" && !closely,
      height: quantity === "sparsity" ? 170 : undefined, xSteps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
      xRange: (u, from, to) => (from === ownFirst && to === ownLast ? whole : [from, to]), yRange: () => range, xLabel: "epoch",
      yLabel: { accuracy: "accuracy, %", loss: closely ? "cross-entropy" : "cross-entropy (log)", sparsity: "pruned, %" }[quantity],
      keyName: (epoch) => "epoch " + epoch };
  }

  /* Numbers as tables, made when they are asked for ------------------------------------------------ */

  function table({ title, lines, quantity }) {
    const look = looks[quantity], epochs = unique(lines.flatMap((line) => line.points.map((point) => point.x)));
    const rows = epochs.sort((a, b) => a - b).map((epoch) => make("tr", {}, make("th", { scope: "row" }, String(epoch)),
      ...lines.map((line) => {
        const point = line.points.find((p) => p.x === epoch);
        return make("td", {}, point ? withDeviation({ format: look.format, unit: "" }, point) : "");
      })));
    const heads = ["epoch"].concat(lines.map((line) => line.name)).map((name) => make("th", { scope: "col" }, name));
    return make("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" }, make("table", {},
      make("caption", {}, title + (look.unit ? "," + look.unit : "")), make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...rows)));
  }

  function numbers(list) {
    const inside = make("div", { class: "pair" });
    const details = make("details", { class: "numbers" }, make("summary", {}, "The numbers of each epoch"), inside);
    const refill = () => inside.replaceChildren(...(details.open ? list().filter((t) => t.lines.length).map(table) : []));
    details.addEventListener("toggle", refill);
    return { details, refill };
  }

  /* A training that nothing was pruned in: all parts in one chart ---------------------------------- */

  function denseLines(curve, quantity) {
    const styles = { train: [5], valid: [3, [6, 4]], test: [2] };
    return parts.filter(([part]) => curve[part + "_" + quantity]).map(([part, name]) => ({
      name, shape: "circle", colour: seriesColour(styles[part][0]), dash: styles[part][1],
      points: curvePoints(curve, part + "_" + quantity, looks[quantity].scale) }));
  }

  function denseAlone(curve, place) {
    const shown = ["accuracy", "loss"], frames = { accuracy: frame("Accuracy across epochs"), loss: frame("Loss across epochs") };
    const list = make("ul", { class: "legend", "aria-label": "Lines" });
    const tables = numbers(() => shown.map((quantity) =>
      ({ title: "Dense network, " + quantity, lines: denseLines(curve, quantity), quantity })));
    place.append(make("h3", {}, "The dense training, epoch by epoch"), list,
      make("div", { class: "pair" }, ...shown.map((quantity) => frames[quantity].figure)), tables.details);
    return () => {
      const known = new Map(shown.flatMap((quantity) => denseLines(curve, quantity)).map((line) => [line.name, line]));
      list.replaceChildren(...Array.from(known.values(), (line) =>
        make("li", { class: "choice" }, sample(Object.assign({}, line, { shape: null })), " " + line.name)));
      for (const quantity of shown) {
        const lines = denseLines(curve, quantity);
        clear(frames[quantity].holder);
        if (lines.length) plot(frames[quantity].holder, lines, axes(quantity, lines, lines, null));
      }
      tables.refill();
    };
  }

  /* Every k, ways of pruning side by side ----------------------------------------------------------- */

  function lookOf(view, k) {
    const at = view.pruned.indexOf(k), rising = view.pruned.length > 1 ? at / (view.pruned.length - 1) : 0.6;
    return k === 0 ? { name: "dense", end: "dense", colour: colour("soft"), dash: [6, 4] }
      : { name: "k = " + percent(k), end: percent(k), colour: rampColour(rising) };
  }

  function curveLines(series, view, quantity) {
    const field = quantity === "sparsity" ? quantity : view.part + "_" + quantity;
    return withCurve(series).filter((point) => point.curve[field]).map((point) => {
      const line = lookOf(view, point.k), points = curvePoints(point.curve, field, looks[quantity].scale);
      return Object.assign(line, { points, hidden: view.hidden.has(line.name) });
    }).filter((line) => line.points.length);
  }

  /* Weights at the left where there are some; then other methods, then other ways of the same. */
  function columnsOf(ways) {
    const byMethod = unique(ways.map((series) => series.method)).sort((a, b) => (b === "weight") - (a === "weight"))
      .map((method) => ways.find((series) => series.method === method));
    return unique(byMethod.concat(ways)).slice(0, columnsAtMost);
  }

  function denseEnd(block, view, quantity) {
    const field = view.part + "_" + quantity;
    const point = block.series.flatMap((series) => series.points).find((p) => p.k === 0 && p[field]);
    return point ? looks[quantity].scale * point[field][0] : null;
  }

  const titleOf = (series, view, quantity) => raised(looks[quantity].title(parts.find(([part]) => part === view.part)[1])) +
    ", pruned by " + series.name;

  function drawRow(block, view, row) {
    const lines = view.columns.map((series) => curveLines(series, view, row.quantity));
    const dense = view.detail === "close" && row.quantity !== "sparsity" ? denseEnd(block, view, row.quantity) : null;
    row.frames.forEach((framed, i) => {
      clear(framed.holder);
      entitle(framed, titleOf(view.columns[i], view, row.quantity));
      if (lines[i].length)
        plot(framed.holder, lines[i], Object.assign(axes(row.quantity, lines[i], lines.flat(), dense), { ends: true }));
    });
  }

  /* Which way stands in a column, where there are more ways than columns. */
  function waySelect(view, index, ways, changed) {
    const select = make("select", { "aria-label": (index ? "Right" : "Left") + " column", onchange: () => {
      view.columns[index] = ways[select.selectedIndex];
      changed();
    } }, ...ways.map((series) => make("option", {}, "pruned by " + series.name)));
    select.selectedIndex = ways.indexOf(view.columns[index]);
    return select;
  }

  function pruned(block, place) {
    const all = block.series.filter((series) => withCurve(series).some((point) => point.k > 0));
    const points = all.flatMap(withCurve), schedules = unique(all.map((series) => series.schedule));
    const offered = parts.filter(([part]) => points.some((p) => p.curve[part + "_accuracy"] || p.curve[part + "_loss"]));
    const ks = unique(points.map((point) => point.k)).sort((a, b) => a - b);
    const view = { part: offered.length ? offered[0][0] : "test", detail: "all", hidden: new Set(), pruned: ks.filter((k) => k > 0) };
    const keys = make("div"), inside = make("div", { class: "epochs" });
    let rows = [];
    const tables = numbers(() => ["accuracy", "loss"].flatMap((quantity) => view.columns.map((series) =>
      ({ title: titleOf(series, view, quantity), lines: curveLines(series, view, quantity), quantity }))));
    const redraw = () => { rows.forEach((row) => drawRow(block, view, row)); tables.refill(); };
    const arrange = (schedule) => {
      const ways = all.filter((series) => series.schedule === schedule);
      view.columns = columnsOf(ways);
      rows.forEach((row) => row.frames.forEach(({ holder }) => clear(holder)));
      rows = quantities.map((quantity) => ({ quantity, frames: view.columns.map(() => frame("")) }));
      inside.replaceChildren(...(ways.length > view.columns.length
        ? [make("div", { class: "pair ways" }, ...view.columns.map((series, i) => waySelect(view, i, ways, redraw)))] : []),
        ...(view.columns.length > 1 ? rows : [{ frames: rows.flatMap((row) => row.frames) }]).map((row) =>
          make("div", { class: "pair" }, ...row.frames.map(({ figure }) => figure))));
    };
    const set = (key) => (value) => { view[key] = value; redraw(); };
    arrange(schedules[0]);
    place.append(make("h3", {}, "Epoch by epoch"), make("div", { class: "controls" },
      ...(schedules.length > 1 ? [choice("schedule", schedules.map((name) => [name, name]), schedules[0],
        (name) => { arrange(name); redraw(); })] : []),
      choice("of", offered, view.part, set("part")),
      choice("show", [["all", "everything"], ["close", "close to dense"]], view.detail, set("detail"))), keys, inside,
      make("p", { class: "hint" }, "Each line is the mean over seeds, its band one standard deviation. Charts side by side have the same axes. Drag along the epochs to look closer, double-click to go back."),
      tables.details);
    return () => {
      keys.replaceChildren(legend(ks.map((k) => lookOf(view, k)), view, redraw));
      redraw();
    };
  }

  return function (block, place) {
    const points = block.series.flatMap(withCurve), dense = points.find((point) => point.k === 0);
    if (points.some((point) => point.k > 0)) return pruned(block, place);
    return dense ? denseAlone(dense.curve, place) : () => {};
  };
})();
