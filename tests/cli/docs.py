"""What is made from the table of options: man pages and completion."""
import os
import shutil
import subprocess
import unittest

import tool
from help import COMMANDS


class Docs(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.lop("docs", "man", ".")
        self.lop("docs", "bash", ".")

    def test_a_page_for_each_command(self):
        self.assertEqual(self.files(), sorted(["lop", "lop.1"] + [f"lop-{c}.1" for c in COMMANDS]))

    @unittest.skipUnless(shutil.which("groff") or shutil.which("mandoc"), "no groff, no mandoc")
    def test_pages_are_sound(self):
        linter = ["mandoc", "-Tlint", "-Wwarning"] if shutil.which("mandoc") else [
            "groff", "-man", "-ww", "-z", "-Tutf8"]
        for name in self.files():
            if name.endswith(".1"):
                done = subprocess.run([*linter, name], cwd=self.here, capture_output=True)
                self.assertEqual(done.stderr + done.stdout, b"", name)

    @unittest.skipUnless(shutil.which("groff"), "no groff")
    def test_pages_say_what_help_says(self):
        for command in COMMANDS:
            page = subprocess.run(["groff", "-man", "-Tascii", "-P-c", f"lop-{command}.1"],
                                  cwd=self.here, capture_output=True, text=True,
                                  env={**os.environ, "GROFF_NO_SGR": "1"}).stdout
            plain = []
            for letter in page:  # overstriking, letter by letter
                if letter == "\b":
                    plain.pop()
                else:
                    plain.append(letter)
            help_text, _ = self.lop(command, "--help")
            for line in help_text.splitlines():
                if line.lstrip().startswith("-"):
                    name = line.replace("[no-]", "").split("--")[1].split()[0]
                    self.assertIn(f"--{name}", "".join(plain))

    def complete(self, *words):
        """What bash offers for the last of `words`."""
        quoted = " ".join(f"'{w}'" for w in words)
        script = (f"set -eu; source ./lop; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
                  'COMPREPLY=(); set +e; _lop; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script], cwd=self.here, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    @unittest.skipUnless(shutil.which("bash"), "no bash")
    def test_completion(self):
        self.assertEqual(self.complete("lop", "tr"), ["train"])
        self.assertEqual(self.complete("lop", "prune", "--spar"), ["--sparsity"])
        self.assertEqual(self.complete("lop", "prune", "-m", ""),
                         ["weight", "unit", "block", "nm"])
        self.assertIn("mnist", self.complete("lop", "eval", "x", "--data", ""))
        self.assertEqual(self.complete("lop", "data", "sh"), ["show"])
        self.assertEqual(self.complete("lop", "inspect", "lop-tr"), ["lop-train.1"])
        self.assertEqual(sorted(self.complete("lop", "help", "")), sorted(COMMANDS))


if __name__ == "__main__":
    tool.main()
