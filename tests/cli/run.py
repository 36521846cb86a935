"""lop run and lop bench: what is predicted, from all kinds of files, and what is measured."""
import json
import math
import struct
import subprocess
from pathlib import Path

import tool

PIXELS = tool.SIDE * tool.SIDE


def layers_of(path):
    """[(weights by row)] of a safetensors file without biases, in order."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    layers = []
    for name in sorted(n for n in header if n.endswith(".weight")):
        rows, columns = header[name]["shape"]
        begin, end = header[name]["data_offsets"]
        flat = struct.unpack(f"<{rows * columns}f", content[8 + size + begin:8 + size + end])
        layers.append([flat[r * columns:(r + 1) * columns] for r in range(rows)])
    return layers


def forward(layers, x):
    for index, rows in enumerate(layers):
        x = [math.fsum(w * v for w, v in zip(row, x)) for row in rows]
        if index + 1 < len(layers):
            x = [max(0.0, v) for v in x]
    return x


def softmax(y):
    powers = [math.exp(v - max(y)) for v in y]
    return [p / sum(powers) for p in powers]


def npy(kind, shape, payload):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + payload


class Run(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.train()
        self.lop("prune", "net.safetensors", "-m", "weight", "-k", "60", "-o", "p.safetensors")
        self.images = self.data / tool.NAMES["test"][0]
        content = self.images.read_bytes()[16:]
        self.samples = [content[i:i + PIXELS] for i in range(0, len(content), PIXELS)]

    def run_net(self, file, *more, **options):
        return self.lop("run", "p.safetensors", file, *more, **options)[0]

    def test_predictions(self):
        layers = layers_of(self.here / "p.safetensors")
        lines = self.run_net(self.images, "--precision", "float32", "--scores").splitlines()
        self.assertEqual(len(lines), tool.TEST)
        for sample, line in zip(self.samples, lines):
            wanted = softmax(forward(layers, [b / 255 for b in sample]))
            best, *scores = line.split()
            self.assertEqual(int(best), wanted.index(max(wanted)))
            for score, value in zip(scores, wanted, strict=True):
                self.assertAlmostEqual(float(score), value, delta=1e-5)  # float32, six digits

    def test_int8_is_near_and_the_same_everywhere(self):
        exact = self.run_net(self.images, "--precision", "float32").splitlines()
        near = self.run_net(self.images, "--precision", "int8", "--data", self.data, "--scores")
        agree = sum(a == b.split()[0] for a, b in zip(exact, near.splitlines()))
        self.assertGreaterEqual(agree, 0.97 * tool.TEST)
        scalar = self.run_net(self.images, "--precision", "int8", "--data", self.data, "--scores",
                              env={"LOP_ISA": "scalar"})
        self.assertEqual(near, scalar)
        # auto: the data of the training are at hand, and calibrate.
        self.assertEqual(near, self.run_net(self.images, "--scores"))

    def test_eval_is_what_run_predicts(self):
        labels = (self.data / tool.NAMES["test"][1]).read_bytes()[8:]
        self.lop("pack", "p.safetensors", "--data", self.data, "--values", "int8", "-o", "p.lop")
        for file, precision in (("p.safetensors", "int8"), ("p.safetensors", "float32"),
                                ("p.lop", "int8"), ("p.lop", "float32"), ("p.lop", None)):
            words = ["--data", self.data] + (["--precision", precision] if precision else [])
            found = json.loads(self.lop("eval", file, *words, "--json")[0])
            predicted = self.lop("run", file, self.images, *words)[0].split()
            right = sum(int(p) == label for p, label in zip(predicted, labels, strict=True))
            self.assertEqual(found["precision"], precision or "int8")
            self.assertAlmostEqual(found["accuracy"], right / tool.TEST, delta=1e-12)
            self.assertEqual(sum(map(sum, found["confusion"])), tool.TEST)
        self.fails(64, "float32 or int8", "eval", "p.lop", "--data", self.data, "--precision",
                   "bf16")
        # Validation samples are those of the training's split, in whatever precision.
        counts = [json.loads(self.lop("eval", "p.safetensors", "--data", self.data, "--json",
                                      "--part", "validation", "--precision", name)[0])["confusion"]
                  for name in ("float32", "int8")]
        self.assertEqual([sum(row) for row in counts[0]], [sum(row) for row in counts[1]])

    def test_files(self):
        wanted = self.run_net(self.images, "--scores")
        flat = b"".join(self.samples)
        shape = f"({tool.TEST}, {tool.SIDE}, {tool.SIDE})"
        floats = [v for b in flat for v in [b / 255]]
        csv = "\n".join(",".join(map(str, sample)) for sample in self.samples)
        labelled = "label," + ",".join(f"p{i}" for i in range(PIXELS)) + "\n" + "\n".join(
            "3," + line for line in csv.split("\n"))
        files = {
            "u1.npy": npy("|u1", shape, flat),
            "f4.npy": npy("<f4", shape, struct.pack(f"<{len(floats)}f", *floats)),
            "f8.npy": npy("<f8", shape, struct.pack(f"<{len(floats)}d", *floats)),
            "plain.csv": csv.encode(),
            "labelled.csv": labelled.encode(),
        }
        for name, content in files.items():
            (self.here / name).write_bytes(content)
            self.assertEqual(self.run_net(name, "--scores"), wanted, name)
            with open(self.here / name, "rb") as stream:
                self.assertEqual(self.run_net("-", "--scores", stdin=stream), wanted, name)
        self.assertEqual(self.run_net("plain.csv", "--values", "bytes", "--scores"), wanted)
        self.assertNotEqual(self.run_net("plain.csv", "--values", "floats", "--scores"), wanted)
        one = ("1 " * PIXELS).split()
        (self.here / "one.csv").write_text(",".join(one) + "\n")
        (self.here / "one.npy").write_bytes(npy("<f4", f"({PIXELS},)", struct.pack(
            f"<{PIXELS}f", *[1.0] * PIXELS)))
        self.assertEqual(self.run_net("one.csv", "--values", "floats", "--scores"),
                         self.run_net("one.npy", "--scores"))

    def test_packed_file(self):
        golden = Path(__file__).resolve().parent.parent / "pack" / "golden" / "v1-int8.lop"
        out, _ = self.lop("bench", golden, "--threads", "1", "--seconds", "0.001", "--json")
        self.assertGreater(json.loads(out)["latency_us_batch1"], 0)

    def test_json(self):
        lines = self.run_net(self.images, "--scores").splitlines()
        objects = [json.loads(line) for line in self.run_net(self.images, "--scores",
                                                             "--json").splitlines()]
        for line, found in zip(lines, objects, strict=True):
            best, *scores = line.split()
            self.assertEqual(found["class"], int(best))
            self.assertEqual([f"{s:.6f}" for s in found["scores"]], scores)

    def test_bad_files(self):
        (self.here / "wide.csv").write_text("1,2,3\n")
        self.fails(65, "expected samples of 64 values", "run", "p.safetensors", "wide.csv")
        (self.here / "short.npy").write_bytes(npy("|u1", "(2, 64)", bytes(127)))
        self.fails(65, "expected 2 samples of 64 values", "run", "p.safetensors", "short.npy")
        (self.here / "big.npy").write_bytes(npy(">f4", "(1, 64)", bytes(256)))
        self.fails(65, "NPY header is malformed", "run", "p.safetensors", "big.npy")
        nan = struct.pack("<64f", *[float("nan")] * 64)
        (self.here / "nan.npy").write_bytes(npy("<f4", "(1, 64)", nan))
        self.fails(65, "sample 0", "run", "p.safetensors", "nan.npy")
        self.fails(65, "sample 0", "run", "p.safetensors", "nan.npy", "--precision", "float32")
        self.fails(66, "gone", "run", "p.safetensors", "gone")
        self.fails(64, "unknown instruction set", "run", "p.safetensors", self.images,
                   env={"LOP_ISA": "mmx"})

    def bench(self, *more, **options):
        return json.loads(self.lop("bench", "p.safetensors", "--threads", "1", "--seconds", "0.005",
                                   "--json", *more, **options)[0])

    def test_bench(self):
        found = self.bench("--plan", "--data", self.data)
        self.assertEqual(found["precision"], "int8")
        self.assertGreater(found["latency_us_batch1"], 0)
        self.assertGreater(found["dense_latency_us_batch1"], 0)
        self.assertEqual([m["batch"] for m in found["measurements"]], [1, 8, 32, 128, 512])
        for row in found["measurements"]:
            self.assertEqual(row["threads"], 1)
            for form in ("planned", "dense", "dense_float32"):
                times = row[form]
                self.assertLessEqual(times["us_5"], times["us"])
                self.assertLessEqual(times["us"], times["us_95"])
        self.assertEqual(len(found["plan"]), 5 * 3)
        for row in found["plan"]:
            self.assertIn(row["kernel"], [c["kernel"] for c in row["candidates"]])
        self.assertEqual(found["weights_total"], 12 * 64 + 8 * 12 + 4 * 8)
        start = found["start"]
        self.assertGreater(start["first_answer_ms"], start["open_ms"])
        self.assertGreater(start["first_answer_kept_plan_ms"], start["open_ms"])
        kernels = {c["kernel"] for row in found["plan"] for c in row["candidates"]}
        self.assertTrue(found["single_kernels"])
        for row in found["single_kernels"]:
            self.assertIn(row["kernel"], kernels)
            self.assertGreater(row["ratio"], 0)
        energy = found["energy_estimate"]
        self.assertIn("ISSCC 2014", energy["source"])
        self.assertLessEqual(energy["products"], 12 * 64 + 8 * 12 + 4 * 8)

    def test_plans_are_kept(self):
        plans = self.root / "cache" / "plans"
        subprocess.run(["rm", "-rf", plans], check=True)
        first = self.bench()["plan"]
        kept = {p.name: p.read_text() for p in plans.iterdir()}
        self.assertEqual(len(kept), 4)  # planned, dense, dense in float32, for single samples
        self.assertEqual(self.bench()["plan"], first)
        self.assertEqual({p.name: p.read_text() for p in plans.iterdir()}, kept)
        damaged = next(iter(plans.iterdir()))
        damaged.write_text(damaged.read_text().replace("batch", "botch").replace("class", "klass"))
        self.bench()
        self.assertIn("class 1 ", damaged.read_text())

    def test_bench_for_people(self):
        out, _ = self.lop("bench", "p.safetensors", "--threads", "1", "--seconds", "0.005",
                          "--precision", "float32", "--plan", env={"LOP_ISA": "scalar"})
        self.assertIn("float32, scalar", out)
        self.assertIn("sparse-rows-f32-scalar", out)
        self.assertNotIn("avx", out)
        self.assertIn("estimate: 45 nm", out)


if __name__ == "__main__":
    tool.main()
