"""Pruning with retraining: schedules, sequences, recipes that make the same again, resuming."""
import json
import random
import re
import shutil
import signal
import time

import tool


def tensors(path):
    """The bytes of a safetensors file behind its header, and what the header says they are."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    header.pop("__metadata__")
    return header, content[8 + size:]


class Retrain(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.train()

    def prune(self, output, *more, **options):
        return self.lop("prune", "net.safetensors", "--data", self.data, "-o", output, *more,
                        **options)

    def record(self, path):
        return json.loads(tool.metadata(self.here / path)["lop.history"])

    def recipe_of(self, path, name="again.json"):
        (self.here / name).write_text(tool.metadata(self.here / path)["lop.recipe"])
        return name

    def same_again(self, path):
        """What the file's recipe makes anew, from the start, has the same bytes."""
        self.lop("train", "--recipe", self.recipe_of(path), "-o", "again", "-f", "-q")
        self.assertEqual(tensors(self.here / path), tensors(self.here / "again"))

    def test_gradual(self):
        self.prune("p", "-m", "weight", "-k", "90", "--schedule", "gradual", "--epochs", "4",
                   "--seed", "3")
        record = self.record("p")
        self.assertEqual((record["method"], record["criterion"], record["schedule"]),
                         ("weight", "magnitude", "gradual"))
        self.assertEqual((record["seed"], record["target_sparsity"]), (3, 0.9))
        # 64·12 and 12·8 lose round(0.9 · n), 8·4 of the output layer stays.
        self.assertEqual(record["weights_left"], 768 - 691 + 96 - 86 + 32)
        self.assertEqual(record["weights_total"], 768 + 96 + 32)
        epochs = record["epochs"]
        self.assertEqual([e["epoch"] for e in epochs], [1, 2, 3, 4])
        sparsities = [e["sparsity"] for e in epochs]
        self.assertEqual(sparsities, sorted(sparsities))
        self.assertGreater(sparsities[0], 0)
        self.assertAlmostEqual(sparsities[-1], record["sparsity"])
        for epoch in epochs:
            for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy",
                         "test_loss", "test_accuracy"):
                self.assertIn(name, epoch)
        self.assertIn("prune_seconds", record)
        # The seed is that of recovery: the network that is pruned was trained with its own.
        recipe = json.loads(tool.metadata(self.here / "p")["lop.recipe"])
        self.assertEqual((recipe["seed"], recipe["recovery"]["seed"]), (1, 3))
        self.assertEqual(recipe["stages"][0]["criterion"], "magnitude")
        self.same_again("p")

    def test_ways(self):
        for number, words in enumerate([
            ["-m", "weight", "-k", "80", "--epochs", "2"],
            ["-m", "unit", "-k", "50", "--schedule", "gradual", "--epochs", "3"],
            ["-m", "unit,weight", "-k", "50,60", "--schedule", "linear,oneshot", "--epochs", "4"],
            ["-m", "weight", "-k", "70", "--schedule", "rigl", "--epochs", "3"],
            ["-m", "weight", "-k", "70", "--schedule", "iterative", "--rounds", "3", "--epochs",
             "3", "--learning-rate", "0.003", "--distill-weight", "0.5"],
            ["-m", "weight", "-k", "60", "--criterion", "random", "--epochs", "2"],
            ["-m", "block", "-k", "50", "--block", "2x4", "--epochs", "2"],
            ["-m", "nm", "--nm", "1:4", "--epochs", "2"],
            ["-m", "weight", "-k", "90", "--allocation", "erk"],
            ["-m", "weight", "-k", "80", "--criterion", "movement", "--schedule", "gradual",
             "--epochs", "3"],
            ["-m", "weight", "-k", "80", "--criterion", "obd", "--schedule", "gradual",
             "--epochs", "3"],
            ["-m", "weight", "-k", "80", "--criterion", "sparsegpt", "--calibration", "100"],
            ["-m", "weight", "-k", "80", "--criterion", "taylor", "--schedule", "iterative",
             "--epochs", "2"],
            ["-m", "unit", "-k", "50", "--criterion", "apoz", "--epochs", "2"],
        ]):
            with self.subTest(words=words):
                path = f"p{number}"
                self.prune(path, *words, "-q")
                self.same_again(path)

    def test_sequence(self):
        self.prune("p", "-m", "unit,weight", "-k", "50,75")
        record = self.record("p")
        self.assertEqual((record["method"], record["criterion"]),
                         ("unit 50% + weight", "l2 + magnitude"))
        # 6 of 12 and 4 of 8 units are left, and then a quarter of 64·6 and of 6·4 weights.
        self.assertEqual(record["weights_left"], 96 + 6 + 16)
        header, _ = tensors(self.here / "p")
        self.assertEqual(sorted(t["shape"] for n, t in header.items() if n.endswith(".weight")),
                         [[4, 4], [4, 6], [6, 64]])
        self.assertAlmostEqual(record["sparsity"], 1 - 118 / 896)
        self.assertNotIn("epochs", record)
        # Without data the same is done.
        self.lop("prune", "net.safetensors", "-m", "unit,weight", "-k", "50,75", "-o", "alone")
        self.assertEqual(tensors(self.here / "p"), tensors(self.here / "alone"))

    def test_sizes_are_those_of_results(self):
        """Units that went take their columns along: as a file, prune, inspect and sweep agree."""
        self.lop("sweep", "--data", self.data, "--layers", "12,8", "--epochs", "1", "-k", "0,50",
                 "--no-timing", "-o", "out", "-q")
        for result in tool.read_results(self.here / "out/results.jsonl"):
            with self.subTest(method=result["method"], k=result["target_sparsity"]):
                words = ["prune", "out/dense-seed1.safetensors", "-m", result["method"], "-k",
                         100 * result["target_sparsity"], "-f", "-o", "p"]
                pruned = json.loads(self.lop(*words, "--json")[0])
                self.assertEqual(pruned["bytes_sparse"], result["bytes_sparse"])
                inspected = json.loads(self.lop("inspect", "p", "--json")[0])
                self.assertEqual(inspected["bytes_sparse"], result["bytes_sparse"])
        self.assertEqual(result["method"], "unit")
        # 6 of 12 and 4 of 8 units are left, all of whose weights are dense: 6·64, 4·6 and 4·4.
        self.assertEqual(result["bytes_sparse"], 4 * (6 * 64 + 4 * 6 + 4 * 4))
        out, _ = self.lop(*words)
        self.assertIn("1.70 kB sparse, without what is dead; 3.58 kB dense", out)
        out, _ = self.lop("inspect", "p")
        self.assertRegex(out, r"(?m)^sparse +1,696 bytes")
        self.assertIn("sparse and zstd: without what is dead", out)

    def test_what_is_said_in_vain(self):
        """Options that only others look at: one line that names both, before anything is done."""
        for words, says in [
            (["-m", "weight", "--drop-fraction", "0.2"],
             "drop_fraction: only schedules set and rigl look at it, found schedule oneshot"),
            (["-m", "weight", "--epochs", "2", "--schedule", "gradual", "--rounds", "3"],
             "rounds: only schedules iterative and lottery look at it, found schedule gradual"),
            (["-m", "unit", "--block", "2x2"], "block_rows: only method block looks at it"),
            (["-m", "weight", "--epochs", "2", "--distill-temperature", "2"],
             "say how much (distill_weight), or leave it out"),
        ]:
            with self.subTest(words=words):
                line = self.fails(64, says, "prune", "net.safetensors", "-k", "50", "-o", "p", *words)
                self.assertNotIn("net.safetensors", line)
        # One of several stages that looks at it is enough.
        self.lop("prune", "net.safetensors", "--data", self.data, "-m", "unit,weight", "-k", "50,50",
                 "--schedule", "oneshot,rigl", "--drop-fraction", "0.2", "--epochs", "2", "-o", "p",
                 "-q")
        self.same_again("p")

    def test_physical_removal(self):
        self.prune("p", "-m", "unit", "-k", "50", "--epochs", "2")
        record = self.record("p")
        self.assertEqual(record["units_left"], [6, 4])
        self.assertEqual((record["weights_total"], record["bytes_dense"]), (896, 4 * 896))
        self.assertEqual(record["network"], "64-12-8-4")
        self.assertAlmostEqual(record["epochs"][-1]["sparsity"], record["sparsity"])
        header, _ = tensors(self.here / "p")
        self.assertEqual(sorted(t["shape"] for n, t in header.items() if n.endswith(".weight")),
                         [[4, 4], [4, 6], [6, 64]])

    def test_while_training(self):
        train = ["train", "--data", self.data, "--layers", "12,8", "--epochs", "4", "--batch-size",
                 "20", "--learning-rate", "0.01", "--dropout", "0", "-q"]
        for number, words in enumerate([
            ["-m", "weight", "-k", "80", "--schedule", "gradual"],
            ["-m", "weight", "-k", "80", "--schedule", "constant", "--allocation", "erk"],
            ["-m", "weight", "-k", "80", "--schedule", "lottery", "--rounds", "2", "--rewind-step",
             "5"],
            ["-m", "unit", "-k", "50", "--recovery-epochs", "2", "--no-while-training"],
        ]):
            with self.subTest(words=words):
                path = f"t{number}"
                self.lop(*train, *words, "-o", path)
                self.same_again(path)
        _, err = self.lop(*train[:-1], "-m", "weight", "-k", "80", "-o", "told")
        self.assertIn("next: lop pack told --data ", err)
        for path, count in (("t0", 4), ("t2", 12), ("t3", 6)):
            epochs = self.record(path)["epochs"]
            self.assertEqual([e["epoch"] for e in epochs], list(range(1, count + 1)))
        # Each round of the lottery takes the same share of what is left, and training starts anew.
        lottery = [round(e["sparsity"], 2) for e in self.record("t2")["epochs"]]
        kept = 0.2 ** 0.5 * 864 / 896 + 32 / 896
        self.assertEqual(lottery[3], 0)
        self.assertAlmostEqual(lottery[7], 1 - kept, delta=0.01)
        self.assertAlmostEqual(lottery[11], self.record("t2")["sparsity"], delta=0.01)

    def test_killed_and_resumed(self):
        words = ["prune", "net.safetensors", "--data", self.data, "-m", "unit,weight", "-k",
                 "50,80", "--schedule", "gradual", "--epochs", "30", "--seed", "5"]
        self.lop(*words, "-o", "whole", "-q")
        cut = 0
        for number, lines in ((signal.SIGKILL, 4), (signal.SIGINT, 8), (signal.SIGKILL, 16)):
            process = self.start(*words, "-o", "cut", "--resume")
            for _ in range(lines):
                process.stderr.readline()
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertIn(process.returncode, (0, 130, -9))
            cut += process.returncode != 0
        self.assertGreaterEqual(cut, 2)
        self.lop(*words, "-o", "cut", "--resume", "-f", "-q")
        self.assertEqual(tensors(self.here / "whole"), tensors(self.here / "cut"))
        self.assertEqual(self.checkpoints(), [])

    def checkpoints(self):
        """Who is killed while writing cannot take its temporary file (NAME.PROCESS-NUMBER) away."""
        return [name for name in self.files()
                if "checkpoint" in name and not re.search(r"\.\d+-\d+$", name)]

    def test_killed_at_random_moments(self):
        """Iterative pruning and the lottery, killed again and again, wherever that falls: between
        epochs, in one, in a pruning, while a checkpoint is written, or before anything is."""
        draw = random.Random()
        seed = draw.randrange(1 << 32)
        draw.seed(seed)
        iterative = ["prune", "net.safetensors", "--data", self.data, "-m", "unit,weight", "-k",
                     "50,90", "--schedule", "iterative", "--rounds", "4", "--epochs", "24"]
        lottery = ["train", "--data", self.data, "--layers", "40,30", "--batch-size", "20",
                   "--epochs", "8", "-m", "weight", "-k", "90", "--schedule", "lottery", "--rounds",
                   "2", "--rewind-step", "20"]
        for words in (iterative, lottery):
            with self.subTest(schedule=words[words.index("--schedule") + 1], moments=seed):
                begun = time.monotonic()
                self.lop(*words, "-o", "whole", "-q", "-f")
                lasted, cut = time.monotonic() - begun, 0
                for _ in range(5):
                    process = self.start(*words, "-o", "cut", "--resume", "-q")
                    time.sleep(draw.uniform(0.05, 0.6) * lasted)
                    process.kill()
                    process.communicate(timeout=60)
                    self.assertIn(process.returncode, (0, -9))
                    cut += process.returncode != 0
                    # Done already, if only a moment before it was killed: once more from the start.
                    (self.here / "cut").unlink(missing_ok=True)
                self.assertGreaterEqual(cut, 1)
                self.lop(*words, "-o", "cut", "--resume", "-q")
                self.assertEqual(tensors(self.here / "whole"), tensors(self.here / "cut"))
                whole, cut = (json.loads(tool.metadata(self.here / name)["lop.history"])
                              for name in ("whole", "cut"))
                for record in (whole, cut):
                    for epoch in record["epochs"]:
                        epoch.pop("seconds")
                self.assertEqual(whole["epochs"], cut["epochs"])
                self.assertEqual(self.checkpoints(), [])
                (self.here / "cut").unlink()

    def test_contradictions(self):
        prune = ["prune", "net.safetensors", "-o", "y"]
        for words, text in [
            ([], "--method NAME is missing"),
            (["-k", "50"], "--method NAME is missing"),
            (["-m", "weight"], "--sparsity K is missing"),
            (["-m", "weight", "-k", "50,60"], "--sparsity: expected one for each of 1 methods"),
            (["-m", "unit,weight", "-k", "50"], "--sparsity: expected one for each of 2 methods"),
            (["-m", "weight", "-k", "50", "--schedule", "gradual"], "no epochs of recovery"),
            (["-m", "weight", "-k", "50", "--schedule", "later"], "expected one of oneshot, "),
            (["-m", "weight", "-k", "50", "--criterion", "beauty"], "magnitude"),
            (["-m", "nm", "--nm", "1:4", "-k", "50"], "1:4 removes 75 %, found 50 %"),
            (["-m", "nm", "--nm", "4"], "--nm: expected N:M, found '4'"),
            (["-m", "nm", "--nm", "1:3"], "3"),
            (["-m", "weight", "-k", "50", "--epochs", "3", "--schedule", "linear", "--end-epoch",
              "4"], "pruning ends at epoch 4, but training has 3"),
            (["-m", "weight", "-k", "50", "--epochs", "3", "--schedule", "linear", "--end-epoch",
              "1", "--begin-epoch", "2"], "before it begins"),
            (["-m", "weight", "-k", "50", "--distill-weight", "0.5"], "no epochs of recovery"),
            (["-m", "weight", "-k", "50", "--scope", "global", "--allocation", "erk"],
             "leave out one of the two"),
        ]:
            with self.subTest(words=words):
                self.fails(64, text, *prune, *words)

    def test_sensitivity(self):
        scan = ["sensitivity", "net.safetensors", "--data", self.data, "-k", "25,50,75"]
        found = json.loads(self.lop(*scan, "--target", "40", "--json", "--csv", "s.csv")[0])
        self.assertEqual([row["items"] for row in found["layers"]], [768, 96])
        # A layer alone is what a list prunes that has zeros for all others.
        self.lop("prune", "net.safetensors", "-m", "weight", "--allocation", "list", "--list",
                 "0,75", "-o", "p", "-q")
        looked = json.loads(self.lop("eval", "p", "--data", self.data, "--part", "validation",
                                     "--precision", "float32", "--json")[0])
        point = found["layers"][1]["points"][2]
        self.assertEqual((point["sparsity"], point["valid_loss"], point["valid_accuracy"]),
                         (0.75, looked["loss"], looked["accuracy"]))
        shares = found["list_percent"]
        self.assertAlmostEqual(shares[0] * 768 + shares[1] * 96, 40 * (768 + 96))
        self.assertEqual(len((self.here / "s.csv").read_text().splitlines()), 1 + 2 * 3)

        out, err = self.lop(*scan, "--target", "40")
        self.assertRegex(out, r"(?m)^fc1 +accuracy +\d")
        self.check_plot(out, found)
        words = re.search(r"list for 40 % in all: (\S+)", out)[1]
        self.assertIn(f"--allocation list --list {words} ", err)
        self.lop("prune", "net.safetensors", "-m", "weight", "--allocation", "list", "--list",
                 words, "-o", "q", "--json")
        self.fails(64, "nothing to scan", *scan, "-m", "nm")
        self.fails(64, "scan higher ones", *scan, "--target", "90")

    def check_plot(self, out, found):
        """Each layer's letter stands at the height of each accuracy; where two meet, a star."""
        lines = out[out.index("validation accuracy in %"):].splitlines()
        rows, ticks, names = lines[1:17], lines[17], lines[18]
        self.assertEqual(ticks.split(), ["0", "25", "50", "75"])
        self.assertEqual(names.split(), ["a", "fc1", "b", "fc2"])
        top, low = float(rows[0].split()[0]), float(rows[15].split()[0])
        self.assertEqual(top, 100)
        for row in rows:
            self.assertRegex(row, r"^( {6}│|[ .\d]{5} ┤)[ab*\u2800-\u28ff ]*$")
        for letter, layer in zip("ab", found["layers"]):
            points = [found] + layer["points"]
            for place, point in enumerate(points):
                share = (100 * point["valid_accuracy"] - low) / (top - low)
                row = rows[int((1 - share) * 15 + 0.5)].ljust(80)
                column = 7 + int((place + 0.5) / 4 * 71 + 0.5)
                self.assertIn(row[column], (letter, "*"), (letter, place))

    def test_sensitivity_figures(self):
        scan = ["sensitivity", "net.safetensors", "--data", self.data, "-k", "25,75"]
        found = json.loads(self.lop(*scan, "--figures", "f", "--json")[0])
        indices = (self.here / "f/sensitivity.tsv").read_text().rstrip("\n").split("\n\n\n")
        for text, layer in zip(indices, found["layers"], strict=True):
            rows = [[float(value) for value in line.split("\t")]
                    for line in text.splitlines() if not line.startswith("#")]
            wanted = [[0, found["valid_accuracy"], found["valid_loss"]]] + [
                [p["sparsity"], p["valid_accuracy"], p["valid_loss"]] for p in layer["points"]]
            # Standard output has 15 digits.
            self.assertEqual([[f"{value:.14g}" for value in row] for row in rows],
                             [[f"{value:.14g}" for value in row] for row in wanted])
        for name in ("accuracy", "loss"):
            self.assertIn(f"f/sensitivity-{name}.gp", self.files())
            if shutil.which("gnuplot"):
                self.assertTrue((self.here / f"f/sensitivity-{name}.png").read_bytes()
                                .startswith(b"\x89PNG"))
                self.assertIn("fc2", (self.here / f"f/sensitivity-{name}.svg").read_text())
        # A terminal without UTF-8 gets letters and dots alone.
        out, _ = self.lop(*scan, env={"LC_ALL": "C"})
        self.assertTrue(out.isascii())
        self.assertRegex(out, r"(?m)^  100 \|.*\*")

    def test_recipe_names_its_line(self):
        (self.here / "r.yaml").write_text(
            "prune:\n  scope: layer\nstages:\n  - method: weight\n    sparsity_percent: 90\n"
            "    schedule: gradual\n")
        self.fails(65, "r.yaml: line 6: schedule: gradual prunes while a network trains",
                   "prune", "net.safetensors", "--recipe", "r.yaml", "-o", "y")
        (self.here / "r.yaml").write_text(
            "recovery:\n  epochs: 2\nstages:\n  - method: weight\n    sparsity_percent: 90\n"
            "    schedule: gradual\n")
        self.prune("p", "--recipe", "r.yaml", "--end-epoch", "1.5", "-q")
        recipe = json.loads(tool.metadata(self.here / "p")["lop.recipe"])
        self.assertEqual(recipe["stages"][0]["end_epoch"], 1.5)
        self.same_again("p")

    def test_a_layer_never_collapses_silently(self):
        _, err = self.lop("prune", "net.safetensors", "-m", "weight", "-k", "99.5", "-o", "p",
                          "-q")
        warnings = [line for line in err.splitlines() if line.startswith("lop: warning: layer ")]
        self.assertEqual(len(warnings), 1, err)
        self.assertIn("min-keep prevents", warnings[0])
        _, err = self.lop("prune", "net.safetensors", "-m", "weight", "-k", "99.5", "--min-keep",
                          "1", "-o", "q", "-q")
        self.assertEqual(err, "")


if __name__ == "__main__":
    tool.main()
