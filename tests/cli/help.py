"""Help, version, near matches: what a newcomer meets first."""
import re

import tool

COMMANDS = ["data", "train", "prune", "eval", "inspect", "sweep", "sensitivity", "fit",
            "compare", "report", "run", "bench", "pack", "unpack", "verify"]


class Help(tool.LopTest):
    def test_overview_names_every_command(self):
        out, err = self.lop("--help")
        self.assertEqual(err, "")
        for name in COMMANDS:
            self.assertRegex(out, rf"(?m)^  {name} ")
        self.assertNotIn("docs", out)
        self.assertEqual(self.lop("help")[0], out)
        self.assertEqual(self.lop("-h")[0], out)

    def test_help_of_each_command(self):
        for name in COMMANDS:
            out, err = self.lop(name, "--help")
            self.assertEqual(err, "")
            self.assertTrue(out.startswith(f"Usage: lop {name} "), out)
            for option in ("--threads N", "-q, --quiet", "-v, --verbose", "--json", "-h, --help"):
                self.assertIn(option, out)
            self.assertLessEqual(max(map(len, out.splitlines())), 100)
            self.assertEqual(self.lop("help", name)[0], out)

    def test_help_fits_a_narrow_terminal(self):
        # Option names and examples are never broken; the text between them is.
        out, _ = self.lop("train", "--help", env={"COLUMNS": "60"})
        for line in out.split("\nExamples:")[0].splitlines():
            self.assertLessEqual(len(line), 60, line)

    def test_help_shows_the_values_that_hold(self):
        out, _ = self.lop("train", "--help")
        self.assertRegex(out, r"--layers N,N,\.\.\. .*\[1000,1000,500,200\]")
        self.assertRegex(out, r"--seed N .*\[1\]")
        out, _ = self.lop("sweep", "--help")
        self.assertIn("[weight,unit]", out)
        self.assertIn("[0,25,50,60,70,80,90,95,97,99]", out)

    def test_version(self):
        for words in (["--version"], ["train", "--version"]):
            self.assertTrue(re.fullmatch(r"lop \d+\.\d+\.\d+\n", self.lop(*words)[0]))

    def test_no_command_shows_help_as_an_error(self):
        out, err = self.lop(status=64)
        self.assertEqual(out, "")
        self.assertIn("Usage: lop COMMAND", err)

    def test_near_matches(self):
        self.fails(64, "unknown command 'trian'; did you mean 'train'?", "trian")
        self.fails(64, "unknown command 'evaluate'; 'lop --help' lists them", "evaluate")
        self.fails(64, "unknown option '--epoch'; did you mean '--epochs'?",
                   "train", "--epoch", "3", "-o", "x")
        self.fails(64, "unknown option '--sparcity'; did you mean '--sparsity'?",
                   "prune", "x", "--sparcity=3", "-o", "y")
        self.fails(64, "did you mean 'weight'?", "prune", "x", "-m", "weigth", "-k", "5", "-o", "y")
        self.fails(64, "unknown option '--qqqqqq'; 'lop train --help' lists them",
                   "train", "--qqqqqq")
        self.fails(64, "did you mean 'verify'?", "data", "verfy", "mnist")

    def test_colour_and_animation_stay_away_from_files(self):
        out, err = self.train()
        self.assertNotIn("\033", out + err)
        self.assertNotIn("\r", out + err)

    def test_drawing_without_colour(self):
        out, _ = self.lop("data", "show", self.data, "--count", "3", "-q")
        lines = out.splitlines()
        self.assertEqual(len(lines), 1 + tool.SIDE // 2)
        self.assertEqual(len(lines[0].split()), 3)
        self.assertTrue(set("".join(lines[1:])) <= set(" .:-=+*#%@"))


if __name__ == "__main__":
    tool.main()
