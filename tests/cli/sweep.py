"""The sweep: complete, resumable, and the same whatever happens on the way."""
import copy
import json
import signal

import tool

TIMES = ["prune_seconds", "train_seconds", "peak_memory_bytes", "latency_us_batch1",
         "throughput_batch256", "compacted_latency_us_batch1", "compacted_throughput_batch256",
         "dense_latency_us_batch1", "dense_throughput_batch256"]


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
            self.assertIn("train_seconds", result)
            self.assertNotIn("dense_latency_us_batch1", result)
        for name in ("results.csv", "report.html", "recipe.json"):
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
        self.assertNotIn("epoch", err)
        self.assertEqual(len(tool.read_results(self.here / "out/results.jsonl")), 16)

        # Another recipe is another sweep.
        self.fails(64, "made with train.learning_rate 0.001, this sweep has 0.5",
                   *self.sweep("out", "--learning-rate", "0.5"))

        # Its recipe makes it again.
        self.lop("sweep", "--recipe", "out/recipe.json", "--no-timing", "-o", "again")
        key = lambda r: (r["seed"], r["method"], r["target_sparsity"])
        self.assertEqual(
            sorted(without_times(tool.read_results(self.here / "out/results.jsonl")), key=key),
            sorted(without_times(tool.read_results(self.here / "again/results.jsonl")), key=key))

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
        self.lop("report", "out", "-o", "r.html", "--csv", "r.csv", "--figures", "f")
        self.assertIn("</html>", (self.here / "r.html").read_text().lower())
        self.assertEqual(len((self.here / "r.csv").read_text().splitlines()), 13)
        self.fails(73, "r.html: exists already", "report", "out", "-o", "r.html")
        self.lop("report", "out/results.jsonl", "-o", "r.html", "-f")
        self.fails(66, "", "report", "nothing")
        (self.here / "bad.jsonl").write_text('{"schema": "lop.result/1"}\n{]\n')
        self.fails(65, "bad.jsonl: line 2", "report", "bad.jsonl")
        self.assertEqual(json.loads(self.lop("report", "out", "--json")[0])["results"], 12)

    def test_timing(self):
        self.lop("sweep", "--data", self.data, "--layers", "20", "--epochs", "1", "-m", "unit",
                 "-k", "50", "-o", "out", "-q")
        (result,) = tool.read_results(self.here / "out/results.jsonl")
        for name in ("dense_latency_us_batch1", "dense_throughput_batch256",
                     "compacted_latency_us_batch1", "compacted_throughput_batch256"):
            self.assertGreater(result[name], 0)


if __name__ == "__main__":
    tool.main()
