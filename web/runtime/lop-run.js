/* liblop-run in JavaScript: packed networks (.lop), planned and run by the C runtime, which was compiled
 * to WebAssembly. The other side of src/run/wasm/host.h.
 *
 *   const lop = await lopRun.load([simdBytes, scalarBytes]);   // the first that this engine can run
 *   const network = lop.open(bytes);                           // throws lopRun.Failure
 *   const plan = network.plan();                               // int8 where it was calibrated
 *   const scores = plan.run(pixels);                           // Float32Array, one row a sample
 *   network.close();                                           // and its plans with it
 *
 * Works as a script in a page, inlined or not, and by require() in Node. Asks nothing of any network. */
const lopRun = (function () {
  "use strict";

  const PRECISIONS = { auto: 0, float32: 1, int8: 2 };
  const VALUES = ["float32", "float16", "int8", "shared"];
  const FLAGS = { dense: 1, measure: 2, scalar: 4 };

  /* What the runtime says about why not: `name` of its status ("LOP_E_FORMAT") in `status`. */
  class Failure extends Error {
    constructor(status, text) {
      super(text);
      this.name = "lopRun.Failure";
      this.status = status;
    }
  }

  class Plan {
    constructor(lop, network, address, maxBatch) {
      Object.assign(this, { lop, network, address, maxBatch, rooms: {} });
    }

    get precision() {
      return this.lop.call("lop_wasm_plan_int8", this.live()) ? "int8" : "float32";
    }

    /* "wasm" with vectors, else "scalar". */
    get isa() {
      return this.lop.text(this.lop.call("lop_wasm_plan_isa", this.live()));
    }

    /* Names of the kernels that compute the layers, for single samples. */
    get kernels() {
      return this.network.layers.map((layer, index) =>
        this.lop.text(this.lop.call("lop_wasm_plan_kernel", this.live(), 0, index)));
    }

    live() {
      if (!this.address) throw new Failure("LOP_E_ARG", "the plan was closed");
      return this.address;
    }

    /* Room for x or y, kept for the next run. */
    room(name, bytes) {
      const kept = this.rooms[name];
      if (kept && kept.bytes >= bytes) return kept.address;
      if (kept) this.lop.release(kept.address);
      delete this.rooms[name];
      this.rooms[name] = { bytes, address: this.lop.take(bytes) };
      return this.rooms[name].address;
    }

    /* Logits of a batch, [samples][outputs]. `x` holds whole samples: a Float32Array, or bytes
     * (Uint8Array, Uint8ClampedArray), of which b stands for b / 255. */
    run(x) {
      const { lop, network } = this, bytes = !(x instanceof Float32Array);
      if (bytes && !(x instanceof Uint8Array || x instanceof Uint8ClampedArray))
        throw new Failure("LOP_E_ARG", "expected a Float32Array, a Uint8Array or a Uint8ClampedArray");
      const samples = x.length / network.inputs;
      if (!samples || samples !== Math.floor(samples))
        throw new Failure("LOP_E_SHAPE", "expected a multiple of " + network.inputs + " values, found " + x.length);
      const plan = this.live();
      const from = this.room("x", x.byteLength), to = this.room("y", 4 * samples * network.outputs);
      new (bytes ? Uint8Array : Float32Array)(lop.memory(), from, x.length).set(x);
      const name = bytes ? "lop_wasm_run_bytes" : "lop_wasm_run";
      if (lop.call(name, plan, from, samples, to) !== 0) throw lop.failure();
      return new Float32Array(lop.memory(), to, samples * network.outputs).slice();
    }

    /* Microseconds of one sample, the best turn of some that take `ms` milliseconds in all: the runtime
     * alone, without copying into its memory. Browsers' clocks are coarse, so a turn is many runs. */
    time(x, ms = 60) {
      this.run(x);
      const { lop, network } = this, samples = x.length / network.inputs, turns = [];
      const name = x instanceof Float32Array ? "lop_wasm_run" : "lop_wasm_run_bytes", run = lop.exports[name];
      const from = this.rooms.x.address, to = this.rooms.y.address, now = () => performance.now();
      let runs = 1, took = 0;
      const turn = () => {
        const start = now();
        for (let i = 0; i < runs; i++) run(this.address, from, samples, to);
        return now() - start;
      };
      while ((took = turn()) < ms / 12 && runs < 1e6) runs *= 2;
      for (let i = 0; i < 9; i++) turns.push(turn() / runs);
      return 1e3 * Math.min(...turns) / samples;
    }

    close() {
      for (const name of Object.keys(this.rooms)) this.lop.release(this.rooms[name].address);
      this.rooms = {};
      this.lop.call("lop_wasm_plan_free", this.address);
      this.address = 0;
      this.network.plans.delete(this);
    }
  }

  class Network {
    constructor(lop, address) {
      Object.assign(this, { lop, address, plans: new Set() });
      this.inputs = lop.call("lop_packed_inputs", address);
      this.outputs = lop.call("lop_packed_outputs", address);
      this.layers = Array.from({ length: lop.call("lop_packed_layer_count", address) }, (nothing, index) => {
        const facts = new Uint32Array(lop.memory(), lop.call("lop_wasm_layer", address, index), 8);
        const [outputs, inputs, weightsLeft, values, entries, relu, bias, calibrated] = facts;
        const name = lop.text(lop.call("lop_wasm_layer_name", address, index));
        return { name, outputs, inputs, weightsLeft, values: VALUES[values], entries,
          relu: relu === 1, bias: bias === 1, calibrated: calibrated === 1 };
      });
    }

    /* options: precision "auto", "int8" or "float32"; maxBatch, 64 unless said otherwise; dense: skip
     * no zeros; measure: time the candidates, which wants a fine clock; scalar: no vectors. */
    plan(options = {}) {
      if (!this.address) throw new Failure("LOP_E_ARG", "the network was closed");
      const precision = PRECISIONS[options.precision || "auto"], maxBatch = options.maxBatch || 64;
      if (precision === undefined) throw new Failure("LOP_E_ARG", "unknown precision " + options.precision);
      const flags = Object.keys(FLAGS).reduce((sum, name) => sum | (options[name] ? FLAGS[name] : 0), 0);
      const address = this.lop.call("lop_wasm_plan_new", this.address, precision, maxBatch, flags);
      if (!address) throw this.lop.failure();
      const plan = new Plan(this.lop, this, address, maxBatch);
      this.plans.add(plan);
      return plan;
    }

    close() {
      for (const plan of [...this.plans]) plan.close();
      this.lop.call("lop_packed_free", this.address);
      this.address = 0;
    }
  }

  class Runtime {
    constructor(exports, simd) {
      Object.assign(this, { exports, simd });
    }

    memory() {
      return this.exports.memory.buffer;
    }

    /* Addresses come back as signed numbers. */
    call(name, ...given) {
      return this.exports[name](...given) >>> 0;
    }

    text(address) {
      if (!address) return "";
      const bytes = new Uint8Array(this.memory(), address);
      return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
    }

    take(bytes) {
      const address = this.call("lop_wasm_alloc", bytes);
      if (!address) throw new Failure("LOP_E_MEMORY", "out of memory: " + bytes + " bytes asked for");
      return address;
    }

    release(address) {
      this.call("lop_wasm_free", address);
    }

    failure() {
      return new Failure(this.text(this.call("lop_wasm_error_name")), this.text(this.call("lop_wasm_error")));
    }

    /* A packed network; bytes: a Uint8Array or ArrayBuffer. Every byte is checked. */
    open(bytes) {
      const file = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes, at = this.take(file.length);
      new Uint8Array(this.memory(), at, file.length).set(file);
      const address = this.call("lop_wasm_open", at, file.length);
      this.release(at);
      if (!address) throw this.failure();
      return new Network(this, address);
    }
  }

  /* The first module of a list that this engine can run; modules are bytes. */
  async function load(modules) {
    for (const [index, bytes] of modules.entries()) {
      if (!WebAssembly.validate(bytes)) continue;
      const imports = { env: { lop_host_now: () => performance.now() } };
      const { instance } = await WebAssembly.instantiate(bytes, imports);
      return new Runtime(instance.exports, index === 0 && modules.length > 1);
    }
    throw new Failure("LOP_E_UNSUPPORTED", "this browser can run none of the modules");
  }

  /* Probabilities of one row of logits. */
  function softmax(logits) {
    const most = Math.max(...logits), raised = Array.from(logits, (v) => Math.exp(v - most));
    const sum = raised.reduce((a, b) => a + b, 0);
    return raised.map((v) => v / sum);
  }

  return { load, softmax, Failure };
})();
if (typeof module !== "undefined") module.exports = lopRun;
