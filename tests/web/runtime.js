/* runtime.js NATIVE SIMD SCALAR: the WebAssembly modules compute what liblop-run computes: int8 to the
 * bit, float32 within its bound; they refuse what is damaged; they are small and ask for a clock alone. */
"use strict";

const assert = require("assert");
const { execFileSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const lopRun = require("../../web/runtime/lop-run.js");
const { lop, mnist, workshop } = require("./networks.js");

const [native, simd, scalar] = process.argv.slice(2);
const IMAGES = 1000, PIXELS = 784, LARGEST_MODULE = 80000;
const names = { simd, scalar };

function checkModule(name) {
  const bytes = fs.readFileSync(names[name]), module = new WebAssembly.Module(bytes);
  assert.ok(bytes.length > 10000 && bytes.length < LARGEST_MODULE, name + " has " + bytes.length + " bytes");
  assert.deepStrictEqual(WebAssembly.Module.imports(module), [{ module: "env", name: "lop_host_now", kind: "function" }]);
  const exported = WebAssembly.Module.exports(module).map((e) => e.name).filter((n) => n !== "memory").sort();
  const listed = fs.readFileSync(path.join(__dirname, "../../src/run/wasm/exports.txt"), "utf8").trim().split("\n");
  assert.deepStrictEqual(exported, listed);
  console.log(name + ": " + bytes.length + " bytes");
}

/* Raw floats from the library itself. */
function reference(network, images, precision, folder) {
  const file = path.join(folder, "native.f32");
  execFileSync(native, [network, images, String(IMAGES), precision, file]);
  const bytes = fs.readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

const bitsOf = (floats) => new Uint32Array(floats.buffer, floats.byteOffset, floats.length);

/* Both sides round each of the n + 2 operations of a sum to 2⁻²⁴ of what the sum could be at most, in
 * each of three layers; what it could be is some times what it is. */
const FLOAT_BOUND = 3 * 2 * (PIXELS + 2) * 2 ** -24;

function checkPrecision(what, plan, x, wanted, exact) {
  const batches = plan.run(x), y = new Float32Array(wanted.length), width = wanted.length / IMAGES;
  for (let i = 0; i < IMAGES; i++) y.set(plan.run(x.subarray(i * PIXELS, (i + 1) * PIXELS)), i * width);
  const largest = wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  for (const [form, found] of [["single", y], ["batches", batches]]) {
    if (exact) {
      const a = bitsOf(found), b = bitsOf(wanted), at = a.findIndex((bits, i) => bits !== b[i]);
      assert.strictEqual(at, -1, what + ", " + form + ": output " + at + " is " + found[at] + ", natively " + wanted[at]);
    } else {
      const off = found.reduce((most, v, i) => Math.max(most, Math.abs(v - wanted[i])), 0);
      assert.ok(off <= FLOAT_BOUND * largest, what + ", " + form + ": off by " + off + " of " + largest);
    }
  }
}

function checkNetwork(runtime, name, file, images, data, folder) {
  const network = runtime.open(fs.readFileSync(file));
  assert.strictEqual(network.inputs, PIXELS);
  assert.strictEqual(network.outputs, 10);
  assert.ok(network.layers.every((layer) => layer.calibrated && layer.weightsLeft > 0 && layer.name));
  const bytes = images.slice(0, IMAGES * PIXELS), floats = Float32Array.from(bytes, (b) => b / 255);
  for (const precision of ["int8", "float32"]) {
    const wanted = reference(file, data, precision, folder);
    for (const options of [{}, { dense: true }, { scalar: true }, { measure: true }]) {
      const plan = network.plan(Object.assign({ precision }, options));
      const what = [name, path.basename(file), precision, JSON.stringify(options)].join(" ");
      assert.strictEqual(plan.precision, precision);
      assert.strictEqual(plan.isa, name === "simd" && !options.scalar ? "wasm" : "scalar");
      checkPrecision(what, plan, bytes, wanted, precision === "int8");
      if (!options.measure) checkPrecision(what, plan, floats, wanted, precision === "int8");
      plan.close();
    }
  }
  const plan = network.plan();
  console.log(name + ", " + path.basename(file) + ": " + plan.time(bytes.subarray(0, PIXELS)).toFixed(1) + " us, " + plan.kernels.join(" "));
  network.close();
}

/* What happens is a Failure with a text that was filled in. */
function refused(action, status) {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof lopRun.Failure, String(error));
    assert.match(error.status, status);
    assert.ok(error.message.length > 10 && !/%|undefined/.test(error.message), error.message);
    return error.message;
  }
  throw new assert.AssertionError({ message: "expected " + status + ", and nothing was wrong" });
}

function checkHostile(runtime, file) {
  const good = fs.readFileSync(file), damaged = /^LOP_E_(FORMAT|TRUNCATED|CHECKSUM|VERSION|UNSUPPORTED|LIMIT|NAN|MEMORY)$/;
  for (let i = 0; i < good.length; i += i < 200 ? 1 : 997) {
    const bad = Uint8Array.from(good);
    bad[i] ^= 1 << i % 8;
    refused(() => runtime.open(bad), damaged);
    refused(() => runtime.open(good.subarray(0, i)), damaged);
  }
  assert.match(refused(() => runtime.open(new Uint8Array(0)), damaged), /byte/);
  refused(() => runtime.open(Uint8Array.from({ length: 5000 }, (nothing, i) => i * 37)), damaged);
  const network = runtime.open(good), plan = network.plan();
  refused(() => plan.run(new Uint8Array(PIXELS + 1)), /SHAPE/);
  refused(() => plan.run(new Float32Array(0)), /SHAPE/);
  refused(() => plan.run([1, 2, 3]), /ARG/);
  refused(() => plan.run(new Float32Array(PIXELS).fill(NaN)), /NAN/);
  refused(() => network.plan({ precision: "int4" }), /ARG/);
  refused(() => network.plan({ maxBatch: 5000 }), /RANGE/);
  network.close();
  refused(() => plan.run(new Uint8Array(PIXELS)), /ARG/);
}

/* Memory that is given back is used again. */
function checkMemory(runtime, file) {
  const bytes = fs.readFileSync(file), once = () => {
    const network = runtime.open(bytes);
    network.plan().run(new Uint8Array(64 * PIXELS));
    network.close();
  };
  for (let i = 0; i < 3; i++) once();
  const before = runtime.memory().byteLength;
  for (let i = 0; i < 30; i++) once();
  assert.strictEqual(runtime.memory().byteLength, before, "memory leaks");
}

async function main() {
  for (const name of Object.keys(names)) checkModule(name);
  const { file: data, images } = mnist(), folder = workshop(), at = (name) => path.join(folder, name);
  lop("train", "--data", "mnist", "--layers", "300,100", "--epochs", "1", "-o", at("dense.safetensors"));
  const packed = [];
  for (const k of ["90", "99"]) {
    lop("prune", at("dense.safetensors"), "--method", "weight", "--sparsity", k, "-o", at("w.safetensors"), "-f");
    lop("pack", at("w.safetensors"), "--data", "mnist", "--values", "shared", "-o", at(k + ".lop"));
    packed.push(at(k + ".lop"));
  }
  const modules = [simd, scalar].map((file) => fs.readFileSync(file));
  assert.ok((await lopRun.load(modules)).simd, "Node has vectors");
  assert.strictEqual((await lopRun.load([Buffer.from("no module"), modules[1]])).simd, false);
  await assert.rejects(lopRun.load([Buffer.from("no module")]), lopRun.Failure);
  for (const [index, name] of ["simd", "scalar"].entries()) {
    const runtime = await lopRun.load([modules[index]]);
    for (const file of packed) checkNetwork(runtime, name, file, images, data, folder);
    checkHostile(runtime, packed[1]);
    checkMemory(runtime, packed[0]);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
