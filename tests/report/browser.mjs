// Opens report pages in headless Chromium and does what readers do.
//
//   node browser.mjs LOP REPORT_DRAW ROOT [--shots DIR]
//
// Made-up results and the packed networks of tests/pack/golden become pages by `lop report`. Nothing
// may be said on the console, nothing may be asked of any network. Exit status 77: skipped, for want of
// Chromium or of playwright-core.
import { execFileSync, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const [lop, draw, root] = process.argv.slice(2);
const shots = process.argv.includes("--shots") ? process.argv[process.argv.indexOf("--shots") + 1] : null;

function skip(why) {
  console.log("skipped: " + why);
  process.exit(77);
}

const find = (name) => spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
const executablePath = find("chromium") || find("chromium-browser") || skip("no Chromium to open the page in");
let chromium;
try {
  ({ chromium } = createRequire(path.resolve(root, "package.json"))("playwright-core"));
} catch (missing) {
  skip("no playwright-core; `scripts/deps.sh test` fetches it");
}

const place = fs.mkdtempSync(path.join(os.tmpdir(), "lop-browser-"));
const at = (...names) => path.join(place, ...names);
const report = (dir, page, ...more) => {
  const run = spawnSync(lop, ["report", dir, "-f", "-o", page, ...more], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stderr;
};
const write = (dir, lines) => {
  fs.mkdirSync(at(dir), { recursive: true });
  fs.writeFileSync(at(dir, "results.jsonl"), lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)) + "\n").join(""));
};

/* Results: two data sets, two methods, ten k, three seeds; packed files for some of the first. */
fs.mkdirSync(at("drawn"));
execFileSync(draw, [at("drawn"), "--no-figures"], { stdio: "ignore" });
const results = fs.readFileSync(at("drawn", "results.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
const golden = path.join(root, "tests/pack/golden");
fs.mkdirSync(at("plain", "packed"), { recursive: true });
for (const file of fs.readdirSync(golden)) fs.copyFileSync(path.join(golden, file), at("plain", "packed", file));
const files = { 0: "packed/v1-float32.lop", 0.5: "packed/v1-int8.lop", 0.8: "packed/v1-shared.lop", 0.9: "packed/v1-mixed.lop",
  0.95: "packed/gone.lop", 0.97: "../drawn/results.jsonl", 0.99: "packed/v1-tiny.lop" };
for (const result of results) {
  if (result.dataset === "mnist" && result.seed === 1 && files[result.target_sparsity]) result.packed = files[result.target_sparsity];
  result.bytes_packed = Math.round(result.bytes_dense * (1.02 - result.target_sparsity) / 8) + result.seed;
  result.latency_us_batch1 = 400 * (1.01 - result.target_sparsity) + result.seed;
}
write("plain", results);

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"] });

const patience = 300000; /* ms: a machine may be very busy */

/* A page, and what it must not do. */
async function open(file, options = {}, fragment = "") {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage(), said = [], asked = [], address = "file://" + file + fragment;
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("dialog", (dialog) => { said.push("dialog " + dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => asked.push(request.url()));
  /* What the page's own thread computes, whatever else the machine is busy with. */
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const computed = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
  await page.goto(address, { timeout: patience });
  await page.waitForSelector("html[data-ready]", { timeout: patience });
  return { page, computed, async close() {
    assert.deepEqual(said, [], "nothing is said on the console");
    const foreign = asked.filter((url) => !url.startsWith("file://" + file) && !url.startsWith("blob:"));
    assert.deepEqual(foreign, [], "no request leaves the page");
    await context.close();
  } };
}

const chart = (page, index) => page.evaluate((i) => {
  const { u, lines, options } = [...document.querySelectorAll("section.block:not([hidden]) .charts .canvas")][i].chart;
  return { x: [u.scales.x.min, u.scales.x.max], y: [u.scales.y.min, u.scales.y.max], xLog: u.scales.x.distr === 3, yLog: u.scales.y.distr === 3,
    shown: lines.filter((l) => !l.hidden).map((l) => l.name), front: options.front.map((p) => p.key),
    points: lines.filter((l) => !l.faint).map((l) => l.points.map((p) => [p.key, p.x, p.y, p.deviation])) };
}, index);

const tests = {
  async "axes do what they say, and the address remembers"() {
    const { page, close } = await open(at("plain.html"));
    const mean = (rows) => rows.reduce((a, b) => a + b, 0) / rows.length;
    const of = (method, k, field) => mean(results.filter((r) => r.dataset === "mnist" && r.method === method && r.target_sparsity === k).map((r) => r[field]));
    let first = await chart(page, 0);
    assert.ok(!first.xLog && !first.yLog && first.x[0] <= 0 && first.x[1] >= 99);
    const ninety = (which) => which.points[0].find(([k]) => k === 0.9);
    assert.ok(Math.abs(ninety(first)[2] - 100 * of("weight", 0.9, "test_accuracy")) < 1e-9);
    assert.ok(ninety(first)[3] > 0, "there are error bars");
    await page.selectOption(".across select", "weights_left");
    await page.locator(".up select:visible").nth(1).selectOption("bytes_packed");
    first = await chart(page, 0);
    const second = await chart(page, 1);
    assert.ok(first.xLog && second.yLog);
    assert.ok(Math.abs(ninety(first)[1] - 240400) < 1e-9);
    assert.ok(Math.abs(ninety(second)[2] - of("weight", 0.9, "bytes_packed")) < 1e-6);
    const address = new URL(page.url());
    assert.deepEqual(Object.fromEntries(new URLSearchParams(address.hash.slice(1))), { x: "weights_left", y2: "bytes_packed" });
    await close();
    const again = await open(at("plain.html"), {}, address.hash);
    assert.deepEqual(await chart(again.page, 1), second, "the same address shows the same");
    for (const key of await again.page.$$eval(".up select", ([select]) => [...select.options].map((o) => o.value)))
      for (const x of ["k", "sparsity", "weights_left", "bytes_packed", "latency_us_batch1"]) {
        await again.page.locator(".up select:visible").first().selectOption(key);
        await again.page.selectOption(".across select", x);
        assert.ok((await chart(again.page, 0)).points.flat().length > 10, key + " against " + x);
      }
    await again.close();
  },

  async "the front has no point that another is better than in both"() {
    const { page, close } = await open(at("plain.html"), {}, "#x=weights_left");
    const { points, front } = await chart(page, 0), all = points.flat();
    const best = all.filter(([, x, y]) => !all.some(([, u, v]) => u <= x && v >= y && (u < x || v > y)));
    assert.deepEqual([...new Set(front)].sort(), [...new Set(best.map(([k]) => k))].sort());
    assert.equal(front.length, new Set(best.map(([, x, y]) => x + " " + y)).size);
    await close();
  },

  async "the legend hides lines and shows them again"() {
    const { page, close } = await open(at("plain.html"));
    const all = await chart(page, 0);
    assert.ok(all.shown.includes("nitarshan, weight"), "public answers are drawn");
    await page.click(".legend button:has-text('unit'):visible");
    const one = await chart(page, 0);
    assert.ok(all.shown.includes("unit") && !one.shown.includes("unit") && !one.shown.includes("nitarshan, unit"));
    assert.equal(await page.getAttribute(".legend button:has-text('unit'):visible", "aria-pressed"), "false");
    assert.match(page.url(), /hide=1/);
    await page.click(".legend button:has-text('public answers'):visible");
    assert.deepEqual((await chart(page, 0)).shown, ["weight"]);
    await page.click(".legend button:has-text('unit'):visible");
    assert.ok((await chart(page, 0)).shown.includes("unit"));
    await close();
  },

  async "pointing and arrow keys read values"() {
    const { page, close } = await open(at("plain.html"));
    await page.locator(".charts .canvas").first().scrollIntoViewIfNeeded();
    const spot = await page.evaluate(() => {
      const { u, lines } = document.querySelector(".charts .canvas").chart, point = lines.find((l) => l.name === "unit").points.find((p) => p.key === 0.8);
      const box = u.over.getBoundingClientRect();
      return [box.left + u.valToPos(point.x, "x"), box.top + u.valToPos(point.y, "y")];
    });
    await page.mouse.move(...spot);
    const tip = page.locator(".charts .tip").first();
    assert.match(await tip.innerText(), /k = 80 %[\s\S]*weight: 98\.\d\d ± 0\.\d\d %[\s\S]*unit: 8\d\.\d\d ± \d\.\d\d %[\s\S]*weights left/);
    await page.mouse.move(5, 5);
    await page.locator(".charts .canvas").first().focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
    assert.match(await tip.innerText(), /k = 50 %/);
    assert.match(await page.locator(".charts .canvas [aria-live]").first().textContent(), /k = 50 %/);
    await page.locator(".plot summary").first().click();
    assert.match(await page.locator(".plot table").first().innerText(), /weight\s+50 %/);
    await close();
  },

  async "tables sort, and are saved as CSV"() {
    const { page, close } = await open(at("plain.html"));
    const column = () => page.$$eval("#table-0 tbody:nth-of-type(1) tr:not(.series) th", (cells) => cells.map((c) => Number(c.textContent)));
    const before = await column();
    const head = page.locator("#table-0 th", { hasText: "test accuracy" });
    await head.locator("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "ascending");
    const accuracies = await page.$$eval("#table-0 tbody:nth-of-type(1) tr:not(.series)", (rows) => rows.map((r) => Number(r.cells[3].dataset.value)));
    assert.deepEqual(accuracies, [...accuracies].sort((a, b) => a - b));
    await head.locator("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "descending");
    await page.locator("#table-0 th button").first().click();
    assert.deepEqual(await column(), before);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#table-0 .save")]);
    const rows = fs.readFileSync(await download.path(), "utf8").trim().split("\r\n").map((row) => row.split(","));
    assert.equal(rows.length, 21);
    const cell = (name) => rows[1][rows[0].indexOf(name)];
    assert.equal(cell("method"), "weight");
    const seeds = results.filter((r) => r.dataset === "mnist" && r.method === "weight" && r.target_sparsity === 0);
    assert.ok(Math.abs(Number(cell("test_loss")) - seeds.reduce((a, r) => a + r.test_loss, 0) / 3) < 1e-12);
    await close();
  },

  async "networks are looked into, and missing ones say so"() {
    const { page, close } = await open(at("plain.html"), {}, "#net=0*0.5");
    const sizeOf = (k) => fs.statSync(at("plain", files[k])).size;
    assert.match(await page.innerText("#inside .summary"), new RegExp("weight, k = 50 %, seed 1: " + sizeOf(0.5) + " bytes"));
    assert.ok(await page.locator("#inside .layer canvas").count() > 0);
    const parts = await page.$$eval("#inside .keys li", (items) => items.map((i) => Number(/: ([\d,]+) bytes/.exec(i.textContent)[1].replace(",", ""))));
    assert.equal(parts.reduce((a, b) => a + b, 0), sizeOf(0.5), "every byte has its purpose");
    assert.match(await page.innerText("#inside"), /How it is computed, and why/);
    const slider = page.locator("#inside input[type=range]");
    await slider.focus();
    await slider.press("End");
    assert.match(await page.innerText("#inside .summary"), new RegExp("k = 99 %, seed 1: " + sizeOf(0.99) + " bytes"));
    assert.match(page.url(), /net=0\*0\.99/);
    await slider.press("ArrowLeft");
    assert.match(await page.innerText("#inside .summary"), /k = 97 %.*cannot be shown: expected a path below the results/);
    await slider.press("ArrowLeft");
    assert.match(await page.innerText("#inside .summary"), /k = 95 %.*cannot be shown/);
    await page.click("#chooser button:has-text('fashion-mnist')");
    assert.ok(await page.isHidden("#inside"), "there are none for this data set");
    assert.match(page.url(), /data=fashion-mnist/);
    await close();
  },

  async "themes, narrow screens and print"() {
    for (const [name, options, fragment] of [["light", {}, ""], ["dark", { colorScheme: "dark" }, ""],
      ["narrow", { viewport: { width: 360, height: 800 }, hasTouch: true }, "#net=0*0.5"], ["theme", {}, "#theme=dark"]]) {
      const { page, close } = await open(at("plain.html"), options, fragment);
      const wide = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
      assert.ok(wide[0] <= wide[1], name + ": the page is no wider than the screen: " + wide);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(ground, /dark|theme/.test(name) ? "rgb(20, 23, 26)" : "rgb(251, 250, 247)");
      if (shots) await page.screenshot({ path: path.join(shots, name + ".png"), fullPage: true });
      const wider = await page.evaluate(() => {
        for (const one of document.querySelectorAll(".switch")) for (let i = 0; i < 6; i++) one.append(one.lastElementChild.cloneNode(true));
        return [document.scrollingElement.scrollWidth, innerWidth];
      });
      assert.ok(wider[0] <= wider[1], name + ": nor with many ways of pruning to choose from: " + wider);
      await page.emulateMedia({ media: "print" });
      assert.ok(await page.isHidden(".controls >> nth=0") && await page.isHidden("#theme"));
      await close();
    }
  },

  async "every control has a name"() {
    const { page, close } = await open(at("plain.html"), {}, "#net=0*0.5");
    const nameless = await page.evaluate(() => [...document.querySelectorAll("button, select, input, canvas, [role=img]")].filter((e) =>
      !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels.length) || e.getAttribute("aria-hidden") || e.closest("[role=img][aria-label]"))).map((e) => e.outerHTML.slice(0, 120)));
    assert.deepEqual(nameless, []);
    await close();
  },

  async "broken lines are said with their number, and the rest is drawn"() {
    const lines = results.slice(0, 20);
    write("broken", [lines[0], '{"schema": "lop.result/1", "dataset": </script>', ...lines.slice(1),
      JSON.stringify(results[20]).replace(/"test_loss":[\d.]+/, '"test_loss":NaN'), { ...results[21], schema: "lop.result/9" }]);
    const said = report(at("broken"), at("broken.html"));
    for (const line of [2, 22, 23]) assert.match(said, new RegExp("line " + line + " is left out"));
    const { page, close } = await open(at("broken.html"));
    assert.match(await page.innerText(".warn"), /3 lines[\s\S]*line 2: [\s\S]*line 22: [\s\S]*line 23: .*lop\.result\/9/);
    assert.equal((await chart(page, 0)).points.flat().length, new Set(lines.map((r) => r.dataset + r.method + r.target_sparsity)).size);
    await close();
  },

  async "hostile names stay text"() {
    const hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>${alert(3)}";
    const long = hostile + "x".repeat(10240);
    write("hostile", results.slice(0, 30).map((r, i) => ({ ...r, dataset: hostile, network: long, method: i % 2 ? hostile : long, criterion: "=1+1",
      schedule: hostile, packed: hostile, version: long, recipe: { [hostile]: long } })));
    report(at("hostile"), at("hostile.html"), "--title", hostile);
    const { page, close } = await open(at("hostile.html"));
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.title(), hostile);
    assert.ok((await page.evaluate(() => document.scrollingElement.scrollWidth)) <= 1280);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#table-0 .save")]);
    assert.match(fs.readFileSync(await download.path(), "utf8"), /,'=1\+1,/);
    await close();
  },

  async "ten thousand results of twenty epochs"() {
    const many = [];
    for (let series = 0; series < 100; series++)
      for (let k = 0; k < 20; k++)
        for (let seed = 1; seed <= 5; seed++)
          many.push({ ...results[0], recipe: undefined, criterion: "c" + series, seed, target_sparsity: k / 20, sparsity: k / 20, weights_left: 2386000 - k * 100000,
            test_accuracy: 0.98 - k * k / 500 - series / 5000 + seed / 10000,
            epochs: Array.from({ length: 20 }, (unused, e) => ({ ...results[0].epochs[0], epoch: e + 1, test_accuracy: 0.9 + e / 250 - k / 1000 })) });
    write("many", many);
    /* What syncs its page would else wait for these bytes to get to the disk. */
    spawnSync("sync", [at("many", "results.jsonl")]);
    const begin = performance.now();
    const run = spawnSync("sh", ["-c", '"$0" report "$1" -f -q -o "$2" && times', lop, at("many"), at("many.html")], { encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    /* Behind the shell's own: its child's seconds, and the system's for it. */
    const spent = run.stdout.trim().split("\n")[1].match(/\d+m[\d.]+s/g);
    const busy = spent.map((time) => time.match(/[\d.]+/g)).reduce((sum, [minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
    const made = performance.now();
    const { page, computed, close } = await open(at("many.html"));
    const drawn = performance.now(), size = fs.statSync(at("many.html")).size, thread = await computed();
    console.log(`  ${many.length} results: made in ${((made - begin) / 1e3).toFixed(2)} s (${busy.toFixed(2)} s computing), opened and drawn in ${((drawn - made) / 1e3).toFixed(2)} s (${thread.toFixed(2)} s computing), ${(size / 1e6).toFixed(1)} MB`);
    /* 3 s each, where nothing else is computed meanwhile. */
    assert.ok(busy < 3 && thread < 3);
    await page.selectOption(".across select", "weights_left");
    await close();
  },
};

let failed = 0;
report(at("plain"), at("plain.html"));
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log("ok      " + name);
  } catch (error) {
    failed++;
    console.log("FAILED  " + name + "\n" + error.stack);
  }
}
await browser.close();
fs.rmSync(place, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
