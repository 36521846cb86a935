/* Networks and images that the tests of the modules and of the page share. */
"use strict";

const { execFileSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");

const LOP = process.env.LOP;

/* lop, quiet, and with threads that do not spin: tests run side by side. */
function lop(...given) {
  const env = Object.assign({}, process.env, { OMP_WAIT_POLICY: "passive" });
  return execFileSync(LOP, given.concat("-q"), { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/* Ends with 77, which CTest counts as skipped, and says why. */
function skip(why) {
  console.log("skipped: " + why);
  process.exit(77);
}

/* Where data sets are kept; whether one is there. */
const kept = (name) => path.join(process.env.LOP_DATA || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "lop"), name);
const has = (name) => fs.existsSync(path.join(kept(name), "t10k-images-idx3-ubyte"));

/* MNIST's test images and labels as { images, labels, count, side }; skips where they are not at hand. */
function mnist() {
  const folder = kept("mnist"), file = path.join(folder, "t10k-images-idx3-ubyte");
  if (!has("mnist")) skip("MNIST is not at hand; 'lop data get mnist' fetches it");
  return { file, images: new Uint8Array(fs.readFileSync(file).subarray(16)),
    labels: new Uint8Array(fs.readFileSync(path.join(folder, "t10k-labels-idx1-ubyte")).subarray(8)) };
}

/* A folder that is removed at the end. */
function workshop() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lop-web-"));
  process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

module.exports = { lop, skip, has, mnist, workshop };
