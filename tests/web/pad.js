/* pad.js NATIVE PLAYWRIGHT: the page's pad in headless Chromium. Digits that are drawn by a pen's events are
 * recognized; what the page carries computes what liblop-run computes; missing networks say so; hostile
 * names stay text; nothing is asked of any network, and nothing is complained of. Screenshots go to
 * $LOP_SCREENSHOTS, where that is set. */
"use strict";

const assert = require("assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const { lop, skip, has, mnist, workshop } = require("./networks.js");
const { strokesOf } = require("./strokes.js");

const [native, playwright] = process.argv.slice(2);
const SIDE = 28, PIXELS = SIDE * SIDE, DRAWN = 100, LEAST_RIGHT = 97, IMAGES = 1000, LARGEST_PAGE = 2e6;
const HOSTILE = "</script><img src=x onerror=console.error(1)>\"'";

function findBrowser() {
  const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => fs.existsSync(file));
  return found || skip("Chromium is not installed; 'scripts/deps.sh test' installs it");
}

/* Results of a dense and two pruned networks, one whose file is missing, and one with a hostile name. */
function makePage(folder) {
  const at = (name) => path.join(folder, name), lines = [];
  const result = (more) => lines.push(JSON.stringify(Object.assign({ schema: "lop.result/1", dataset: "mnist", network: "784-300-100-10",
    method: "weight", criterion: "magnitude", scope: "layer", schedule: "oneshot", seed: 1, test_accuracy: 0.97 }, more)));
  fs.mkdirSync(at("packed"));
  lop("train", "--data", "mnist", "--layers", "300,100", "--epochs", "4", "--shift", "1", "-o", at("dense.safetensors"));
  for (const k of [0, 80, 99]) {
    lop("prune", at("dense.safetensors"), "--method", "weight", "--sparsity", String(k), "-o", at("w.safetensors"), "-f");
    lop("pack", at("w.safetensors"), "--data", "mnist", "--values", "shared", "-o", at("packed/" + k + ".lop"));
    result({ target_sparsity: k / 100, packed: "packed/" + k + ".lop" });
  }
  result({ target_sparsity: 0.9, packed: "packed/gone.lop" });
  result({ target_sparsity: 0.5, method: HOSTILE, packed: "packed/80.lop" });
  fs.writeFileSync(at("results.jsonl"), lines.join("\n") + "\n");
  lop("report", folder, "-o", at("report.html"));
  assert.ok(fs.statSync(at("report.html")).size < LARGEST_PAGE);
  return { page: at("report.html"), networks: [0, 80, 99].map((k) => at("packed/" + k + ".lop")) };
}

/* A page in which everything that goes wrong is remembered. */
async function openPage(browser, file, options, fragment = "") {
  const context = await browser.newContext(Object.assign({ viewport: { width: 1200, height: 900 }, offline: true }, options));
  const page = await context.newPage(), wrong = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => { if (request.url().split("#")[0] !== "file://" + file) wrong.push("asks for " + request.url().slice(0, 100)); });
  await page.goto("file://" + file + fragment);
  await page.waitForSelector("#pad .samples button", { timeout: 60000 });
  return { page, wrong, context };
}

/* Digits by a pen's events, one after the other; what the pad says of each. */
function drawAll(page, digits) {
  return page.evaluate(async (all) => {
    const paper = document.querySelector("#pad .paper"), said = [];
    const frame = () => new Promise(requestAnimationFrame);
    const send = (type, [x, y]) => {
      const box = paper.getBoundingClientRect();
      paper.dispatchEvent(new PointerEvent(type, { pointerId: 7, pointerType: "pen", bubbles: true,
        clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
    };
    for (const strokes of all) {
      paper.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
      for (const stroke of strokes) {
        send("pointerdown", stroke[0]);
        stroke.slice(1).forEach((point) => send("pointermove", point));
        send("pointerup", stroke[stroke.length - 1]);
      }
      await frame();
      await frame();
      const answer = document.querySelector("#pad .answer b");
      said.push(answer ? answer.textContent : "nothing");
    }
    return said;
  }, digits);
}

async function checkDrawing(page, images, labels) {
  const digits = Array.from({ length: DRAWN }, (nothing, i) => strokesOf(images.subarray(i * PIXELS, (i + 1) * PIXELS), SIDE));
  const said = await drawAll(page, digits), wrong = said.map((s, i) => i + ": " + labels[i] + " taken for " + s).filter((t, i) => said[i] !== String(labels[i]));
  console.log("drawn: " + (DRAWN - wrong.length) + " of " + DRAWN + " recognized" + (wrong.length ? "; " + wrong.join(", ") : ""));
  assert.ok(wrong.length <= DRAWN - LEAST_RIGHT);
}

/* A mouse that is moved for real, larger and smaller: the same image, whatever the size. */
async function checkMouse(page) {
  await page.locator("#pad .paper").scrollIntoViewIfNeeded();
  const box = await page.locator("#pad .paper").boundingBox(), seen = [];
  for (const size of [0.25, 0.8]) {
    const to = (x, y) => page.mouse.move(box.x + box.width * (0.1 + size * x), box.y + box.height * (0.1 + size * y), { steps: 5 });
    await page.locator("#pad .paper").press("Escape");
    await to(0, 0);
    await page.mouse.down();
    await to(1, 0);
    await to(0.4, 1);
    await page.mouse.up();
    await page.waitForTimeout(100);
    assert.strictEqual(await page.locator("#pad .answer b").innerText(), "7");
    seen.push(await page.evaluate(() => {
      const { data } = document.querySelector("#pad .seen").getContext("2d").getImageData(0, 0, 28, 28);
      return Array.from({ length: 784 }, (nothing, i) => data[4 * i]);
    }));
  }
  const rows = seen[0].map((v, i) => (v > 0 ? Math.floor(i / SIDE) : -1)).filter((row) => row >= 0);
  const tall = Math.max(...rows) - Math.min(...rows) + 1, off = seen[0].reduce((sum, v, i) => sum + Math.abs(v - seen[1][i]), 0) / seen[0].reduce((a, b) => a + b);
  assert.ok(tall >= 19 && tall <= 21, "20 pixels tall, found " + tall);
  assert.ok(off < 0.2, "another image at another size: " + off);
}

async function checkFacts(page) {
  await page.waitForFunction(() => /µs/.test(document.querySelector("#pad dl").textContent), null, { timeout: 20000 });
  const facts = await page.locator("#pad dl").innerText();
  assert.match(facts, /WebAssembly with vectors/);
  assert.match(facts, /\d (kB|B)\n/);
  assert.strictEqual(await page.locator("#pad .bars li").count(), 10);
}

/* From dense by the keyboard to what is missing, which says so, and on to the most pruned. */
async function checkSlider(page) {
  const slider = page.locator("#pad input[type=range]");
  await slider.focus();
  await page.keyboard.press("Home");
  assert.match(await page.locator("#pad output").innerText(), /^dense$/);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.locator("#pad output").innerText(), /^90 % pruned$/);
  assert.match(await page.locator("#pad .answer").innerText(), /missing/);
  await page.keyboard.press("End");
  await page.locator("#pad .samples .wrong").first().click();
  const label = await page.locator("#pad .samples .wrong span").first().innerText(), [is, said] = label.split(" → ");
  assert.strictEqual(await page.locator("#pad .answer b").innerText(), said);
  assert.match(await page.locator("#pad .answer").innerText(), new RegExp("it is " + is));
  const order = await page.locator("#pad .samples button").evaluateAll((all) => all.map((b) => b.className === "wrong"));
  assert.strictEqual(order.lastIndexOf(true), order.indexOf(false) - 1, "wrong ones first");
}

async function checkEqual(page, networks, data, images, folder) {
  for (const file of networks) {
    const output = path.join(folder, "native.f32");
    execFileSync(native, [file, data, String(IMAGES), "int8", output]);
    const found = await page.evaluate(async ([network, pixels]) => {
      const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const lop = await lopRun.load(lopPage.inflated("runtime").map(bytes));
      const y = lop.open(bytes(network)).plan({ precision: "int8" }).run(bytes(pixels));
      return Array.from(new Uint8Array(y.buffer));
    }, [fs.readFileSync(file).toString("base64"), Buffer.from(images.subarray(0, IMAGES * PIXELS)).toString("base64")]);
    assert.ok(Buffer.from(found).equals(fs.readFileSync(output)), file + " computes something else in Chromium");
  }
}

/* Clothes: images to choose and nothing to draw; names instead of digits; right as the network is natively. */
async function checkClothes(browser, folder) {
  const out = path.join(folder, "clothes"), file = path.join(out, "report.html");
  if (!has("fashion-mnist")) {
    console.log("skipped: the page with clothes; Fashion-MNIST is not at hand");
    return;
  }
  lop("sweep", "--data", "fashion-mnist", "--layers", "40", "--epochs", "1", "-m", "weight", "-k", "0,90", "--no-timing", "-o", out);
  const { page, wrong, context } = await openPage(browser, file);
  assert.match(await page.locator("#pad h2").innerText(), /^Show it an image$/);
  assert.match(await page.locator("#pad > .hint").first().innerText(), /^Choose a test image/);
  assert.strictEqual(await page.locator("#pad button", { hasText: "Clear" }).isVisible(), false);
  const box = await page.locator("#pad .paper").boundingBox();
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 90, box.y + 90);
  await page.mouse.up();
  assert.match(await page.locator("#pad .answer").innerText(), /^Choose an image/);
  const names = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"];
  assert.deepStrictEqual(await page.locator("#pad .bars li > span:first-child").allInnerTexts(), names);
  const buttons = page.locator("#pad .samples button"), count = await buttons.count();
  assert.strictEqual(count, 96);
  for (const i of [0, 1, count - 1]) {
    const [is, said = is] = (await buttons.nth(i).innerText()).split(" → ");
    assert.ok(names.includes(is) && names.includes(said));
    await buttons.nth(i).click();
    assert.strictEqual(await page.locator("#pad .answer b").innerText(), said);
    assert.match(await page.locator("#pad .answer").innerText(), said === is ? /which it is/ : new RegExp("it is " + is));
  }
  if (process.env.LOP_SCREENSHOTS)
    await page.locator("#pad").screenshot({ path: path.join(process.env.LOP_SCREENSHOTS, "pad-clothes.png") });
  assert.deepStrictEqual(wrong, []);
  await context.close();
}

async function main() {
  const executablePath = findBrowser(), { chromium } = require(playwright);
  const { file: data, images, labels } = mnist(), folder = workshop(), made = makePage(folder);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const { page, wrong } = await openPage(browser, made.page, {}, "#pad-k=0");
    await checkDrawing(page, images, labels);
    await checkMouse(page);
    await checkFacts(page);
    await checkSlider(page);
    await checkEqual(page, made.networks, data, images, folder);
    await checkClothes(browser, folder);
    assert.strictEqual(await page.locator("img").count(), 0, "a name became an element");
    assert.deepStrictEqual(wrong, []);
    const looks = { light: {}, dark: { colorScheme: "dark" }, narrow: { viewport: { width: 380, height: 800 }, hasTouch: true } };
    for (const [name, options] of Object.entries(looks)) {
      const look = await openPage(browser, made.page, options);
      const wide = await look.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, name + ": " + wide + " pixels too wide");
      if (process.env.LOP_SCREENSHOTS)
        await look.page.locator("#pad").screenshot({ path: path.join(process.env.LOP_SCREENSHOTS, "pad-" + name + ".png") });
      assert.deepStrictEqual(look.wrong, []);
      await look.context.close();
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
