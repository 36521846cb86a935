"""Budget search: the smallest network within limits, its steps, and what is said where there is none."""
import json
import re
import signal

import tool
from prune import tensors


class Fit(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.train()

    def fit(self, *more, **options):
        return self.lop("fit", "net.safetensors", "--data", self.data, "-o", "f", *more, **options)

    def facts(self, *more, **options):
        return json.loads(self.fit(*more, "--json", **options)[0])

    def validation(self, path):
        return json.loads(self.lop("eval", path, "--data", self.data, "--part", "validation",
                                   "--precision", "float32", "--json")[0])

    def test_steps_and_winner(self):
        words = ["--max-loss", "2", "--schedule", "gradual", "--epochs", "2"]
        out, err = self.fit(*words)
        self.assertIn("next: lop eval f ", err)
        lines = out.splitlines()
        self.assertRegex(lines[0], r"^ +k % +weights +bytes +accuracy % +loss$")
        self.assertRegex(lines[1], r"^ +FILE +896 +3,584 ")
        rows = [re.match(r"^ *([\d.]+) +([\d,]+) +([\d,]+) +[\d.]+ +(-?[\d.]+)  (within|beyond loss)$",
                         line) for line in lines[2:-3]]
        self.assertTrue(all(rows), out)
        kept = {float(row[1]): row[2] for row in rows if row[5] == "within"}
        lost = [float(row[1]) for row in rows if row[5] == "beyond loss"]
        best = max(kept)
        # It is the sparsest that was seen within, and two sparser ones were seen beyond.
        self.assertTrue(all((float(row[4]) <= 2) == (row[5] == "within") for row in rows))
        self.assertGreaterEqual(sum(point > best for point in lost), 2)
        self.assertTrue(lines[-3].startswith(f"smallest found: {best:g} % removed, {kept[best]} of"))

        # The same again, and the same that 'lop prune' makes with this sparsity.
        found = self.facts(*words, "-f")
        self.assertEqual((found["met"], found["output"], found["limits"]),
                         (True, "f", {"max_loss": 2.0}))
        self.assertEqual(len(found["steps"]), len(rows))
        self.assertAlmostEqual(100 * found["best"]["target_sparsity"], best, places=6)
        self.assertIn(found["best"], found["steps"])
        self.assertEqual(found["result"]["weights_left"], found["best"]["weights_left"])
        self.assertEqual(self.validation("f")["accuracy"], found["best"]["valid_accuracy"])
        self.lop("prune", "net.safetensors", "--data", self.data, "-m", "weight", "-k", f"{best:g}",
                 "--schedule", "gradual", "--epochs", "2", "-o", "p", "-q")
        self.assertEqual(tensors(self.here / "f"), tensors(self.here / "p"))
        # The file carries the recipe, from which it is made anew.
        history = json.loads(tool.metadata(self.here / "f")["lop.history"])
        self.assertEqual(history["bytes_sparse"], found["best"]["bytes_sparse"])
        (self.here / "r.json").write_text(tool.metadata(self.here / "f")["lop.recipe"])
        self.lop("train", "--recipe", "r.json", "-o", "again", "-q")
        self.assertEqual(tensors(self.here / "f"), tensors(self.here / "again"))

    def test_sizes(self):
        found = self.facts("--max-weights", "200")
        self.assertEqual(found["best"]["weights_left"], 200)
        header, content = tensors(self.here / "f")
        weights = sum(content[i:i + 4] != b"\0\0\0\0" for i in range(0, 4 * 896, 4))
        self.assertEqual(weights, 200)
        found = self.facts("--max-bytes", "600", "-f")
        self.assertTrue(540 < found["best"]["bytes_sparse"] <= 600)
        # Compacted, what is dead is not counted: more of the rest may stay.
        found = self.facts("--max-weights", "300", "--compact", "-m", "unit", "-f")
        self.assertTrue(200 < found["best"]["weights_left"] <= 300)
        header, _ = tensors(self.here / "f")
        self.assertEqual(sum(t["shape"][0] * t["shape"][1] for n, t in header.items()
                             if n.endswith(".weight")), found["best"]["weights_left"])
        found = self.facts("--max-latency", "1e6", "-f")
        self.assertGreater(found["best"]["compacted_latency_us_batch1"], 0)

    def test_sequence(self):
        found = self.facts("-m", "unit,weight", "-k", "50", "--max-weights", "100", "--epochs", "2")
        self.assertLessEqual(found["best"]["weights_left"], 100)
        self.assertEqual(found["result"]["method"], "unit 50% + weight")
        self.assertEqual(json.loads(tool.metadata(self.here / "f")["lop.prune"])["stages"][1]
                         ["sparsity"], found["best"]["target_sparsity"])

    def test_limits_that_cannot_be_met(self):
        before = self.files()
        # The output layer alone has 32.
        out, err = self.fit("--max-weights", "20", "-q", status=1)
        self.assertEqual(err, "lop: no network is small enough; nearest, and not trained: "
                              "99.9 % removed, 33 weights (limit 20), 28 bytes\n")
        self.assertRegex(out.splitlines()[-1], r"^ +99\.900 +33 +28 +- +-  beyond weights$")
        out, err = self.fit("--max-weights", "40", "--max-loss", "1", "--min-keep", "1", status=1)
        self.assertIn("lop: no network is small enough", err)
        out, err = self.fit("--max-weights", "60", "--max-loss", "0", "--json", status=1)
        self.assertEqual(json.loads(err)["exit"], 1)
        self.assertIn("nearest: ", json.loads(err)["text"])
        found = json.loads(out)
        self.assertFalse(found["met"])
        self.assertNotIn("output", found)
        self.assertEqual(found["best"]["beyond"], ["loss"])
        self.assertEqual(self.files(), before)
        # The nearest is written where that is asked for, and the exit status says it is not it.
        again, _ = self.fit("--max-weights", "60", "--max-loss", "0", "--json", "--nearest",
                            status=1)
        self.assertEqual(json.loads(again)["best"], found["best"])
        self.assertEqual(self.validation("f")["accuracy"], found["best"]["valid_accuracy"])

    def test_pruned_before(self):
        self.lop("prune", "net.safetensors", "-m", "weight", "-k", "60", "-o", "p", "-q")
        found = json.loads(self.lop("fit", "p", "--data", self.data, "--max-loss", "100", "-o", "f",
                                    "--json", "--deepest", "90")[0])
        self.assertEqual(found["parent"]["weights_left"], 377)
        self.assertEqual(found["best"]["target_sparsity"], 0.9)
        for step in found["steps"]:
            self.assertLess(step["weights_left"], 377)
            self.assertGreater(step["target_sparsity"], 0.6)

    def test_what_is_wrong(self):
        fit = ["fit", "net.safetensors", "-o", "y"]
        for words, text in [
            ([], "a limit is missing: --max-loss, --max-weights, --max-bytes or --max-latency"),
            (["--max-loss", "101"], "--max-loss: expected 0 to 100, found 101"),
            (["--max-loss", "-0.1"], "--max-loss: expected 0 to 100, found -0.1"),
            (["--max-loss", "little"], "--max-loss: expected a number, found 'little'"),
            (["--max-weights", "0"], "--max-weights: expected 1 or more, found 0"),
            (["--max-bytes", "1.5"], "--max-bytes: expected a whole number, found '1.5'"),
            (["--max-latency", "0"], "--max-latency: expected 0.001 to"),
            (["--per-halving", "65"], "--per-halving: expected 1 to 64, found 65"),
            (["--neighbours", "0"], "--neighbours: expected 1 to"),
            (["--deepest", "100"], "--deepest: expected 0.001 to 99.999, found 100"),
            (["--max-loss", "1", "-k", "50"], "one for each of 1 methods but the last, found 1"),
            (["--max-loss", "1", "-m", "unit,weight"],
             "one for each of 2 methods but the last, found 0"),
            (["--max-loss", "1", "-m", "nm"], "leaves nothing to search for"),
            (["--max-loss", "1", "--allocation", "list", "--list", "50,50"],
             "leaves nothing to search for"),
            (["--max-loss", "1", "--schedule", "gradual"], "no epochs of recovery"),
            (["--max-loss", "1", "--schedule", "lottery"], "begins with an untrained network"),
        ]:
            with self.subTest(words=words):
                self.fails(64, text, *fit, *words)
        self.fails(66, "absent", "fit", "absent", "-o", "y", "--max-loss", "1")
        self.fails(73, "exists", "fit", "net.safetensors", "-o", "net.safetensors", "--max-loss", "1")

    def test_interrupted(self):
        before = self.files()
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("fit", "net.safetensors", "--data", self.data, "--max-loss", "0",
                                 "--epochs", "1000", "-o", "f")
            process.stderr.readline()  # an epoch of the first step
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 128 + number)
            self.assertEqual(self.files(), before)


if __name__ == "__main__":
    tool.main()
