"""What the parts of the bench share: tables, notes, targets, the machine."""

import os
import subprocess
import sys


class Notes:
    """Reasons why something was not measured, each said once below the tables."""

    def __init__(self):
        self.texts = []

    def refer(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return "not measured (%d)" % (self.texts.index(text) + 1)

    def print(self):
        for i, text in enumerate(self.texts):
            print("(%d) %s" % (i + 1, text))


def print_table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths]] + rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print()


def python_with_torch():
    """The interpreter that has PyTorch: this one, or the system's, which Debian's package serves."""
    for python in (sys.executable, "/usr/bin/python3"):
        look = [python, "-c", "import importlib.util as u; raise SystemExit(not u.find_spec('torch'))"]
        if os.path.exists(python) and subprocess.run(look).returncode == 0:
            return python
    return sys.executable


class Targets:
    """Rows of target, found, verdict."""

    def __init__(self, notes):
        self.rows = []
        self.missed = 0
        self.notes = notes

    def add(self, text, target, found, met):
        self.rows.append([text, target, found, "met" if met else "MISSED"])
        self.missed += not met

    def absent(self, text, target, why):
        self.rows.append([text, target, "–", self.notes.refer(why)])


def machine_name():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return "unknown processor"


def instruction_sets():
    """Those that matter for speed here, as Linux names them."""
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512vbmi", "avx512_bf16", "avx512_fp16",
              "amx_bf16", "amx_int8", "asimd", "asimddp")
    try:
        with open("/proc/cpuinfo") as file:
            flags = next(line for line in file if line.startswith(("flags", "Features"))).split()
    except (OSError, StopIteration):
        return "unknown"
    return ", ".join(name for name in wanted if name in flags)


def describe_machine():
    load = os.getloadavg()[0]
    print("%s (%s), %d processors, load before the start %.1f" %
          (machine_name(), instruction_sets(), len(os.sched_getaffinity(0)), load))
    if load > 0.5:
        print("Something else is running: these times are worse than this machine's best.")
    print()


def progress(text):
    """A line on a terminal that the next one replaces; nothing elsewhere."""
    if sys.stderr.isatty():
        print("\r\033[K" + text, end="", file=sys.stderr, flush=True)
