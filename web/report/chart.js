/* Charts, and what is chosen about them. Every text is set as text, never as markup. One function
 * draws any chart from lines: { name, colour, shape, faint, dash, hidden, points: [{x, y, deviation,
 * key, note}] }. */
const lopChart = (function () {
  "use strict";

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

  /* Asking the browser lays out the page each time: ask once a theme. */
  let colours = new Map();
  function colour(name) {
    if (!colours.has(name)) colours.set(name, getComputedStyle(root).getPropertyValue("--" + name).trim());
    return colours.get(name);
  }
  const forgetColours = () => { colours = new Map(); };
  const seriesColour = (index) => colour("s" + (index % 6));

  /* What has an order has colours in order: `at` from 0 to 1 along the theme's ramp. */
  function rampColour(at) {
    const stops = colour("ramp").split(/\s+/).map((text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));
    const place = Math.min(Math.max(at, 0), 1) * (stops.length - 1), from = Math.min(Math.floor(place), stops.length - 2);
    return "rgb(" + stops[from].map((value, i) => Math.round(value + (place - from) * (stops[from + 1][i] - value))).join(" ") + ")";
  }

  const thousands = new Intl.NumberFormat("en-US");
  const whole = (value) => thousands.format(Math.round(value));
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

  function bytes(value) {
    const units = [[1e9, " GB"], [1e6, " MB"], [1e3, " kB"]], unit = units.find(([least]) => value >= least);
    return unit ? plain(Number((value / unit[0]).toPrecision(3))) + unit[1] : whole(value) + " B";
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

  /* Across: means of both, one deviation each. */
  function drawErrorAcross(u, point, y) {
    const ratio = devicePixelRatio, context = u.ctx, cap = 3.5 * ratio;
    const low = u.scales.x.distr === 3 ? Math.max(point.x - point.xDeviation, point.x / 1e3) : point.x - point.xDeviation;
    const from = u.valToPos(low, "x", true), to = u.valToPos(point.x + point.xDeviation, "x", true);
    if (!(Math.abs(to - from) > 1.5 * ratio)) return;
    context.lineWidth = 1.4 * ratio;
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(to, y);
    for (const x of [from, to]) {
      context.moveTo(x, y - cap);
      context.lineTo(x, y + cap);
    }
    context.stroke();
  }

  /* Points that no other is better than, joined by a broad line behind all others. */
  function drawFront(u, front) {
    if (!front || front.length < 2) return;
    const context = u.ctx, ratio = devicePixelRatio;
    context.save();
    context.beginPath();
    context.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    context.clip();
    context.strokeStyle = colour("front");
    context.lineWidth = 11 * ratio;
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    front.forEach((point) => context.lineTo(u.valToPos(point.x, "x", true), u.valToPos(point.y, "y", true)));
    context.stroke();
    context.restore();
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
    const air = options.bands ? 0 : 6 * ratio; /* points may stand on the border */
    context.save();
    context.beginPath();
    context.rect(u.bbox.left - air, u.bbox.top - air, u.bbox.width + 2 * air, u.bbox.height + 2 * air);
    context.clip();
    for (const line of lines) {
      if (line.faint || line.hidden) continue;
      context.strokeStyle = context.fillStyle = line.colour;
      if (options.bands) drawBand(u, line);
      if (options.bands && line.points.length > 1) continue;
      for (const point of line.points) {
        const x = u.valToPos(point.x, "x", true), y = u.valToPos(point.y, "y", true);
        if (isNumber(point.deviation)) drawErrorBar(u, line, point, x);
        if (isNumber(point.xDeviation)) drawErrorAcross(u, point, y);
        context.fillStyle = line.colour;
        tracePoint(context, line.shape, x, y, 4 * ratio);
        context.fill();
      }
    }
    context.restore();
  }

  /* What each line is, where it ends: from top to bottom, no two closer than a line of text. */
  function drawEnds(u, lines) {
    const context = u.ctx, ratio = devicePixelRatio, gap = 12 * ratio, right = u.bbox.left + u.bbox.width;
    const end = (line) => line.points.reduce((last, p) => (p.x > last.x && p.x <= u.scales.x.max ? p : last));
    const labels = lines.filter((line) => !line.hidden && line.end).map((line) =>
      ({ text: line.end, colour: line.colour, y: u.valToPos(end(line).y, "y", true) }))
      .filter((label) => label.y >= u.bbox.top - 1 && label.y <= u.bbox.top + u.bbox.height + 1).sort((a, b) => a.y - b.y);
    for (let i = 1; i < labels.length; i++) labels[i].y = Math.max(labels[i].y, labels[i - 1].y + gap);
    let limit = u.bbox.top + u.bbox.height;
    for (let i = labels.length - 1; i >= 0; i--, limit -= gap) labels[i].y = Math.min(labels[i].y, limit);
    context.save();
    context.font = 11 * ratio + "px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "left";
    for (const label of labels) {
      context.fillStyle = label.colour;
      context.fillText(label.text, right + 5 * ratio, label.y);
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
    const y = Object.assign({}, common, { label: options.yLabel, size: 46, values: shown(options.yShort ? short : plain) });
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
    if (options.yLog) Object.assign(y, { distr: 3, range: options.yRange || widen });
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
      const note = [point.note, options.front && options.front.includes(point) ? "on the Pareto front" : ""].filter(Boolean).join(", ");
      if (note) text.append(make("small", {}, note));
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
      width: Math.max(240, holder.clientWidth),
      height: options.height || Math.round(Math.min(380, Math.max(270, holder.clientWidth * 0.62))),
      padding: options.ends ? [null, 42, null, null] : undefined,
      legend: { show: false }, scales: scaleOptions(options), axes: axisOptions(options),
      cursor: { y: false, points: { show: false }, drag: options.yFixed ? { x: true, y: false } : { x: true, y: true, uni: 25 } },
      series: [{}].concat(lines.map((line) => ({
        stroke: line.colour, width: line.faint ? 1.1 : 2, alpha: line.faint ? 0.42 : 1, dash: line.dash,
        spanGaps: true, show: !line.hidden, points: { show: false } }))),
      hooks: {
        drawAxes: [(self) => drawFront(self, options.front)],
        draw: [(self) => { drawDense(self, options); drawMarks(self, lines, options); if (options.ends) drawEnds(self, lines); }],
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
      "aria-label": title + ". Arrow keys read the points; the numbers are in the table below." });
    listenToKeys(holder);
    const figure = make("figure", { class: "plot" }, make("figcaption", {}, title, make("small", {}, note || "")), holder);
    return { figure, holder, caption: figure.firstChild };
  }

  function entitle(framed, title) {
    framed.caption.firstChild.textContent = title;
    framed.holder.setAttribute("aria-label", title + ". Arrow keys read the points; the numbers are in the table below.");
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

  return { make, colour, forgetColours, seriesColour, rampColour, whole, plain, short, bytes, isNumber, loss, hundredths, withDeviation, plot, clear,
    frame, entitle, choice, sample, legend, root, shapes, dark };
})();
