/* Charts of a report. Data come from the page's own JSON; every text is set as text, never as
 * markup. One function draws any chart from lines: { name, colour, shape, faint, points: [{x, y,
 * deviation, key, note}] }. */
(function () {
  "use strict";

  const blocks = JSON.parse(document.getElementById("data").textContent);
  const known = JSON.parse(document.getElementById("public").textContent);
  const root = document.documentElement;
  const shapes = ["circle", "square", "triangle", "diamond"];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  /* Small things ------------------------------------------------------------------------------ */

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value !== null && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  const colour = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
  const seriesColour = (index) => colour("s" + (index % 6));
  const whole = (value) => Math.round(value).toLocaleString("en-US");
  const plain = (value) => String(Number(value.toPrecision(6)));
  const isNumber = (value) => typeof value === "number" && isFinite(value);

  function short(value) {
    if (value >= 1e9) return plain(value / 1e9) + "G";
    if (value >= 1e6) return plain(value / 1e6) + "M";
    return value >= 1e3 ? plain(value / 1e3) + "k" : plain(value);
  }

  function loss(value) {
    return value < 10 ? value.toFixed(3) : value.toFixed(2);
  }

  const hundredths = (value) => value.toFixed(2);

  function withDeviation(options, point) {
    const mean = options.format(point.y);
    return (isNumber(point.deviation) ? mean + " ± " + options.format(point.deviation) : mean) + options.unit;
  }

  /* Drawing on the canvas --------------------------------------------------------------------- */

  function tracePoint(context, shape, x, y, r) {
    context.beginPath();
    if (shape === "square") {
      context.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
    } else if (shape === "triangle") {
      context.moveTo(x, y - r * 1.15);
      context.lineTo(x + r * 1.1, y + r * 0.85);
      context.lineTo(x - r * 1.1, y + r * 0.85);
    } else if (shape === "diamond") {
      context.moveTo(x, y - r * 1.25);
      context.lineTo(x + r * 1.1, y);
      context.lineTo(x, y + r * 1.25);
      context.lineTo(x - r * 1.1, y);
    } else {
      context.arc(x, y, r, 0, 2 * Math.PI);
    }
    context.closePath();
  }

  function drawErrorBar(u, line, point, x) {
    const ratio = devicePixelRatio, context = u.ctx;
    const low = u.scales.y.distr === 3 ? Math.max(point.y - point.deviation, point.y / 1e3)
                                       : point.y - point.deviation;
    const top = u.valToPos(point.y + point.deviation, "y", true), bottom = u.valToPos(low, "y", true);
    if (!(bottom - top > 1.5 * ratio)) return;
    const cap = 3.5 * ratio;
    context.lineWidth = 1.4 * ratio;
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, bottom);
    for (const y of [top, bottom]) {
      context.moveTo(x - cap, y);
      context.lineTo(x + cap, y);
    }
    context.stroke();
  }

  /* Means' band of one deviation: for curves whose points lie too close for bars. */
  function drawBand(u, line) {
    const context = u.ctx, points = line.points.filter((p) => isNumber(p.deviation));
    if (points.length < 2) return;
    context.beginPath();
    points.forEach((p) => context.lineTo(u.valToPos(p.x, "x", true), u.valToPos(p.y + p.deviation, "y", true)));
    points.reverse().forEach((p) => context.lineTo(u.valToPos(p.x, "x", true),
      u.valToPos(u.scales.y.distr === 3 ? Math.max(p.y - p.deviation, p.y / 1e3) : p.y - p.deviation, "y", true)));
    context.closePath();
    context.globalAlpha = 0.16;
    context.fillStyle = line.colour;
    context.fill();
    context.globalAlpha = 1;
  }

  function drawMarks(u, lines, options) {
    const context = u.ctx, ratio = devicePixelRatio;
    context.save();
    context.beginPath();
    context.rect(u.bbox.left - 6 * ratio, u.bbox.top - 6 * ratio, u.bbox.width + 12 * ratio, u.bbox.height + 12 * ratio);
    context.clip();
    for (const line of lines) {
      if (line.faint || line.hidden) continue;
      context.strokeStyle = context.fillStyle = line.colour;
      if (options.bands) { drawBand(u, line); continue; }
      for (const point of line.points) {
        const x = u.valToPos(point.x, "x", true), y = u.valToPos(point.y, "y", true);
        if (isNumber(point.deviation)) drawErrorBar(u, line, point, x);
        context.fillStyle = line.colour;
        tracePoint(context, line.shape, x, y, 4 * ratio);
        context.fill();
      }
    }
    context.restore();
  }

  function drawDense(u, options) {
    if (!isNumber(options.dense)) return;
    const context = u.ctx, ratio = devicePixelRatio, y = u.valToPos(options.dense, "y", true);
    if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
    context.save();
    context.strokeStyle = context.fillStyle = colour("soft");
    context.setLineDash([4 * ratio, 4 * ratio]);
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(u.bbox.left, y);
    context.lineTo(u.bbox.left + u.bbox.width, y);
    context.stroke();
    context.font = 11 * ratio + "px system-ui, sans-serif";
    /* Where no line runs: above the dashes if accuracy leaves room there, else below their end. */
    const roomAbove = options.better === "higher" && y - u.bbox.top > 18 * ratio;
    const atRight = roomAbove || options.better === "lower";
    context.textBaseline = roomAbove ? "bottom" : "top";
    context.textAlign = atRight ? "right" : "left";
    context.fillText("dense " + options.format(options.dense) + options.unit,
      u.bbox.left + (atRight ? u.bbox.width - 4 * ratio : 8 * ratio), y + (roomAbove ? -4 : 7) * ratio);
    context.restore();
  }

  /* One chart --------------------------------------------------------------------------------- */

  function logSplits(u, axis, low, high) {
    const values = [], digits = high / low < 1500 ? [1, 2, 5] : [1];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      for (const digit of digits) {
        const value = Number(digit + "e" + power);
        if (value >= low && value <= high) values.push(value);
      }
    return values;
  }

  function axisOptions(options) {
    const common = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 },
      ticks: { stroke: colour("grid"), width: 1, size: 5 }, font: "12px system-ui, sans-serif",
      labelFont: "12px system-ui, sans-serif", labelSize: 20, labelGap: 2 };
    const shown = (format) => (u, values) => values.map((v) => (isNumber(v) ? format(v) : ""));
    const x = Object.assign({}, common, { label: options.xLabel, size: 36,
      values: shown(options.xLog ? short : plain), grid: { show: false } });
    const y = Object.assign({}, common, { label: options.yLabel, size: 46, values: shown(plain) });
    /* uPlot's own splits of a log scale begin at its very end, which is no round number here. */
    for (const [axis, log] of [[x, options.xLog], [y, options.yLog]])
      if (log) Object.assign(axis, { splits: logSplits, filter: (u, values) => values });
    if (options.xSteps) x.incrs = options.xSteps;
    return [x, y];
  }

  function scaleOptions(options) {
    const widen = (u, low, high) => (isNumber(low) && isNumber(high) ? [low / 1.2, high * 1.2] : [1, 10]);
    const x = { time: false };
    if (options.xLog) Object.assign(x, { distr: 3, dir: -1, range: widen });
    else x.range = options.xRange || ((u, low, high) => [low, high]);
    const y = {};
    if (options.yLog) Object.assign(y, { distr: 3, range: widen });
    else if (options.yRange) y.range = options.yRange;
    return { x, y };
  }

  /* uPlot wants one list of x for all lines. */
  function joined(lines) {
    const tables = lines.map((line) => {
      const points = line.points.slice().sort((a, b) => a.x - b.x);
      return [points.map((p) => p.x), points.map((p) => p.y)];
    });
    return tables.length ? uPlot.join(tables) : [[]];
  }

  function nearest(u, lines, left, top) {
    let best = null;
    for (const line of lines) {
      if (line.hidden) continue;
      for (const point of line.points) {
        const dx = u.valToPos(point.x, "x") - left, dy = u.valToPos(point.y, "y") - top;
        const distance = Math.hypot(dx, dy) * (line.faint ? 1.6 : 1);
        if (!best || distance < best.distance) best = { line, point, distance };
      }
    }
    return best;
  }

  function fillTip(tip, lines, options, found) {
    const rows = found.line.faint ? [found] :
      lines.filter((l) => !l.hidden && !l.faint)
        .map((line) => ({ line, point: line.points.find((p) => p.key === found.point.key) }))
        .filter((row) => row.point);
    tip.replaceChildren(make("b", {}, options.keyName(found.point.key)));
    for (const { line, point } of rows) {
      const swatch = make("i");
      swatch.style.background = line.colour;
      const text = make("span", {}, line.name + ": " + withDeviation(options, point));
      if (point.note) text.append(make("small", {}, point.note));
      tip.append(make("span", { class: "row" }, swatch, text));
    }
  }

  function pointOut(u, parts, lines, options, found) {
    if (!found) {
      parts.tip.hidden = parts.ring.hidden = true;
      return;
    }
    fillTip(parts.tip, lines, options, found);
    const x = u.valToPos(found.point.x, "x"), y = u.valToPos(found.point.y, "y");
    parts.tip.hidden = parts.ring.hidden = false;
    parts.ring.style.left = x + "px";
    parts.ring.style.top = y + "px";
    parts.ring.style.borderColor = found.line.colour;
    const width = parts.tip.offsetWidth, height = parts.tip.offsetHeight;
    const left = x + 16 + width > u.over.clientWidth ? x - width - 16 : x + 16;
    parts.tip.style.left = Math.max(-40, left) + "px";
    parts.tip.style.top = Math.min(Math.max(0, y - height / 2), Math.max(0, u.over.clientHeight - height)) + "px";
  }

  function steps(lines) {
    const keys = [];
    for (const line of lines)
      if (!line.hidden && !line.faint)
        for (const point of line.points) if (!keys.includes(point.key)) keys.push(point.key);
    return keys.sort((a, b) => a - b);
  }

  /* Arrow keys walk over the points; what is read is spoken too. */
  function listenToKeys(holder) {
    holder.addEventListener("keydown", (event) => {
      const chart = holder.chart, move = { ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9 }[event.key];
      if (!chart) return;
      if (event.key === "Escape") pointOut(chart.u, chart.parts, chart.lines, chart.options, null);
      const keys = steps(chart.lines);
      if (!move || !keys.length) return;
      event.preventDefault();
      chart.at = Math.min(keys.length - 1, Math.max(0, chart.at + move));
      const key = keys[chart.at], at = (line) => line.points.find((point) => point.key === key);
      const line = chart.lines.find((l) => !l.hidden && !l.faint && at(l));
      pointOut(chart.u, chart.parts, chart.lines, chart.options, { line, point: at(line) });
      chart.parts.spoken.textContent = chart.parts.tip.innerText.replace(/\n/g, ", ");
    });
    holder.addEventListener("blur", () => {
      const chart = holder.chart;
      if (chart) pointOut(chart.u, chart.parts, chart.lines, chart.options, null);
    });
  }

  function plot(holder, lines, options) {
    const parts = { tip: make("div", { class: "tip" }), ring: make("div", { class: "ring" }),
      spoken: make("span", { class: "skip", "aria-live": "polite" }) };
    parts.tip.hidden = parts.ring.hidden = true;
    const u = new uPlot({
      width: Math.max(240, holder.clientWidth), height: Math.round(Math.min(380, Math.max(270, holder.clientWidth * 0.62))),
      legend: { show: false }, scales: scaleOptions(options), axes: axisOptions(options),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: true, uni: 25 } },
      series: [{}].concat(lines.map((line) => ({
        stroke: line.colour, width: line.faint ? 1.1 : 2, alpha: line.faint ? 0.42 : 1, dash: line.dash,
        spanGaps: true, show: !line.hidden, points: { show: false } }))),
      hooks: {
        draw: [(self) => { drawDense(self, options); drawMarks(self, lines, options); }],
        setCursor: [(self) => {
          const found = self.cursor.left >= 0 ? nearest(self, lines, self.cursor.left, self.cursor.top) : null;
          pointOut(self, parts, lines, options, found && found.distance < 90 ? found : null);
        }],
      },
    }, joined(lines), holder);
    u.over.append(parts.ring, parts.tip);
    holder.append(parts.spoken);
    holder.chart = { u, parts, lines, options, at: -1 };
  }

  function clear(holder) {
    if (holder.chart) {
      holder.chart.u.destroy();
      holder.chart.parts.spoken.remove();
    }
    holder.chart = null;
  }

  function frame(title, note) {
    const holder = make("div", { class: "canvas", tabindex: "0", role: "img",
      "aria-label": title + ". Arrow keys read the points; the table below has all figures." });
    listenToKeys(holder);
    const figure = make("figure", { class: "plot" }, make("figcaption", {}, title, make("small", {}, note || "")), holder);
    return { figure, holder, caption: figure.firstChild };
  }

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
      const { holder, caption } = frames[quantity], accuracy = quantity === "accuracy";
      const dense = denseValue(block, view, quantity), close = view.detail === "close";
      clear(holder);
      const lines = (accuracy ? publicLines(block, view) : []).concat(ownLines(block, view, quantity));
      const part = { test: "Test", valid: "Validation", train: "Training" }[view.part];
      caption.firstChild.textContent = part + " " + quantity;
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

  /* Means over seeds of the dense training, epoch by epoch. */
  function epochLines(block, quantity) {
    const scale = quantity === "accuracy" ? 100 : 1, lines = [];
    [["training", "train"], ["validation", "valid"], ["test", "test"]].forEach(([name, part], index) => {
      const byEpoch = new Map();
      for (const seed of block.epochs)
        for (const epoch of seed) {
          const value = epoch[part + "_" + quantity];
          if (!isNumber(value)) continue;
          if (!byEpoch.has(epoch.epoch)) byEpoch.set(epoch.epoch, []);
          byEpoch.get(epoch.epoch).push(scale * value);
        }
      const points = Array.from(byEpoch, ([epoch, values]) => {
        const mean = values.reduce((a, b) => a + b) / values.length;
        const squares = values.reduce((a, b) => a + (b - mean) * (b - mean), 0);
        return { x: epoch, y: mean, key: epoch, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null };
      }).sort((a, b) => a.x - b.x);
      if (points.length) lines.push({ name, colour: seriesColour([5, 3, 2][index]), shape: "circle", points, dash: [undefined, [6, 4], undefined][index] });
    });
    return lines;
  }

  function drawEpochs(block, frames) {
    for (const quantity of ["accuracy", "loss"]) {
      const { holder } = frames[quantity], accuracy = quantity === "accuracy";
      clear(holder);
      const lines = epochLines(block, quantity);
      if (!lines.length) continue;
      plot(holder, lines, { bands: true, format: accuracy ? hundredths : loss, unit: accuracy ? " %" : "", yLog: !accuracy,
        yRange: (u, low, high) => [low - 0.03 * (high - low), high > 99 ? 100.2 : high],
        xSteps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], xLabel: "epoch", yLabel: accuracy ? "accuracy, %" : "cross-entropy (log)", keyName: (epoch) => "epoch " + epoch });
    }
  }

  /* Controls ---------------------------------------------------------------------------------- */

  let groups = 0;
  function choice(name, options, chosen, changed) {
    const group = "choice-" + groups++;
    const set = make("fieldset", { class: "switch" }, make("legend", {}, name));
    for (const [value, text] of options) {
      const input = make("input", { type: "radio", name: group, value, onchange: () => changed(value) });
      input.checked = value === chosen;
      set.append(make("label", {}, input, make("span", {}, text)));
    }
    return set;
  }

  function sample(look) {
    const canvas = make("canvas", { width: 60, height: 24, "aria-hidden": "true" });
    canvas.style.width = "30px";
    canvas.style.height = "12px";
    const context = canvas.getContext("2d");
    context.strokeStyle = context.fillStyle = look.colour;
    context.lineWidth = look.faint ? 2 : 4;
    context.globalAlpha = look.faint ? 0.5 : 1;
    context.setLineDash((look.dash || []).map((d) => 2 * d));
    context.beginPath();
    context.moveTo(2, 12);
    context.lineTo(58, 12);
    context.stroke();
    context.setLineDash([]);
    if (look.shape) {
      tracePoint(context, look.shape, 30, 12, 8);
      context.fill();
    }
    return canvas;
  }

  function legend(entries, view, changed) {
    const list = make("ul", { class: "legend", "aria-label": "Lines shown" });
    for (const look of entries) {
      const button = make("button", { type: "button", "aria-pressed": String(!view.hidden.has(look.name)) }, sample(look), look.name);
      button.addEventListener("click", () => {
        if (!view.hidden.delete(look.name)) view.hidden.add(look.name);
        button.setAttribute("aria-pressed", String(!view.hidden.has(look.name)));
        changed();
      });
      list.append(make("li", {}, button));
    }
    return list;
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
    const epochFrames = { accuracy: frame("Accuracy across epochs", ""), loss: frame("Loss across epochs", "") };
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
    const hasEpochs = block.epochs.length > 0;
    if (hasEpochs) {
      const names = new Set();
      const list = make("ul", { class: "legend", "aria-label": "Lines" });
      const fill = () => {
        names.clear();
        list.replaceChildren();
        for (const look of epochLines(block, "loss").concat(epochLines(block, "accuracy")))
          if (!names.has(look.name)) {
            names.add(look.name);
            list.append(make("li", { class: "choice" }, sample(Object.assign({}, look, { shape: null })), " " + look.name));
          }
      };
      place.append(make("h3", {}, "The dense training, epoch by epoch"), list,
        make("div", { class: "pair" }, epochFrames.accuracy.figure, epochFrames.loss.figure));
      block.refill = fill;
    }
    return () => {
      section.querySelectorAll(".swatch").forEach((s) => { s.style.background = seriesColour(Number(s.dataset.series)); });
      if (offered.length) { withLegend(); redraw(); }
      if (hasEpochs) { block.refill(); drawEpochs(block, epochFrames); }
    };
  }

  /* The page ---------------------------------------------------------------------------------- */

  const sections = blocks.map((block, index) => document.getElementById("block-" + index));
  const draws = blocks.map((block, index) => build(block, sections[index]));
  let shown = 0;

  function show(index) {
    shown = index;
    sections.forEach((section, i) => { section.hidden = i !== index; });
    document.querySelectorAll("#chooser button").forEach((b, i) => b.setAttribute("aria-pressed", String(i === index)));
    if (draws[index]) draws[index]();
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
