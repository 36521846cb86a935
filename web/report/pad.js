/* Draw a digit, or show a test image, to the packed networks that the page carries: they answer here, by
 * the runtime in WebAssembly. */
lopPage.part("pad", function (section, page) {
  "use strict";

  const { make, seriesColour, whole, plain, bytes, choice } = lopChart;
  if (!page.networks.length) return null;
  const modules = page.inflated("runtime"), offered = page.inflated("samples");

  const SIDE = 28, BOX = 20, PEN = 2.3, FINE = 8; /* pixels; samples of a pixel, each way */
  const CLOTHES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"];
  const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const percent = (share) => (100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1) + " %";
  const digits = (block) => page.blocks[block].dataset === "mnist";
  const className = (block, label) => (page.blocks[block].dataset === "fashion-mnist" && CLOTHES[label]) || String(label);

  /* Strokes to an image, as MNIST's makers did it ------------------------------------------------------- */

  /* Strokes are lists of [x, y]. Scaled, keeping their shape, until pen and all fit a box of 20 × 20, drawn
   * with a round pen, each pixel the mean of 64 samples, then moved by whole pixels until the centre of mass
   * is in the middle of 28 × 28. */
  function imageOf(strokes) {
    const points = strokes.flat(), image = new Uint8Array(SIDE * SIDE);
    if (!points.length) return image;
    const [left, right] = range(points.map((p) => p[0])), [top, bottom] = range(points.map((p) => p[1]));
    const scale = Math.min((BOX - PEN) / Math.max(right - left, bottom - top, 1e-6), (BOX - PEN) / 24);
    const canvas = make("canvas", { width: SIDE * FINE, height: SIDE * FINE }), context = canvas.getContext("2d");
    const place = ([x, y]) => [FINE * (SIDE / 2 + scale * (x - (left + right) / 2)), FINE * (SIDE / 2 + scale * (y - (top + bottom) / 2))];
    Object.assign(context, { lineWidth: PEN * FINE, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    strokes.forEach((stroke) => trace(context, stroke.map(place)));
    return centred(means(context.getImageData(0, 0, SIDE * FINE, SIDE * FINE).data));
  }

  function range(values) {
    return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  }

  function trace(context, points) {
    context.beginPath();
    context.moveTo(...points[0]);
    (points.length > 1 ? points : [points[0], points[0]]).forEach((point) => context.lineTo(...point));
    context.stroke();
  }

  function means(fine) {
    return Float64Array.from({ length: SIDE * SIDE }, (nothing, i) => {
      let sum = 0;
      for (let y = 0; y < FINE; y++)
        for (let x = 0; x < FINE; x++)
          sum += fine[4 * ((Math.floor(i / SIDE) * FINE + y) * SIDE * FINE + i % SIDE * FINE + x) + 3];
      return sum / (FINE * FINE);
    });
  }

  function centred(values) {
    let mass = 0, across = 0, down = 0;
    values.forEach((value, i) => { mass += value; across += value * (i % SIDE + 0.5); down += value * (Math.floor(i / SIDE) + 0.5); });
    const right = Math.round(SIDE / 2 - across / mass), below = Math.round(SIDE / 2 - down / mass), image = new Uint8Array(SIDE * SIDE);
    values.forEach((value, i) => {
      const x = i % SIDE + right, y = Math.floor(i / SIDE) + below;
      if (x >= 0 && x < SIDE && y >= 0 && y < SIDE) image[y * SIDE + x] = Math.round(value);
    });
    return image;
  }

  function show(canvas, image, side) {
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d", { willReadFrequently: true }), data = context.createImageData(side, side);
    image.forEach((value, i) => data.data.set([value, value, value, 255], 4 * i));
    context.putImageData(data, 0, 0);
    return canvas;
  }

  /* What there is to see ------------------------------------------------------------------------------ */

  const paper = make("canvas", { class: "paper", width: 560, height: 560, role: "img" }), sight = make("p", { class: "hint" });
  const seen = make("canvas", { class: "seen", role: "img", "aria-label": "What the network sees" });
  const wipe = make("button", { type: "button" }, "Clear");
  const drawing = make("div", {}, paper, make("div", { class: "under" }, seen, sight, wipe));
  const answer = make("p", { class: "answer", role: "status", "aria-live": "polite" }), bars = make("ol", { class: "bars", "aria-label": "Probabilities" });
  const facts = make("dl"), told = make("div", {}, answer, bars, facts);
  const absent = make("span", { class: "hint absent" }), controls = make("div", { class: "controls" }), board = make("div", { class: "pad" }, drawing, told);
  const thumbs = make("div"), wrongs = make("p", { class: "hint" });
  const gallery = make("div", { class: "samples" }, make("h3", {}, "Images of the test set"), wrongs, thumbs);
  const lead = make("p", { class: "hint" });
  section.append(lead, controls, board, gallery);

  /* What is chosen: block, way of pruning, network, image; and the strokes on the paper. */
  const state = { block: -1, series: -1, network: null, image: null, side: SIDE, label: null, strokes: [], shown: 0 };

  /* Networks that are open, the last few; opening takes a moment. */
  let runtime = null;
  const open = new Map();
  const starting = !modules.length ? Promise.reject(new Error("this lop was built without WebAssembly"))
    : lopRun.load(modules.map(decode)).then((loaded) => { runtime = loaded; });
  starting.catch(() => {});

  /* Or why there is none: { problem }. */
  function opened(network) {
    if (network.missing) return { problem: "The packed file of this network is missing: " + network.missing };
    if (open.has(network)) return open.get(network);
    const file = page.bytesOf(network);
    if (!file) return { problem: "The page does not carry this network: it would be too large with it." };
    try {
      const packed = runtime.open(file), found = { packed, plan: packed.plan(), us: null };
      open.set(network, found);
      if (open.size > 4) {
        const [oldest, those] = open.entries().next().value;
        those.packed.close();
        open.delete(oldest);
      }
      return found;
    } catch (error) {
      return { problem: "This network cannot be run here: " + error.message };
    }
  }

  /* Answers -------------------------------------------------------------------------------------------- */

  function drawAnswer(probabilities) {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1, count = probabilities ? probabilities.length : 10;
    bars.replaceChildren(...Array.from({ length: count }, (nothing, label) => {
      const share = probabilities ? probabilities[label] : 0, name = className(state.block, label);
      return make("li", { class: label === best ? "first" : null }, make("span", {}, name),
        make("meter", { min: 0, max: 1, value: share, "aria-label": name }), make("span", {}, probabilities ? percent(share) : ""));
    }));
    if (best < 0) {
      answer.replaceChildren(make("span", { class: "hint" }, digits(state.block) ? "Draw a digit, or choose an image." : "Choose an image."));
      return;
    }
    const name = className(state.block, best), right = state.label === null ? "" : state.label === best ? ", which it is" : "; it is " + className(state.block, state.label);
    answer.replaceChildren(make("b", { class: name.length > 2 ? "long" : null }, name), make("span", {}, percent(probabilities[best]) + " sure" + right));
  }

  function fact(name, value, note) {
    return make("div", {}, make("dt", {}, name), make("dd", {}, value, make("small", {}, note || "")));
  }

  function drawFacts(found) {
    const network = state.network, layers = found.packed.layers, left = layers.reduce((sum, l) => sum + l.weightsLeft, 0);
    const widths = page.blocks[state.block].network.split("-").map(Number);
    const dense = widths.slice(1).reduce((sum, width, i) => sum + 4 * width * widths[i], 0);
    const kinds = [...new Set(layers.map((l) => (l.values === "shared" ? "shared" : l.values)))].join(", ");
    const entries = Math.max(...layers.map((l) => l.entries));
    const times = dense / network.bytes;
    facts.replaceChildren(
      fact("in this browser", found.us ? plain(Number(found.us.toPrecision(found.us < 100 ? 2 : 3))) + " µs" : "…",
        "an image, " + found.plan.precision + ", WebAssembly " + (runtime.simd ? "with vectors" : "without vectors")),
      fact("bytes", bytes(network.bytes), isFinite(times) && times > 0 ? plain(Number(times.toPrecision(times < 10 ? 2 : 3))) + " times smaller than dense float32" : ""),
      fact("weights left", whole(left), kinds + " values" + (entries ? ", at most " + entries + " a layer" : "")),
      fact("test accuracy", network.test_accuracy === undefined ? "not measured" : (100 * network.test_accuracy).toFixed(2) + " %", "before packing, seed " + network.seed));
  }

  /* The time is taken when nothing has happened for a while. */
  let waiting = 0;
  function takeTimeLater(found) {
    clearTimeout(waiting);
    if (found.us) return;
    waiting = setTimeout(() => {
      const image = state.image || (samples && samples.pixels.slice(0, samples.size));
      if (!image || image.length !== found.packed.inputs || found !== open.get(state.network)) return;
      found.us = found.plan.time(image);
      drawFacts(found);
    }, 350);
  }

  function answerNow() {
    if (!runtime || !state.network) return;
    const found = opened(state.network);
    if (found.problem) {
      drawAnswer(null);
      answer.replaceChildren(make("span", { class: "note" }, found.problem));
      facts.replaceChildren();
      return;
    }
    drawFacts(found);
    takeTimeLater(found);
    if (!state.image || state.image.length !== found.packed.inputs) {
      drawAnswer(null);
      return;
    }
    drawAnswer(lopRun.softmax(found.plan.run(state.image)));
  }

  function setImage(image, side, label) {
    Object.assign(state, { image, side, label });
    show(seen, image || new Uint8Array(side * side), side);
    answerNow();
  }

  /* The paper -------------------------------------------------------------------------------------------- */

  const pen = paper.getContext("2d");
  let stroke = null, pointer = null, due = 0;

  function blank() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, paper.width, paper.height);
  }

  function drawPaper() {
    blank();
    Object.assign(pen, { lineWidth: paper.width * 0.075, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    state.strokes.forEach((points) => trace(pen, points.map(([x, y]) => [x * paper.width, y * paper.height])));
  }

  /* A test image on the paper, larger. */
  function drawLarge(image, side) {
    blank();
    pen.imageSmoothingEnabled = false;
    pen.drawImage(show(make("canvas"), image, side), 0, 0, paper.width, paper.height);
  }

  function look() {
    drawPaper();
    if (due) return;
    due = requestAnimationFrame(() => {
      due = 0;
      press(-1);
      setImage(state.strokes.length ? imageOf(state.strokes.map((s) => s.map(([x, y]) => [280 * x, 280 * y]))) : null, SIDE, null);
    });
  }

  function clearPaper() {
    state.strokes = [];
    stroke = null;
    look();
  }

  function at(event) {
    const box = paper.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  paper.addEventListener("pointerdown", (event) => {
    if (!digits(state.block) || (event.pointerType === "mouse" && event.button !== 0) || pointer !== null) return;
    event.preventDefault();
    paper.focus({ preventScroll: true });
    try {
      paper.setPointerCapture(event.pointerId);
    } catch (gone) { /* a pointer that ended before this ran draws what it can */ }
    pointer = event.pointerId;
    stroke = [at(event)];
    state.strokes.push(stroke);
    look();
  });
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    stroke.push(...(events.length ? events : [event]).map(at));
    look();
  });
  for (const end of ["pointerup", "pointercancel"])
    paper.addEventListener(end, (event) => { if (event.pointerId === pointer) pointer = null; });
  paper.addEventListener("keydown", (event) => { if (event.key === "Escape") clearPaper(); });
  wipe.addEventListener("click", clearPaper);

  /* Test images ------------------------------------------------------------------------------------------- */

  let samples = null, buttons = [];

  function press(chosen) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === chosen)));
  }

  function readSamples() {
    const given = offered.find((one) => one.block === state.block);
    samples = given ? { side: given.side, labels: decode(given.labels), pixels: decode(given.pixels), size: given.side * given.side } : null;
    buttons = !samples ? [] : Array.from(samples.labels, (label, i) => {
      const image = samples.pixels.slice(i * samples.size, (i + 1) * samples.size);
      return make("button", { type: "button", "aria-pressed": "false", onclick: () => {
        state.strokes = [];
        press(i);
        drawLarge(image, samples.side);
        setImage(image, samples.side, label);
      } }, show(make("canvas", { "aria-hidden": "true" }), image, samples.side), make("span"));
    });
  }

  /* Those that this network gets wrong stand first. */
  function sortSamples() {
    const found = runtime && state.network ? opened(state.network) : { problem: "" };
    gallery.hidden = !samples;
    if (!samples) return;
    const width = found.problem === undefined ? found.packed.outputs : 0;
    const logits = width && found.packed.inputs === samples.size ? found.plan.run(samples.pixels) : null;
    const wrong = buttons.map((button, i) => {
      const label = samples.labels[i], row = logits && Array.from(logits.subarray(i * width, (i + 1) * width));
      const said = row ? row.indexOf(Math.max(...row)) : label, name = className(state.block, label);
      button.className = said === label ? "" : "wrong";
      button.lastChild.textContent = said === label ? name : name + " → " + className(state.block, said);
      button.setAttribute("aria-label", "Test image, " + name + (said === label ? "" : ", taken for " + className(state.block, said)));
      return said !== label;
    });
    thumbs.replaceChildren(...buttons.filter((b, i) => wrong[i]), ...buttons.filter((b, i) => !wrong[i]));
    const count = wrong.filter(Boolean).length;
    wrongs.textContent = logits ? (count ? "First " + (count === 1 ? "the one" : "the " + count) + " of these " + buttons.length + " that this network gets wrong, and what it takes " + (count === 1 ? "it" : "them") + " for. "
      : "This network gets all of these " + buttons.length + " right. ") + "Hard ones were chosen on purpose." : "";
  }

  /* Which network ----------------------------------------------------------------------------------------- */

  function choose(network) {
    state.network = network;
    answerNow();
    sortSamples();
  }

  /* Where nothing else was asked for: the smallest that is within a point of its unpruned network. */
  function firstOf(all) {
    const here = all.filter((n) => page.carries(n) && n.test_accuracy !== undefined), dense = here.find((n) => n.k === 0);
    const good = dense ? here.filter((n) => n.k > 0 && n.test_accuracy >= dense.test_accuracy - 0.01) : [];
    return good.reduce((best, n) => (best && best.bytes <= n.bytes ? best : n), null);
  }

  function drawControls() {
    const all = page.networksOf(state.block), series = [...new Set(all.map((n) => n.series))];
    const names = page.blocks[state.block].series, first = firstOf(all);
    const begun = series.includes(state.series), named = series.find((s) => names[s].name === page.get("pad-way", ""));
    const usual = begun && state.network ? state.network : named === undefined ? first : null;
    const wantedK = Number(page.get("pad-k", usual ? plain(100 * usual.k) : "90")) / 100;
    if (!begun) state.series = named !== undefined ? named : first ? first.series : series[0];
    const every = all.filter((n) => n.series === state.series).sort((a, b) => a.k - b.k);
    const here = every.filter((n) => n.missing || page.carries(n)), those = here.length ? here : every;
    const dense = all.find((n) => n.k === 0 && page.carries(n)), own = those.some((n) => n.k === 0);
    if (dense && !own) those.unshift(dense); /* one unpruned network does for every way */
    const left = every.filter((n) => !those.includes(n) && (n.k > 0 || !dense)).map((n) => plain(100 * n.k));
    absent.textContent = left.length ? "Not carried, to keep this page small: k = " + left.join(", ") + " %." : "";
    const nearest = those.reduce((best, n) => (Math.abs(n.k - wantedK) < Math.abs(best.k - wantedK) ? n : best), those[0]);
    const output = make("output", {}), name = (n) => (n.k === 0 ? "dense" : plain(100 * n.k) + " % pruned");
    const slider = make("input", { type: "range", min: 0, max: those.length - 1, step: 1, value: those.indexOf(nearest), "aria-label": "Network, from dense to the most pruned", disabled: those.length < 2 ? "" : null });
    const move = () => {
      const network = those[Number(slider.value)];
      output.textContent = name(network);
      slider.setAttribute("aria-valuetext", name(network));
      choose(network);
    };
    slider.addEventListener("input", () => {
      move();
      page.set("pad-k", plain(100 * state.network.k));
    });
    controls.replaceChildren(...(series.length > 1 ? [choice("network", series.map((s) => [String(s), names[s].name]), String(state.series), (value) => {
      state.series = Number(value);
      page.set("pad-way", names[state.series].name);
      drawControls();
    })] : []), make("label", { class: "slide" }, "dense", slider, "sparse"), output, absent);
    move();
  }

  return function (block) {
    if (!page.networksOf(block).length) return false;
    if (block === state.block) return true;
    Object.assign(state, { block, series: -1, strokes: [], image: null, label: null });
    drawing.hidden = false;
    section.firstElementChild.textContent = digits(block) ? "Draw a digit" : "Show it an image";
    lead.textContent = (digits(block) ? "Draw with mouse, finger or pen; " : "Choose a test image; ") +
      "the packed network answers here, in your browser, by the same C runtime that ships.";
    paper.style.cursor = digits(block) ? "" : "default";
    wipe.hidden = !digits(block);
    told.style.setProperty("--name", digits(block) ? "1.2rem" : "4.6rem");
    gallery.style.setProperty("--thumb", digits(block) ? "3.1rem" : "5rem");
    sight.textContent = "What the network sees" + (digits(block) ? ": scaled to 20 × 20, its centre of mass in the middle of 28 × 28." : ".");
    paper.setAttribute("aria-label", digits(block) ? "Paper: draw a digit with mouse, finger or pen; Escape clears it. Test images below can be chosen with the keyboard."
      : "The image that was chosen, large");
    paper.tabIndex = digits(block) ? 0 : -1;
    blank();
    show(seen, new Uint8Array(SIDE * SIDE), SIDE);
    readSamples();
    drawAnswer(null);
    drawControls();
    starting.then(() => { answerNow(); sortSamples(); }, (error) => {
      answer.replaceChildren(make("span", { class: "note" }, "The networks cannot be run here: " + error.message));
    });
    return true;
  };
});
