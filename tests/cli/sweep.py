"""The sweep: complete, resumable, and the same whatever happens on the way."""
import copy
import csv
import json
import signal

import tool

TIMES = ["prune_seconds", "train_seconds", "peak_memory_bytes", "latency_us_batch1",
         "throughput_batch256", "compacted_latency_us_batch1", "compacted_throughput_batch256",
         "dense_latency_us_batch1", "dense_throughput_batch256", "energy_uj_estimate",
         "dense_energy_uj_estimate", "energy_uj_measured", "dense_energy_uj_measured"]
PREDICTING = ["latency_us_batch1", "throughput_batch256", "dense_latency_us_batch1",
              "dense_throughput_batch256", "compacted_latency_us_batch1",
              "compacted_throughput_batch256", "energy_uj_estimate", "dense_energy_uj_estimate"]


def without_times(results):
    results = copy.deepcopy(results)
    for result in results:
        for name in TIMES:
            result.pop(name, None)
        for epoch in result.get("epochs", []):
            epoch.pop("seconds", None)
    return results


class Sweep(tool.LopTest):
    def sweep(self, directory, *more):
        return ["sweep", "--data", self.data, "--layers", "30,20", "--epochs", "4", "--batch-size",
                "20", "-k", "0,50,90", "--seeds", "2", "--no-timing", "-o", directory, *more]

    def test_whole(self):
        out, err = self.lop(*self.sweep("out"))
        results = tool.read_results(self.here / "out/results.jsonl")
        self.assertEqual(len(results), 2 * 2 * 3)
        self.assertEqual({(r["seed"], r["method"], r["target_sparsity"]) for r in results},
                         {(s, m, k) for s in (1, 2) for m in ("weight", "unit")
                          for k in (0, 0.5, 0.9)})
        for result in results:
            self.assertEqual("epochs" in result, result["target_sparsity"] == 0)
            for epoch in result.get("epochs", []):
                self.assertIn("test_loss", epoch)
            self.assertIn("train_seconds", result)
            self.assertNotIn("dense_latency_us_batch1", result)
        for name in ("results.csv", "epochs.csv", "report.html", "recipe.json"):
            self.assertIn(f"out/{name}", self.files())
        self.assertNotIn("out/sweep.lock", self.files())
        self.assertFalse([name for name in self.files() if name.endswith(".checkpoint")])
        self.assertIn("[12/12]", err)
        for k in ("50", "90"):
            self.assertRegex(out, rf"(?m)\b{k}\b")

        # Once more: nothing is missing, nothing is added, nothing is trained.
        before = (self.here / "out/results.jsonl").read_bytes()
        _, err = self.lop(*self.sweep("out"))
        self.assertIn("all 12 results are there", err)
        self.assertEqual((self.here / "out/results.jsonl").read_bytes(), before)

        # A sparsity more is added; the dense networks that are there serve it.
        _, err = self.lop(*self.sweep("out", "-k", "0,25,50,90"))
        self.assertNotRegex(err, r"epoch \d")
        self.assertEqual(len(tool.read_results(self.here / "out/results.jsonl")), 16)

        # Another recipe is another sweep.
        self.fails(64, "made with train.learning_rate 0.002, this sweep has 0.5",
                   *self.sweep("out", "--learning-rate", "0.5"))

        # Its recipe makes it again.
        self.lop("sweep", "--recipe", "out/recipe.json", "--no-timing", "-o", "again")
        self.assertEqual(without_times(tool.read_results(self.here / "out/results.jsonl")),
                         without_times(tool.read_results(self.here / "again/results.jsonl")))

    def test_packed_files(self):
        """What is kept is what was measured, with shared values or without."""
        for directory, more in (("plain", ["-m", "weight"]),
                                ("shared", ["-m", "weight", "--while-training", "--schedules",
                                            "gradual", "--begin-epoch", "0", "--end-epoch", "2",
                                            "--share", "6", "--share-begin", "3"])):
            self.lop(*self.sweep(directory, *more, "--seeds", "1"))
            results = tool.read_results(self.here / directory / "results.jsonl")
            self.assertEqual(len(results), 3)
            for result in results:
                k, schedule = round(100 * result["target_sparsity"]), result["schedule"]
                self.assertEqual(result["packed"], f"packed/seed-1-weight-magnitude-{schedule}-{k}.lop")
                path = self.here / directory / result["packed"]
                self.assertEqual(path.stat().st_size, result["bytes_packed"])
                shared = self.here / directory / result["packed_shared"]
                self.assertEqual(shared.stat().st_size, result["bytes_packed_shared"])
                self.lop("unpack", path, "-o", "net.safetensors", "-f", "-q")
                found = json.loads(self.lop("eval", "net.safetensors", "--data", self.data,
                                            "--precision", "float32", "--json")[0])
                # A thousand samples at most: one that lies between two classes may fall otherwise.
                self.assertAlmostEqual(found["accuracy"], result["test_accuracy"], delta=0.0011)
                self.assertAlmostEqual(found["loss"], result["test_loss"], delta=1e-5)
            self.assertGreater(results[0]["bytes_packed"], 2 * results[2]["bytes_packed"])
        told = self.lop("inspect", self.here / "shared" / results[2]["packed"])[0]
        self.assertRegex(told, r"shared [1-6]\b")

    def test_stopped_at_any_moment(self):
        self.lop(*self.sweep("whole"))
        whole = without_times(tool.read_results(self.here / "whole/results.jsonl"))
        lines, cut = 0, 0
        for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            process = self.start(*self.sweep("cut"))
            lines += 2
            for _ in range(lines):
                process.stderr.readline()
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertIn(process.returncode, (0, 130, 143, -9))
            cut += process.returncode != 0
        self.assertGreaterEqual(cut, 2)
        self.lop(*self.sweep("cut"))
        self.assertEqual(without_times(tool.read_results(self.here / "cut/results.jsonl")), whole)

    def test_torn_line(self):
        self.lop(*self.sweep("whole"))
        path = self.here / "whole/results.jsonl"
        whole = tool.read_results(path)
        content = path.read_bytes()
        path.write_bytes(content[:-len(content.splitlines()[-1]) // 2])
        self.lop(*self.sweep("whole"))
        self.assertEqual(without_times(tool.read_results(path)), without_times(whole))

    def test_one_process_a_directory(self):
        process = self.start(*self.sweep("out"))
        process.stderr.readline()
        _, err = self.lop(*self.sweep("out"), status=75)
        self.assertIn(f"process {process.pid} works here", err)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)

    def test_dense_network_of_another_recipe(self):
        self.lop(*self.sweep("out"))
        self.train("foreign.safetensors")
        (self.here / "foreign.safetensors").rename(self.here / "out/dense-seed1.safetensors")
        (self.here / "out/results.jsonl").unlink()
        _, err = self.lop(*self.sweep("out"), status=64)
        self.assertIn("dense-seed1.safetensors: not trained by this sweep's recipe", err)

    def test_report(self):
        self.lop(*self.sweep("out"))
        table, _ = self.lop("report", "out")
        self.assertIn("90", table)
        self.lop("report", "out", "-o", "r.html", "--csv", "r.csv", "--figures", "f", "--epochs",
                 "e.csv")
        with open(self.here / "e.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["epoch"] for row in rows], ["1", "2", "3", "4"] * 4)
        wanted = tool.read_results(self.here / "out/results.jsonl")[0]
        self.assertEqual([float(row["test_loss"]) for row in rows[:4]],
                         [epoch["test_loss"] for epoch in wanted["epochs"]])
        self.assertIn("</html>", (self.here / "r.html").read_text().lower())
        self.assertEqual(len((self.here / "r.csv").read_text().splitlines()), 13)
        self.fails(73, "r.html: exists already", "report", "out", "-o", "r.html")
        self.lop("report", "out/results.jsonl", "-o", "r.html", "-f")
        self.fails(66, "", "report", "nothing")
        # A broken line is said with its number, and the others are drawn.
        lines = (self.here / "out/results.jsonl").read_text().splitlines()
        (self.here / "bad.jsonl").write_text("\n".join([lines[0], "{]", *lines[1:]]) + "\n")
        out, err = self.lop("report", "bad.jsonl")
        self.assertIn("bad.jsonl: line 2 is left out", err)
        self.assertIn("90", out)
        self.assertEqual(json.loads(self.lop("report", "out", "--json")[0])["results"], 12)

    def small(self, directory, *more):
        return ["sweep", "--data", self.data, "--layers", "12,8", "--epochs", "3", "--batch-size",
                "20", "--dropout", "0", "-k", "0,80", "--no-timing", "-o", directory, *more]

    def test_ways_under_one_budget(self):
        ways = ["--criteria", "magnitude,random", "--schedules", "oneshot,gradual",
                "--recovery-epochs", "2", "--seeds", "2"]
        self.lop(*self.small("alone", *ways, "--threads", "1"))
        alone = tool.read_results(self.here / "alone/results.jsonl")
        # Both criteria of weights; of units, which have no magnitude, random alone.
        self.assertEqual({(r["method"], r["criterion"], r["schedule"]) for r in alone},
                         {(*c, s) for c in (("weight", "magnitude"), ("weight", "random"),
                                            ("unit", "random")) for s in ("oneshot", "gradual")})
        self.assertEqual(len(alone), 2 * 6 * 2)
        for result in alone:
            # Numbered on from the dense training; the dense network is retrained as long.
            self.assertEqual([e["epoch"] for e in result["epochs"]],
                             [4, 5] if result["target_sparsity"] else [1, 2, 3, 4, 5])
            for epoch in result["epochs"]:
                self.assertIn("test_accuracy", epoch)
            self.assertAlmostEqual(result["epochs"][-1]["sparsity"], result["sparsity"])
            self.assertNotIn("prune", result["recipe"])
        self.assertFalse([name for name in self.files() if "checkpoint" in name])

        # Ranked by what they keep at equal size, best first.
        ranks = json.loads(self.lop("compare", "alone", "--json")[0])["ranks"]
        self.assertTrue(ranks)
        self.assertEqual({r["seeds"] for r in ranks}, {2})
        for share in {r["share"] for r in ranks}:
            here = [r for r in ranks if r["share"] == share]
            self.assertEqual([r["rank"] for r in here], list(range(1, len(here) + 1)))
            kept = [r["test_accuracy"] for r in here]
            self.assertEqual(kept, sorted(kept, reverse=True))
        out, _ = self.lop("compare", "alone")
        self.assertRegex(out, r"25 % of the weights left\n +1 +weight magnitude ")
        self.fails(66, "", "compare", "alone", "nowhere")

        # Two at a time, and stopped on the way: the same results in the same order.
        process = self.start(*self.small("together", *ways, "--jobs", "2"))
        for _ in range(12):
            process.stderr.readline()
        process.kill()
        process.communicate(timeout=60)
        self.lop(*self.small("together", *ways, "--jobs", "2"))
        together = tool.read_results(self.here / "together/results.jsonl")
        self.assertEqual(without_times(together), without_times(alone))

        # The recipe of any result makes it again, training and all: by its line, from a file of its
        # own, or alone.
        (self.here / "one.jsonl").write_text(json.dumps(alone[3]) + "\n")
        (self.here / "point.json").write_text(json.dumps(alone[-1]["recipe"]))
        last = f"alone/results.jsonl:{len(alone)}"
        for result, recipe in ((alone[3], "one.jsonl"), (alone[-1], last), (alone[-1], "point.json")):
            self.lop("train", "--recipe", recipe, "-o", "p.safetensors", "-f", "-q",
                     "--threads", "1")
            again = json.loads(tool.metadata(self.here / "p.safetensors")["lop.history"])
            again["epochs"] = again["epochs"][3:]
            (again,) = without_times([again])
            (wanted,) = without_times([result])
            for name in ("bytes_sparse", "bytes_zstd", "bytes_gzip", "bytes_deep_compression",
                         "bytes_packed", "bytes_packed_shared", "packed", "packed_shared"):
                wanted.pop(name)
            self.assertEqual(again, wanted)
        count = len(alone)
        for recipe, words in (
                ("alone/results.jsonl", f"holds {count} results; choose the one whose recipe"),
                ("alone/results.jsonl:0", "lines count from 1"),
                (f"alone/results.jsonl:{count + 1}", f"no result in line {count + 1}; the file has"),
                ("point.json:1", "expected results of which line 1 is one")):
            self.fails(64, words, "train", "--recipe", recipe, "-o", "q.safetensors")
        del alone[3]["recipe"]
        (self.here / "none.jsonl").write_text(json.dumps(alone[3]))
        self.fails(65, "none.jsonl: line 1: the result carries no recipe", "train", "--recipe",
                   "none.jsonl", "-o", "q.safetensors")

    def test_while_training(self):
        self.lop(*self.small("out", "-m", "weight", "--schedules", "gradual,lottery", "--rounds",
                             "2", "--while-training"))
        results = tool.read_results(self.here / "out/results.jsonl")
        self.assertEqual({(r["schedule"], r["target_sparsity"]): len(r["epochs"])
                          for r in results},
                         {("gradual", 0): 3, ("gradual", 0.8): 3, ("lottery", 0): 3,
                          ("lottery", 0.8): 9})
        for epoch in (epoch for result in results for epoch in result["epochs"]):
            for part in ("train", "valid", "test"):
                self.assertGreaterEqual(epoch[f"{part}_loss"], 0)
                self.assertGreaterEqual(epoch[f"{part}_accuracy"], 0)
        for figure in ("accuracy", "loss"):
            for schedule in ("gradual", "lottery"):
                self.assertIn(f"out/figures/data-{figure}-epochs-{schedule}.gp", self.files())
        dense = [r for r in results if r["target_sparsity"] == 0]
        self.assertEqual(dense[0]["test_loss"], dense[1]["test_loss"])

    def test_sequence_and_nm(self):
        (self.here / "r.yaml").write_text(
            "stages:\n  - {method: unit, sparsity_percent: 50}\n  - {method: weight}\n")
        self.lop(*self.small("out", "--recipe", "r.yaml"))
        results = tool.read_results(self.here / "out/results.jsonl")
        self.assertEqual([(r["method"], r["target_sparsity"], r["weights_left"]) for r in results],
                         [("unit 50% + weight", 0, 64 * 6 + 6 * 4 + 4 * 4),
                          ("unit 50% + weight", 0.8, 77 + 5 + 16)])
        self.lop(*self.small("nm", "-m", "nm,block", "--nm", "1:4"))
        results = tool.read_results(self.here / "nm/results.jsonl")
        self.assertEqual([(r["method"], r["target_sparsity"]) for r in results],
                         [("nm 1:4", 0.75), ("block 4x4", 0), ("block 4x4", 0.8)])

    def test_timing(self):
        self.lop("sweep", "--data", self.data, "--layers", "20", "--epochs", "1", "-m", "unit",
                 "-k", "50", "-o", "out", "-q")
        (result,) = tool.read_results(self.here / "out/results.jsonl")
        for name in PREDICTING:
            self.assertGreater(result[name], 0)

    def test_timing_side_by_side(self):
        words = ["sweep", "--data", self.data, "--layers", "20", "--epochs", "2", "--seeds", "2",
                 "--recovery-epochs", "6", "-k", "0,50", "-m", "unit"]
        two = {"env": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}}
        # Four retrainings on two cores: side by side is what is faster, and the same as asked for.
        _, err = self.lop(*words, "-o", "auto", "-v", **two)
        self.assertIn("2 points side by side", err)
        self.lop(*words, "-o", "asked", "-q", "--jobs", "2", "--no-timing",
                 **two)
        auto, asked = (tool.read_results(self.here / name / "results.jsonl")
                       for name in ("auto", "asked"))
        self.assertEqual(without_times(auto), without_times(asked))
        for result in auto:
            for name in PREDICTING:
                self.assertGreater(result[name], 0)
            self.assertEqual(result["machine"]["threads"], 1)
        # Goes on as it was begun.
        _, err = self.lop(*words, "-k", "0,50,60", "-o", "auto", "-v", **two)
        self.assertIn("2 points side by side", err)
        words.append("--no-timing")
        self.lop(*words, "-k", "50", "--seeds", "1", "-o", "alone", "-q", "--jobs", "1", **two)
        _, err = self.lop(*words, "-o", "alone", "-v", **two)
        self.assertNotIn("side by side", err)
        for result in tool.read_results(self.here / "alone/results.jsonl"):
            self.assertEqual(result["machine"]["threads"], 2)


if __name__ == "__main__":
    tool.main()
