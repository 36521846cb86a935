/* Inside the network: masks as pictures, what is left of each layer and row, weights before and after,
 * where the bytes of the packed file go, and how the runtime computes it. All from packed networks. */
lopPage.part("inside", function (section, page) {
  "use strict";

  const { make, colour, seriesColour, whole, plain, bytes, choice } = lopChart;
  if (!page.networks.length) return null;

  const percent = (share, digits) => (100 * share).toFixed(digits === undefined ? (share < 0.0995 ? 2 : 1) : digits) + " %";
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const mask = make("div", { class: "layers" }), looks = make("div", { class: "looks" });
  const account = make("div"), plans = make("div"), summary = make("p", { class: "summary", "aria-live": "polite" });
  const controls = make("div", { class: "controls" });
  let chosen = null;

  /* Half bytes, the lower first. */
  function nibbles(text, count) {
    const packed = decode(text);
    return Array.from({ length: count }, (unused, i) => (packed[i >> 1] >> (i & 1 ? 4 : 0)) & 15);
  }

  function channels(name) {
    const text = colour(name), hex = /^#(..)(..)(..)$/.exec(text);
    return hex ? hex.slice(1).map((pair) => parseInt(pair, 16)) : [128, 128, 128];
  }

  const mixed = (from, to, at) => from.map((value, i) => Math.round(value + at * (to[i] - value)));

  /* A picture of columns × rows, a colour for each place. */
  function picture(columns, rows, label, colourAt) {
    const canvas = make("canvas", { width: columns, height: rows, class: "pixels", role: "img", "aria-label": label });
    const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    for (let i = 0; i < columns * rows; i++) image.data.set([...colourAt(i), 255], 4 * i);
    context.putImageData(image, 0, 0);
    return canvas;
  }

  /* Its name is an address, and the page holds none: a browser knows it. */
  const space = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;

  /* Drawn lines and bars, with SVG: sharp at any size and in print. */
  function svg(name, attributes, ...children) {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /* What the first layer looks at ------------------------------------------------------------------ */

  function drawLooks(layer) {
    const ground = channels("shade"), warm = channels("s1"), cool = channels("s0"), ink = channels("ink");
    const side = layer.side, seen = decode(layer.looked_at.shades);
    const all = picture(side, side, "How many units look at each pixel; at most " + layer.looked_at.most,
      (i) => mixed(ground, ink, seen[i] / 255));
    const units = layer.units.map((text, at) => {
      const values = nibbles(text, side * side);
      return picture(side, side, "Weights of a unit, " + (at + 1) + " of " + layer.units.length,
        (i) => (values[i] === 8 ? ground : mixed(ground, values[i] > 8 ? warm : cool, 0.25 + 0.75 * Math.abs(values[i] - 8) / 7)));
    });
    looks.replaceChildren(
      make("figure", { class: "all" }, all, make("figcaption", {}, "All " + whole(layer.outputs) + " units together: darkest where " +
        whole(layer.looked_at.most) + " of them look, blank where none does.")),
      make("figure", { class: "units" }, make("div", {}, ...units), make("figcaption", {}, units.length + " of the units. ",
        make("span", { class: "key warm" }, "weights above 0"), ", ", make("span", { class: "key cool" }, "below 0"), "; the rest is pruned.")));
  }

  /* Each layer -------------------------------------------------------------------------------------- */

  function rowChart(rows, inputs) {
    const most = Math.max(1, rows[0]), width = 100 / rows.length;
    return svg("svg", { viewBox: "0 0 100 26", preserveAspectRatio: "none", class: "rows", role: "img",
      "aria-label": "Weights left of each unit, from the fullest, " + rows[0] + " of " + inputs + ", to the emptiest, " + rows[rows.length - 1] },
      ...rows.map((left, i) => svg("rect", { x: (i * width).toFixed(2), width: (width * 0.8).toFixed(2),
        y: (26 - 26 * left / most).toFixed(2), height: (26 * left / most).toFixed(2) })));
  }

  /* Before and after over one axis; heights by the fullest bar of each, for the pruned are few. */
  function histogram(before, after) {
    const widest = Math.max(before ? before.largest : 0, after.largest) || 1;
    const trace = (one) => {
      const most = Math.max(1, ...one.counts), n = one.counts.length, at = (value) => (50 + 50 * value / widest).toFixed(2);
      const points = one.counts.flatMap((count, i) => {
        const y = (40 - 38 * count / most).toFixed(2);
        return [at(one.largest * (2 * i / n - 1)) + "," + y, at(one.largest * (2 * (i + 1) / n - 1)) + "," + y];
      });
      return at(-one.largest) + ",40 " + points.join(" ") + " " + at(one.largest) + ",40";
    };
    const lines = [svg("polygon", { points: trace(after), class: "after" })];
    if (before) lines.unshift(svg("polygon", { points: trace(before), class: "before" }));
    return make("figure", { class: "histogram" }, svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img",
      "aria-label": "Histogram of the weights that are left, from " + plain(-widest) + " to " + plain(widest) }, ...lines),
      make("figcaption", {}, make("span", {}, plain(Number((-widest).toPrecision(2)))), make("span", {}, "0"), make("span", {}, plain(Number(widest.toPrecision(2))))));
  }

  function drawLayer(layer, dense) {
    const ground = channels("shade"), ink = channels("accent"), { rows, columns, most, shades } = layer.mask;
    const levels = nibbles(shades, rows * columns), share = layer.left / (layer.inputs * layer.outputs);
    const image = picture(columns, rows, "Mask of " + layer.name + ": " + percent(share) + " left; in the darkest cell " + percent(most),
      (i) => mixed(ground, ink, levels[i] / 15));
    const middle = layer.rows[layer.rows.length >> 1];
    return make("article", { class: "layer" }, make("h4", {}, layer.name, make("small", {}, " " + whole(layer.outputs) + " × " + whole(layer.inputs))),
      make("p", {}, make("b", {}, percent(share)), " left, " + whole(layer.left) + " weights"), image,
      make("p", { class: "hint" }, "darkest cell: " + percent(most) + " left"),
      rowChart(layer.rows, layer.inputs),
      make("p", { class: "hint" }, "weights of a unit: " + whole(layer.rows[0]) + " to " + whole(layer.rows[layer.rows.length - 1]) + ", middle " + whole(middle)),
      histogram(dense && dense.histogram, layer.histogram),
      make("p", { class: "hint" }, "weights by value", ...(dense ? [": ", make("span", { class: "key grey" }, "before"), " ", make("span", { class: "key blue" }, "after"), ", each to its own scale"] : [])));
  }

  /* Bytes ------------------------------------------------------------------------------------------- */

  const purposes = [["positions", "positions", "s0"], ["values", "values", "s1"], ["graph", "graph, tables", "s2"], ["header", "header", "s3"], ["other", "other", "s4"]];

  function drawBytes(network, inside) {
    const total = network.bytes, parts = purposes.map(([key, name, look]) => [name, inside[key], look]).filter(([, size]) => size > 0);
    let at = 0;
    const bar = svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "purposes", role: "img",
      "aria-label": parts.map(([name, size]) => name + " " + percent(size / total)).join(", ") },
      ...parts.map(([, size, look]) => {
        const rect = svg("rect", { x: at, y: 0, height: 8, width: 100 * size / total, class: "fill-" + look });
        at += 100 * size / total;
        return rect;
      }));
    const legend = make("ul", { class: "keys" }, ...parts.map(([name, size, look]) => make("li", {}, make("i", { class: "ground-" + look }), name + ": " + whole(size) + " bytes, " + percent(size / total))));
    const bits = (a, b) => (b ? (a / b).toFixed(2) : "");
    const rows = inside.layers.map((layer) => make("tr", {}, make("th", { scope: "row" }, layer.name),
      make("td", {}, layer.values + (layer.entries ? " " + layer.entries : "")), make("td", {}, whole(layer.left)),
      make("td", {}, bits(layer.bits.inputs + layer.bits.counts + layer.bits.columns, layer.left)), make("td", {}, bits(layer.bits.position_entropy, layer.left)),
      make("td", {}, bits(layer.bits.values, layer.left)), make("td", {}, bits(layer.bits.value_entropy, layer.left)),
      make("td", {}, bytes(sum(["inputs", "counts", "columns", "biases", "tables", "values"].map((key) => layer.bits[key])) / 8))));
    const heads = ["layer", "values kept as", "weights left", "bits a place", "plain entropy", "bits a value", "plain entropy", "bytes"];
    account.replaceChildren(make("h3", {}, "Where the " + whole(total) + " bytes go"), bar, legend,
      make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Bits of each layer" }, make("table", {},
        make("caption", {}, "Bits that a weight’s place and its value take, beside what they would take each for itself"),
        make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, ...rows))));
  }

  /* The plan ---------------------------------------------------------------------------------------- */

  const micros = (ns) => (ns / 1000).toPrecision(3) + " µs";

  /* The chosen kernel, the next one of another form, and by how much it lost. */
  function whyOf(row) {
    const others = row.candidates.filter(([kernel]) => kernel !== row.kernel);
    if (!others.length) return "the only one that can compute it";
    const [kernel, ns] = others[0], last = others[others.length - 1];
    const times = (value) => (value / row.ns).toFixed(value / row.ns < 9.95 ? 2 : 0) + "×";
    return "next best " + kernel + ": " + times(ns) + " as long" + (others.length > 1 ? "; " + last[0] + ": " + times(last[1]) : "");
  }

  function drawPlan(network, inside) {
    const plan = page.planOf(network);
    if (!plan) return plans.replaceChildren();
    const rows = plan.classes[0].layers.map((row, i) => make("tr", {}, make("th", { scope: "row" }, inside.layers[i].name),
      make("td", { class: "text" }, row.kernel), make("td", {}, micros(row.ns)), make("td", {}, bytes(row.bytes)), make("td", { class: "text" }, whyOf(row))));
    plans.replaceChildren(make("h3", {}, "How it is computed, and why"),
      make("p", { class: "hint" }, (plan.measured ? "Measured where this page was made" : "By stated costs, not measured") + ", " + plan.isa + ", " + plan.precision +
        ", one sample at a time, one thread: " + micros(plan.classes[0].ns) + " for all layers. In each layer every kernel that can compute it is held against the others."),
      make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Plan" }, make("table", {},
        make("caption", {}, "The kernel that each layer got"),
        make("thead", {}, make("tr", {}, ...["layer", "kernel", "time", "laid out", "why"].map((head) =>
          make("th", { scope: "col", class: head === "kernel" || head === "why" ? "text" : null }, head)))),
        make("tbody", {}, ...rows))));
  }

  /* Choosing ---------------------------------------------------------------------------------------- */

  function draw(network, block) {
    chosen = network;
    const inside = page.insideOf(network), name = page.nameOf(network) + ", k = " + plain(100 * network.k) + " %, seed " + network.seed;
    if (!inside) {
      summary.textContent = name + ": this network cannot be shown: " + network.missing;
      [looks, mask, account, plans].forEach((place) => place.replaceChildren());
      return;
    }
    const all = sum(inside.layers.map((l) => l.inputs * l.outputs)), left = sum(inside.layers.map((l) => l.left));
    summary.replaceChildren(make("b", {}, name), ": " + whole(network.bytes) + " bytes, " + whole(left) + " weights left in layers with " + whole(all) + " places" +
      (network.test_accuracy === undefined ? "" : "; test accuracy before packing " + (100 * network.test_accuracy).toFixed(2) + " %") + ".");
    const dense = page.networksOf(block).find((n) => n.k === 0 && page.insideOf(n)), first = inside.layers[0];
    if (first.side) drawLooks(first);
    else looks.replaceChildren();
    const before = (layer) => dense && network.k > 0 ? page.insideOf(dense).layers.find((l) => l.name === layer.name) : null;
    mask.replaceChildren(...inside.layers.map((layer) => drawLayer(layer, before(layer))));
    drawBytes(network, inside);
    drawPlan(network, inside);
  }

  /* One slider over each way's networks, from dense to the smallest. */
  function offer(block) {
    const list = page.networksOf(block), ways = [...new Set(list.map((n) => n.series))];
    const ofWay = (series) => list.filter((n) => n.series === series).sort((a, b) => a.k - b.k);
    if (!chosen || chosen.block !== block) {
      const [series, k] = page.get("net", "").split("*").map(Number);
      chosen = list.find((n) => n.series === series && n.k === k) || list.find((n) => n.k >= 0.9 && !n.missing) || list[0];
    }
    const slider = make("input", { type: "range", min: 0, step: 1, class: "k", "aria-label": "k" }), shown = make("output");
    const choose = (network) => {
      page.set("net", network.series + "*" + plain(network.k));
      draw(network, block);
      fill();
    };
    const fill = () => {
      const nets = ofWay(chosen.series);
      slider.max = nets.length - 1;
      slider.value = nets.indexOf(chosen);
      slider.setAttribute("aria-valuetext", plain(100 * chosen.k) + " %");
      shown.textContent = "k = " + plain(100 * chosen.k) + " %";
    };
    slider.addEventListener("input", () => choose(ofWay(chosen.series)[Number(slider.value)]));
    controls.replaceChildren(...(ways.length > 1 ? [choice("pruned by", ways.map((s) => [String(s), page.blocks[block].series[s].name]), String(chosen.series), (value) => {
      const nets = ofWay(Number(value));
      choose(nets.reduce((best, n) => (Math.abs(n.k - chosen.k) < Math.abs(best.k - chosen.k) ? n : best)));
    })] : []), make("label", { class: "slide" }, "dense ", slider, " pruned"), shown);
    fill();
  }

  section.append(make("p", { class: "hint" }, "The packed networks of one seed, as the sweep kept them. Hidden units are sorted in a packed file, and dead ones are gone."),
    controls, summary, make("h3", {}, "What the first layer looks at"), looks, make("h3", {}, "Each layer’s mask, rows and weights"), mask, account, plans);

  return function (block) {
    if (!page.networksOf(block).length) return false;
    offer(block);
    draw(chosen, block);
    section.querySelectorAll("h3")[0].hidden = !looks.firstChild;
    return true;
  };
});
