"""The recipes in examples/: each is read, runs, and is told of in the documents.

They run here on small data, for an epoch, at two of their sparsities: what they ask for beyond that
(criteria, schedules, regularization, stages) is all theirs.
"""
import re
import unittest

from tool import LopTest, main, read_results
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
SMALL = ["--layers", "12,8", "--epochs", "2", "--seeds", "1", "--no-timing", "--batch-size", "20",
         "--begin-epoch", "0.5", "--end-epoch", "1", "--calibration", "100"]
# What else is as long as the real thing, by the section of the recipe that says it.
SHORTER = {"recovery": ["--recovery-epochs", "2"],
           "share": ["--share-begin", "1", "--share-hold", "1.5"]}


class Examples(LopTest):
    def test_each_runs(self):
        recipes = sorted((HOUSE / "examples").glob("*.yaml"))
        self.assertGreater(len(recipes), 5)
        for recipe in recipes:
            with self.subTest(recipe.name):
                directory = self.here / recipe.stem
                more = [word for section, words in SHORTER.items() for word in words
                        if re.search(rf"(?m)^{section}:", recipe.read_text())]
                self.lop("sweep", "--recipe", recipe, "--data", self.data, "-k", "0,50", *SMALL,
                         *more, "-o", directory)
                results = read_results(directory / "results.jsonl")
                wanted = re.search(r"methods: \[(.*)\]", recipe.read_text())
                methods = {result["method"] for result in results}
                if wanted:
                    self.assertEqual(methods, set(wanted[1].split(", ")))
                self.assertTrue(any(result["target_sparsity"] > 0 for result in results))

    def test_each_says_how_it_is_run_and_the_documents_know_it(self):
        documents = "".join(path.read_text() for path in sorted((HOUSE / "docs").glob("*.md")))
        for recipe in sorted((HOUSE / "examples").glob("*.yaml")):
            with self.subTest(recipe.name):
                name = f"examples/{recipe.name}"
                self.assertRegex(recipe.read_text(), rf"#   lop sweep --recipe {re.escape(name)} .*-o ")
                self.assertTrue(name in documents, f"no document tells of {name}")


if __name__ == "__main__":
    main()
