"""The command line while calls of the system fail: the n-th of a kind, once, or all from then on.

Whatever fails: the program ends by itself, with a status that the contract knows, one line on
standard error that says why, and the file that it was to write whole, old or new, or not there.
Where it ends well all the same, it says what it says without a fault, times apart.

commands.py [--long] [COMMAND]: without --long n doubles; with it each n is tried.
"""
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import help
import tool
from twice import timeless

SHORT = -1
WAYS = [("memory", errno.ENOMEM)] + [
    (kind, number) for kind, numbers in [
        ("open", [errno.EIO, errno.EINTR, errno.EOPNOTSUPP]),
        ("read", [errno.EIO, errno.EINTR, SHORT]),
        ("write", [errno.EIO, errno.ENOSPC, errno.EINTR, SHORT]),
        ("truncate", [errno.EIO]),
        ("sync", [errno.EIO, errno.ENOSPC, errno.EINTR]),
        ("link", [errno.EIO]),
        ("rename", [errno.EIO]),
        ("close", [errno.EIO, errno.EINTR]),
        ("remove", [errno.EIO]),
        ("directory", [errno.EIO, errno.ENOSPC]),
    ] for number in numbers]
# 71 out of memory, 73 cannot create, 74 input/output; 66 where what cannot be opened is no input.
# 65 where a file's kind cannot be looked at, and it is then read as another.
STATUSES = {"memory": {71}, "open": {65, 66, 73, 74}}
OTHERS = {73, 74}

# What is run, in a copy of a directory made ready; and the file it writes, or None.
COMMANDS = {
    "train": ("train --data data --layers 6,5 --epochs 1 --batch-size 40 -o out.safetensors -f", "out.safetensors"),
    "prune": ("prune net.safetensors --method weight --sparsity 80 -o out.safetensors -f", "out.safetensors"),
    "retrain": ("prune net.safetensors --data data --method unit --sparsity 50 --schedule gradual"
                " --epochs 1 -o out.safetensors -f", "out.safetensors"),
    "eval": ("eval net.safetensors --data data", None),
    "inspect": ("inspect net.safetensors", None),
    "inspect packed": ("inspect net.lop", None),
    "pack": ("pack net.safetensors --data data -o out.lop -f", "out.lop"),
    "pack by itself": ("pack net.safetensors -o out.lop -f", "out.lop"),
    "run unpacked": ("run net.safetensors data/t10k-images-idx3-ubyte", None),
    "unpack": ("unpack net.lop -o out.safetensors -f", "out.safetensors"),
    "verify": ("verify net.safetensors net.lop --data data --tolerance 10", None),
    "run": ("run net.lop data/t10k-images-idx3-ubyte", None),
    "sweep": ("sweep --data data --layers 6,5 --epochs 1 --batch-size 40 --sparsity 0,50 --no-timing"
              " --jobs 1 -o out", None),
    "report": ("report sweep -o out.html -f", "out.html"),
    "report as text": ("report sweep", None),
    "compare": ("compare sweep", None),
    "sensitivity": ("sensitivity net.safetensors --data data --sparsity 50", None),
    "fit": ("fit net.safetensors --data data --max-weights 300 -o out.safetensors -f", "out.safetensors"),
    "bench": ("bench net.lop --seconds 0.001 --threads 1 --precision float32", None),
    "list": ("data list", None),
    "get": ("data get small --offline", None),
    "verify data": ("data verify small", None),
    "show": ("data show data", None),
    "help": ("train --help", None),
    "eval, JSON": ("eval net.safetensors --data data --confusion --json", None),
    "inspect, JSON": ("inspect net.lop --json", None),
    "compare, JSON": ("compare sweep --json", None),
    "train, JSON": ("train --data data --layers 6,5 --epochs 1 --batch-size 40 -o out.safetensors -f --json",
                    "out.safetensors"),
    "retrain, JSON": ("prune net.safetensors --data data --method unit --sparsity 50 --schedule gradual"
                      " --epochs 1 -o out.safetensors -f --json", "out.safetensors"),
    "prune, JSON": ("prune net.safetensors --method weight --sparsity 80 -o out.safetensors -f --json",
                    "out.safetensors"),
    "pack, JSON": ("pack net.safetensors --data data -o out.lop -f --json", "out.lop"),
    "fit, JSON": ("fit net.safetensors --data data --max-weights 300 -o out.safetensors -f --json", "out.safetensors"),
}
# Where data sets are looked for: "out" is not there when a run begins.
PLACES = {"list": "kept", "get": "out", "verify data": "kept"}
MEASURES = {"bench"}  # it prints times alone


def left_out():
    """Commands that lop's help names, the actions of 'lop data' among them, and nothing here runs."""
    tried = [words.split() for words, _ in COMMANDS.values()]
    usage = subprocess.run([tool.LOP, "data", "--help"], check=True, capture_output=True, text=True).stdout
    actions = re.match(r"Usage: lop data (.*?) \[OPTIONS\]", usage, re.S).group(1)
    return sorted((set(help.COMMANDS) - {words[0] for words in tried})
                  | ({part.split()[0] for part in actions.split("|")} - {words[1] for words in tried
                                                                        if words[0] == "data"}))


def make_ready(root):
    tool.make_data(root / "data")
    for words in [
        "train --data data --layers 6,5 --epochs 1 --batch-size 40 -o net.safetensors",
        "pack net.safetensors --data data -o net.lop",
        "sweep --data data --layers 6,5 --epochs 1 --batch-size 40 --sparsity 0,50 --no-timing -o sweep",
        "data get small --offline",
    ]:
        subprocess.run([tool.LOP, *words.split()], cwd=root, check=True, capture_output=True,
                       env=environment(LOP_DATA="kept", **NO_FAULT))


NO_FAULT = {"LOP_FAULT": "memory 0 0 0", "LOP_FAULT_REACHED": "reached"}


def environment(**more):
    """With a data set "small", which is made of the files in "data" (known.h)."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "LOP_FAULT_SET": "data", **more}


def said(done):
    """What a run said, without times, which no two have in common, and without the processor, of
    which the system may say nothing."""
    return re.sub(r'"(cpu|isa)": "[^"]*", ', "", timeless(done.stdout.decode(errors="replace")))


class Faults:
    def __init__(self, name, ready, everything):
        self.name, self.everything = name, everything
        self.words, self.output = COMMANDS[name][0].split(), COMMANDS[name][1]
        self.place = PLACES.get(name, "cache")
        # No gnuplot to be found: it takes most of a small sweep's time, and the library's scenarios have one.
        self.more = {"PATH": "none"} if name == "sweep" else {}
        self.ready, self.complaints, self.runs, self.said = ready, [], 0, None
        self.lock = threading.Lock()

    def start(self, where, **more):
        return subprocess.run([tool.LOP, *self.words, "-q"], cwd=where, stdin=subprocess.DEVNULL, timeout=120,
                              capture_output=True, env=environment(LOP_DATA=self.place, **self.more, **more))

    def run(self, kind, number, stays, error, where):
        """One run in the directory `where`; False where the call was not reached."""
        reached = where / "reached"
        reached.unlink(missing_ok=True)
        shutil.rmtree(where / "out", ignore_errors=True)
        if self.output:
            (where / self.output).write_bytes(b"the old file")
        done = self.start(where, LOP_FAULT=f"{kind} {number} {int(stays)} {error}", LOP_FAULT_REACHED="reached")
        happened = reached.exists()
        with self.lock:
            self.runs += 1
        self.judge(f"{kind} {number}{' and on' if stays else ''}, errno {error}", done, kind, error,
                   happened, where)
        return happened or done.returncode < 0

    def judge(self, what, done, kind, error, happened, where):
        text = done.stderr.decode(errors="replace")
        status = done.returncode
        harmless = error in (errno.EINTR, SHORT) or kind in ("close", "remove") or not happened

        def complain(why):
            self.complaints.append(f"{self.name}: {what}: {why}; status {status}\n{text[-800:]}")

        if "Sanitizer" in text:
            complain("a sanitizer reports")
        elif status < 0:
            complain("killed by a signal")
        elif status == 0:  # what failed may not have been needed, such as a plan that is kept
            if said(done) != self.said and self.name not in MEASURES:
                complain("ended well, and said something else than without a fault")
        elif harmless and not (kind == "close" and status in OTHERS):
            complain("failed although nothing did that matters")
        elif status not in STATUSES.get(kind, OTHERS) | (OTHERS if kind == "open" else set()):
            complain("expected another status")
        elif not text.startswith('{"error": "LOP_E_' if "--json" in self.words else "lop: ") or text.count("\n") != 1:
            complain("expected one line that says why")
        if self.output:
            path = where / self.output
            if not path.exists():
                complain("the old file is gone")
            elif status == 0 and path.read_bytes() == b"the old file":
                complain("said to be done, and the old file is still there")
            elif status != 0 and kind not in ("sync", "open", "close") and path.read_bytes() != b"the old file":
                # Only where the directory could not be opened or synced is the new file in place.
                complain("failed, and the old file was replaced")
        left = [p.name for p in where.iterdir() if ".safetensors." in p.name or ".lop." in p.name
                or ".html." in p.name]
        if [name for name in left if not name.endswith("checkpoint")]:
            complain(f"left {left}")
        for name in left:
            (where / name).unlink()

    def go(self, root, ways):
        where = Path(tempfile.mkdtemp(dir=root))
        for path in self.ready.iterdir():
            (where / path.name).symlink_to(path)
        if self.said is None:
            self.said = said(self.start(where, **NO_FAULT))
        for kind, error, stays in ways:
            number = 1
            while self.run(kind, number, stays, error, where):
                number += 1 if self.everything or number < 3 else number
        shutil.rmtree(where)
        return self


def main():
    if not tool.LOP:
        print("LOP names no program")
        sys.exit(77)
    everything = "--long" in sys.argv
    only = [word for word in sys.argv[1:] if word != "--long"]
    root = Path(tempfile.mkdtemp(prefix="lop-faults-"))
    try:
        ready = root / "ready"
        ready.mkdir()
        make_ready(ready)
        complaints = [f"{name} is not tried" for name in left_out()]
        ways = [(kind, error, stays) for kind, error in WAYS for stays in (False, True)
                if not (stays and error == errno.EINTR)]
        # A command's ways one after the other share a directory; where there are many runs each has its own.
        parts = [[way] for way in ways] if everything else [ways]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [Faults(name, ready, everything) for name in (only or COMMANDS)]
            done = [[pool.submit(job.go, root, part) for part in parts] for job in jobs]
            for job, its in zip(jobs, done):
                for part in its:
                    part.result()
                print(f"{job.name}: {job.runs} runs, {len(job.complaints)} complaints", flush=True)
                complaints += job.complaints
        for text in complaints[:30]:
            print(text, file=sys.stderr)
        sys.exit(1 if complaints else 0)
    finally:
        shutil.rmtree(root)


main()
