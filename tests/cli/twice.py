"""The same command twice gives the same bytes: what it prints and each file that it leaves, for every command.

Times that were measured are left out of the comparison, and nothing else is.
"""
import csv
import re
import shutil

import tool
from help import COMMANDS

RUNS = "--data data --layers 12,8 --epochs 2 --batch-size 20 -q"
RETRAIN = "--schedule gradual --epochs 2 --learning-rate 0.01 -q"
PRUNE = "prune net.safetensors -o out.safetensors"
# What is run, in a copy of a directory made ready.
TABLE = [
    "data list",
    "data show data",
    f"train {RUNS} -o out.safetensors",
    f"train {RUNS} -o out.safetensors --dropout 0.2 --optimizer adam --shift 1 --seed 7 --threads 2",
    f"{PRUNE} --data data -m weight -k 80 {RETRAIN}",
    f"{PRUNE} --data data -m unit -k 50 {RETRAIN} --threads 2",
    f"{PRUNE} --data data -m weight --criterion sparsegpt -k 70 -q",
    f"{PRUNE} -m weight --criterion random -k 70 -q",
    "eval net.safetensors --data data --confusion",
    "eval net.lop --data data --json",
    "inspect net.safetensors",
    "inspect net.lop --bytes",
    f"sweep {RUNS} -k 0,50,90 --seeds 2 --no-timing -o out",
    f"sweep {RUNS} -k 0,50 --schedules gradual --recovery-epochs 1 --no-timing --jobs 2 -o out",
    "sensitivity net.safetensors --data data -k 50 --csv out.csv",
    "fit net.safetensors --data data -m weight --max-weights 300 -o out.safetensors -q",
    "compare sweep",
    "report sweep -o out.html --csv out.csv --epochs epochs.csv --figures figures",
    "run net.lop data/t10k-images-idx3-ubyte --scores",
    "run net.lop data/t10k-images-idx3-ubyte --threads 2 --precision float32",
    "pack net.safetensors --data data -o out.lop",
    "pack net.safetensors --data data --values shared --entries 8 -o out.lop",
    "unpack net.lop -o out.safetensors",
    "verify net.safetensors net.lop --data data --tolerance 10",
    "docs man out",
    "docs bash out",
]
MEASURES = {"bench"}  # it prints times alone


# What a clock says, in a line for people, in JSON, in a PDF that gnuplot drew.
TIMES = re.compile(r"\d[\d.]*( (h|min|s|ms|µs|million weights a second)\b)")
TIME_MEMBERS = re.compile(rb'"(' + "|".join(tool.MEASURED).encode() + rb')": ?([-+0-9.e]+|\[[^]]*\])')
PDF_DATE = re.compile(rb"/CreationDate \(.*?\)")


def timeless(content):
    """The same without what a clock says."""
    if isinstance(content, str):
        return TIMES.sub(r"…\1", timeless(content.encode()).decode())
    if not isinstance(content, bytes):
        return content
    head = content.split(b"\r\n", 1)[0].decode(errors="replace").split(",")
    if tool.MEASURED & set(head):
        rows = csv.reader(content.decode().splitlines())
        return [[v for name, v in zip(head, row) if name not in tool.MEASURED] for row in rows]
    return PDF_DATE.sub(b"", TIME_MEMBERS.sub(rb'"\1"', content))


class Twice(tool.LopTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ready = cls.root / "ready"
        cls.ready.mkdir()
        cls.data.rename(cls.ready / "data")

    def once(self, line, before):
        """What a command prints, and what it leaves, in a fresh copy."""
        self.here = self.root / "here"  # the same each time: a watched page knows its directory
        shutil.copytree(self.ready, self.here, dirs_exist_ok=True)
        (self.here / "out").mkdir()
        out, _ = self.lop(*line.split())
        left = tool.left(self.here, before, whole=True)
        shutil.rmtree(self.here)
        return timeless(out), {name: timeless(content) for name, content in left.items()}

    def test_every_command(self):
        self.here = self.ready
        for line in [f"train {RUNS} -o net.safetensors", "pack net.safetensors --data data -o net.lop -q",
                     f"sweep {RUNS} -k 0,50 --no-timing -o sweep"]:
            self.lop(*line.split())
        before = {p.name for p in self.ready.iterdir()}
        for line in TABLE:
            with self.subTest(line):
                if line.startswith("sweep"):  # its page shows plans; they are measured once, and kept
                    self.once(line, before)
                first, second = self.once(line, before), self.once(line, before)
                self.assertEqual(first[0], second[0])
                self.assertEqual(first[1].keys(), second[1].keys())
                for name, content in first[1].items():
                    self.assertEqual(content, second[1][name], f"{name} differs")
                writes = re.search(r"\bout", line)
                self.assertTrue(first[1] if writes else first[0], "there is nothing to compare")

    def test_no_command_is_left_out(self):
        self.assertEqual({line.split()[0] for line in TABLE} - {"docs"}, set(COMMANDS) - MEASURES)


if __name__ == "__main__":
    tool.main()
