"""Packing from the outside: pack, unpack, inspect, verify."""
import json

import tool


class Pack(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.train()
        self.lop("prune", "net.safetensors", "-m", "weight", "-k", "80", "-o", "p.safetensors")

    def pack(self, output, *more):
        out, _ = self.lop("pack", "p.safetensors", "-o", output, "--json", *more)
        return json.loads(out)

    def test_every_kind(self):
        sizes = {}
        for words in (["float32"], ["float16"], ["int8"], ["shared"], ["shared", "--entries", "2,3,4"]):
            name = "-".join(words).replace(",", "-") + ".lop"
            found = self.pack(name, "--values", *words)
            size = (self.here / name).stat().st_size
            self.assertEqual(found["bytes_packed"], size)
            self.assertEqual(size, sum(found[f"bytes_{part}"] for part in (
                "header", "graph", "positions", "values", "other")))
            self.assertEqual(found["bytes_dense"], 4 * (64 * 12 + 12 * 8 + 8 * 4))
            sizes[name] = size
            # The same bytes again, also by way of a plain network.
            self.lop("unpack", name, "-o", "u.safetensors", "-f")
            self.lop("pack", "u.safetensors", "-o", "again.lop", "-f", "--calibration", "0",
                     "--values", *words)
            self.lop("pack", "p.safetensors", "-o", "first.lop", "-f", "--calibration", "0",
                     "--values", *words)
            self.assertEqual((self.here / "again.lop").read_bytes(),
                             (self.here / "first.lop").read_bytes(), words)
        self.assertEqual(sorted(sizes, key=sizes.get), [
            "shared---entries-2-3-4.lop", "shared.lop", "int8.lop", "float16.lop", "float32.lop"])

    def test_auto(self):
        found = self.pack("a.lop", "--data", self.data)
        self.assertGreaterEqual(found["validation_accuracy"],
                                found["validation_accuracy_before"] - 0.001)
        self.assertTrue(all(layer["values"] == "shared" for layer in found["layers"]))
        self.assertTrue(all(layer["calibrated"] for layer in found["layers"]))
        less = self.pack("b.lop", "--data", self.data, "--max-loss", "50")
        self.assertLessEqual(less["bytes_packed"], found["bytes_packed"])

    def test_verify(self):
        self.pack("f.lop", "--values", "float32")
        out, _ = self.lop("verify", "p.safetensors", "f.lop", "--data", self.data)
        self.assertIn("exactly equal: 4,800 outputs of 1,200 samples", out)
        self.pack("s.lop", "--values", "shared", "--entries", "2")
        out, err = self.lop("verify", "p.safetensors", "s.lop", status=1)
        self.assertRegex(out, r"outputs differ, by [0-9.]+ at most")
        self.assertIn("more than the tolerance of 0", err)
        out, _ = self.lop("verify", "p.safetensors", "s.lop", "--json", "--tolerance", "1e9")
        found = json.loads(out)
        self.assertFalse(found["equal"])
        self.assertGreater(found["largest"], 0)
        # What was unpacked is what was packed.
        self.lop("unpack", "s.lop", "-o", "u.safetensors")
        out, _ = self.lop("verify", "u.safetensors", "s.lop")
        self.assertIn("exactly equal", out)
        self.fails(65, "one network has 64 inputs", "verify", "p.safetensors", self.other())

    def test_few_values_are_kept_exactly(self):
        """What `--share` trains comes back from a packed file to the bit, biases too."""
        self.train("s.safetensors", "--bias", "--share", "5", "-m", "weight", "-k", "50")
        self.lop("pack", "s.safetensors", "--values", "shared", "--entries", "5", "-o", "s.lop")
        self.lop("unpack", "s.lop", "-o", "u.safetensors")
        for name in ("fc1", "fc2", "fc3"):
            for part in ("weight", "bias"):
                before, after = (set(dict(tool.tensors(self.here / file))[f"{name}.{part}"])
                                 for file in ("s.safetensors", "u.safetensors"))
                self.assertLessEqual(after, before)  # dead units went, and the order is another
        out, _ = self.lop("verify", "s.safetensors", "s.lop", "--tolerance", "1e-4")
        self.assertIn("outputs", out)

    def other(self):
        self.lop("train", "--data", self.data, "--layers", "5", "--epochs", "1", "-o",
                 "other.safetensors", "-q")
        header, body = self.here / "other.safetensors", self.here / "narrow.safetensors"
        content = header.read_bytes()
        size = int.from_bytes(content[:8], "little")
        meta = json.loads(content[8:8 + size])
        del meta["__metadata__"]
        meta["fc1.weight"]["shape"] = [10, 32]
        meta["fc2.weight"] = {"dtype": "F32", "shape": [2, 10],
                              "data_offsets": meta["fc2.weight"]["data_offsets"]}
        text = json.dumps(meta).encode()
        body.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size:])
        return "narrow.safetensors"

    def test_eval(self):
        """A packed network is looked at as it runs: as the trained one in int8."""
        self.pack("s.lop", "--values", "float32", "--data", self.data)
        evaluate = lambda *words: json.loads(self.lop("eval", *words, "--data", self.data, "--json")[0])
        packed, trained = evaluate("s.lop"), evaluate("p.safetensors", "--precision", "int8")
        self.assertEqual((packed["precision"], packed["part"], packed["samples"]), ("int8", "test", 200))
        for name in ("accuracy", "loss", "confusion"):
            self.assertEqual(packed[name], trained[name])
        # A network's own file says how the data was split; a packed one does not.
        err = self.fails(64, "--part validation: a packed file does not say how its data was split",
                         "eval", "s.lop", "--data", self.data, "--part", "validation")
        self.assertIn("--seed N", err)
        packed = evaluate("s.lop", "--part", "validation", "--seed", "1")
        trained = evaluate("p.safetensors", "--precision", "int8", "--part", "validation")
        self.assertEqual(packed["samples"], 50)
        self.assertEqual(packed["confusion"], trained["confusion"])
        self.fails(64, "float32 or int8", "eval", "s.lop", "--data", self.data, "--precision", "bf16")

    def test_inspect(self):
        self.pack("s.lop", "--values", "shared")
        out, _ = self.lop("inspect", "s.lop")
        for text in ("shared ", "header, sections, checksums", "positions", "values",
                     "units from top to bottom", "decoded in"):
            self.assertIn(text, out)
        # Lines of whole sections add up to the file.
        sections = [line for line in out.splitlines()
                    if line and not line.startswith(" ") and line.endswith("%")]
        counts = [int(line.split()[-3].replace(",", "")) for line in sections]
        self.assertEqual(sum(counts), (self.here / "s.lop").stat().st_size)

    def test_what_is_no_packed_file_is_not_read(self):
        self.fails(65, "lop: /dev/zero: at byte 0", "unpack", "/dev/zero", "-o", "y")
        self.fails(66, "lop: nope: cannot open: No such file or directory", "unpack", "nope", "-o", "y")
        self.fails(74, "lop: .: cannot read: Is a directory", "unpack", ".", "-o", "y")
        self.pack("s.lop", "--values", "shared")
        with open(self.here / "s.lop", "ab") as file:
            file.truncate((self.here / "s.lop").stat().st_size + (64 << 30))
        self.fails(65, "s.lop: ", "unpack", "s.lop", "-o", "y")

    def test_bad_input(self):
        self.pack("s.lop", "--values", "shared")
        content = bytearray((self.here / "s.lop").read_bytes())
        content[100] ^= 1
        (self.here / "broken.lop").write_bytes(content)
        for command in (["inspect"], ["unpack", "-o", "x"], ["verify", "s.lop"]):
            self.fails(65, "broken.lop: at byte", *command, "broken.lop")
        (self.here / "short.lop").write_bytes(content[:50])
        self.fails(65, "short.lop: at byte 50", "inspect", "short.lop")
        self.fails(73, "s.lop", "pack", "p.safetensors", "--values", "int8", "-o", "s.lop")
        self.fails(64, "--entries goes with", "pack", "p.safetensors", "--values", "int8",
                   "--entries", "4", "-o", "x.lop")
        self.fails(64, "expected 1 or 3 numbers", "pack", "p.safetensors", "--values", "shared",
                   "--entries", "4,4", "-o", "x.lop")
        self.fails(66, "absent", "pack", "absent", "-o", "x.lop")
        self.assertNotIn("x.lop", self.files())


if __name__ == "__main__":
    tool.main()
