"""Reports from the outside: pages that follow a sweep, several sweeps in one, lines that are broken."""
import base64
import csv
import json
import re
import zlib

import tool


class Report(tool.LopTest):
    def sweep(self, directory, *more):
        return ["sweep", "--data", self.data, "--layers", "12,8", "--epochs", "2", "--batch-size",
                "20", "--dropout", "0", "-k", "0,80", "-m", "weight", "--no-timing", "-o", directory,
                *more]

    def page(self, name):
        return (self.here / name).read_text()

    def test_watched_page(self):
        watched = self.sweep("out", "--watch-report", "page.html")
        self.lop(*watched)
        page = self.page("page.html")
        self.assertIn("lop sweep --recipe out/recipe.json -o again", page)
        self.assertNotIn("The sweep is running", page)
        self.assertIn('id="networks"', page)
        # It is its own page, so it may be written again; so is the one beside the results.
        self.lop(*watched)
        self.lop(*self.sweep("out", "--watch-report", "out/report.html"))
        self.lop(*self.sweep("new", "--watch-report", "new/live.html"))
        self.assertTrue((self.here / "new/live.html").is_file())
        self.assertNotIn(str(self.here), page)

    def test_what_is_not_its_page_stays(self):
        (self.here / "page.html").write_text("<p>mine</p>")
        watched = self.sweep("out", "--watch-report", "page.html")
        self.fails(73, "page.html: exists already, and is no page of this sweep; -f overwrites it",
                   *watched)
        self.assertEqual(self.page("page.html"), "<p>mine</p>")
        self.lop(*watched, "-f")
        self.assertIn("</html>", self.page("page.html"))
        # Pages of other sweeps and of lop report are others too.
        other = self.sweep("other", "--watch-report", "page.html")
        self.fails(73, "is no page of this sweep", *other)
        self.lop("report", "out", "-o", "page.html", "-f")
        self.fails(73, "is no page of this sweep", *watched)
        self.fails(73, "cannot create", *self.sweep("other", "--watch-report", "no/page.html"))
        self.fails(64, "--watch-report: expected a file", *self.sweep("other", "--watch-report", "-"))

    def test_a_sweep_that_may_not_begin_leaves_the_page(self):
        watched = self.sweep("out", "--watch-report", "page.html")
        self.lop(*watched)
        page = self.page("page.html")
        self.fails(64, "made with train.learning_rate", *watched, "--learning-rate", "0.5")
        self.assertEqual(self.page("page.html"), page)

    def test_stopped_and_continued(self):
        watched = self.sweep("out", "--watch-report", "page.html", "--epochs", "40")
        process = self.start(*watched)
        process.stderr.readline()  # an epoch: the page was there before
        self.assertIn("The sweep is running", self.page("page.html"))
        process.kill()
        process.communicate(timeout=60)
        self.lop(*watched)
        self.assertNotIn("The sweep is running", self.page("page.html"))

    def test_several(self):
        self.lop(*self.sweep("one"))
        self.lop(*self.sweep("two", "--seed", "5"))
        self.lop("report", "one", "two", "-o", "both.html", "--csv", "both.csv")
        page = self.page("both.html")
        self.assertIn("lop sweep --recipe one/recipe.json -o again-1\n"
                      "lop sweep --recipe two/recipe.json -o again-2", page)
        deflated = base64.b64decode(re.search(r'id="networks">(.*?)</script>', page)[1])
        networks = json.loads(zlib.decompress(deflated, -15))
        self.assertEqual(len(networks), 2)
        self.assertEqual([n.get("missing") for n in networks], [None] * len(networks))
        # Paths are what the results have: below their directories.
        with open(self.here / "both.csv", newline="") as file:
            found = [row["packed"] for row in csv.DictReader(file)]
        self.assertEqual(found, [r["packed"] for name in ("one", "two") for r in
                                 tool.read_results(self.here / name / "results.jsonl")])
        self.assertNotIn(str(self.here)[1:], page)

    def test_broken_lines(self):
        self.lop(*self.sweep("out"))
        lines = (self.here / "out/results.jsonl").read_text().splitlines()
        bad = self.here / "bad.jsonl"
        bad.write_text("\n".join(["{]"] * 3 + lines + ["nothing"] * 4) + "\n")
        _, err = self.lop("report", "bad.jsonl")
        self.assertEqual(re.findall(r"line (\d+) is left out", err), ["1", "2", "3", "6", "7"])
        self.assertIn("bad.jsonl: 2 more lines are left out", err)
        # A file of another kind is one line.
        bad.write_bytes(b"\x89LOP\r\n\x1a\n" + b"x\n" * 900)
        self.fails(65, "bad.jsonl: line 1: expected a JSON object", "report", "bad.jsonl")
        bad.write_bytes(b"\x89LOP\r\n\x1a\n" + b"x\n" * 1000)
        self.fails(65, "bad.jsonl: line 1001: expected results, found over 1000 lines that are none: ",
                   "report", "bad.jsonl")
        bad.write_text("")
        self.fails(65, "expected results, found none", "report", "bad.jsonl")


if __name__ == "__main__":
    tool.main()
