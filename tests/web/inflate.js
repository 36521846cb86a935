// inflate.js INFLATE: what Node's zlib deflates comes back, from every kind of block; damage is an error.
"use strict";
const assert = require("node:assert/strict");
const zlib = require("node:zlib");
const inflate = require(process.argv[2]);

let seed = 1;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const noise = (size, letters) => Buffer.from(Uint8Array.from({ length: size }, () => Math.floor(letters * random())));
const text = Buffer.from(JSON.stringify(Array.from({ length: 20000 }, (nothing, i) => ({ i, name: "layer" + (i % 7), value: random() }))));
const inputs = [Buffer.alloc(0), Buffer.from("a"), Buffer.alloc(100000, 7), text, noise(200000, 256), noise(300000, 64), noise(70000, 2),
  Buffer.concat([noise(40000, 256), text, Buffer.alloc(70000), noise(33000, 5)])];
for (const input of inputs)
  for (const options of [{ level: 0 }, { level: 1 }, { level: 9 }, { strategy: zlib.constants.Z_FIXED }, { strategy: zlib.constants.Z_HUFFMAN_ONLY }]) {
    const found = inflate(new Uint8Array(zlib.deflateRawSync(input, options)));
    assert.ok(Buffer.from(found).equals(input), `${input.length} bytes, ${JSON.stringify(options)}`);
  }

/* Never more than an error: not without end, and no other text for one that was cut. */
const packed = new Uint8Array(zlib.deflateRawSync(text, { level: 9 }));
for (let length = 0; length < packed.length; length += 4999) assert.throws(() => inflate(packed.slice(0, length)));
for (let i = 0; i < 60; i++) {
  const bad = packed.slice();
  bad[Math.floor(bad.length * random())] ^= 1 << Math.floor(8 * random());
  try {
    inflate(bad);
  } catch (error) {
    assert.match(error.message, /the page is|Invalid/);
  }
}
console.log("inflate: all " + inputs.length + " inputs");
