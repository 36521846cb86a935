#!/usr/bin/env python3
"""Malformed files: what each reader says of them, and what it takes to say so.

hostile.py [READER…]: REPLAY names fuzz_replay, which reads many files in one process; LOP the program, which
gets one file of each class. Ends with 1 where a file is accepted, gives another status, another place, takes
more memory or time than is promised, or where anything crashes.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import binary
import bombs
import texts

os.environ["OMP_NUM_THREADS"] = "1"
REPLAY, LOP = os.environ.get("REPLAY", ""), os.environ.get("LOP", "")
SANITIZED = bool(os.environ.get("SANITIZED"))
MAKERS = {"idx": binary.idx, "gzip": binary.gzip, "csv": texts.csv, "npy": binary.npy,
          "safetensors": binary.safetensors, "checkpoint": binary.checkpoint, "recipe": texts.recipe,
          "results": texts.results, "lop": binary.lop, "plan": texts.plan}
LEAST_CLASSES, LEAST_FILES = 20, 200
SMALL = 400  # bytes
MEMORY = 64 << 10  # kB, and four times what the file declares
EXITS = {"LOP_OK": 0, "LOP_E_ARG": 64, "LOP_E_RANGE": 64, "LOP_E_NAME": 64, "LOP_E_UNSUPPORTED": 64, "LOP_E_NOT_FOUND": 66,
         "LOP_E_INTERNAL": 70, "LOP_E_MEMORY": 71, "LOP_E_IO": 74}  # the others: 65, bad data
faults = []


def fault(text):
    faults.append(text)
    if len(faults) <= 40:
        print("hostile:", text)


def replay(*words):
    """Lines of fuzz_replay, by the file's name."""
    done = subprocess.run([REPLAY, *map(str, words)], capture_output=True, check=False, timeout=900)
    if done.returncode != 0:
        fault(f"replay {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[:3000]}")
    rows = (line.split("\t") for line in done.stdout.decode("utf-8", "replace").split("\n") if line)
    return {Path(row[4]).name: (row[0], int(row[1]), int(row[2]), float(row[3]), row[5]) for row in rows}


def place_of(text):
    found = re.search(r"\b(?:at byte (\d+)|line (\d+))", text)
    if not found:
        return None
    return ("byte", int(found.group(1))) if found.group(1) else ("line", int(found.group(2)))


def judge(reader, name, expected, found):
    """Whether one file got what its class says."""
    status, where = expected
    said, code, kilobytes, _, text = found
    what = f"{reader}: {name}: {said}: {text[:200]}"
    if said == "LOP_OK" or (status and said != status):
        fault(f"{what}: expected {status or 'a refusal'}")
    if code != EXITS.get(said, 65):
        fault(f"{what}: exit status {code}")
    if said != "LOP_OK" and not text:
        fault(f"{what}: no word")
    if where:
        place = place_of(text)
        if not place or place[0] != where[0] or where[1] not in (None, place[1]):
            fault(f"{what}: expected {where[0]} {where[1]}")
    if kilobytes > MEMORY and not SANITIZED:
        fault(f"{what}: {kilobytes} kB of memory")


def classes_of(reader, root, seeds):
    made = MAKERS[reader](seeds)
    folder = root / reader
    folder.mkdir()
    expected, first = {}, {}
    for number, (name, files) in enumerate(made.classes.items()):
        for index, (data, status, where) in enumerate(files):
            file = f"{number:02d}-{index:03d}"
            (folder / file).write_bytes(data)
            expected[file] = (name, status, where)
            first.setdefault(name, folder / file)
    found = replay(reader, f"{folder}/")
    for file, (name, status, where) in expected.items():
        if file not in found:
            fault(f"{reader}: {name}: {file} was not read")
        else:
            judge(reader, f"{name} ({file})", (status, where), found[file])
    if len(made.classes) < LEAST_CLASSES or len(expected) < LEAST_FILES:
        fault(f"{reader}: only {len(expected)} files of {len(made.classes)} classes")
    print(f"hostile: {reader}: {len(expected)} files of {len(made.classes)} classes")
    return first


def changes_of(reader, seeds):
    """Every truncation and every byte changed of small seeds, or of the smallest where none is small."""
    files = sorted((seeds / reader).iterdir(), key=lambda file: file.stat().st_size)
    small = [file for file in files if file.stat().st_size < SMALL] or files[:1]
    done = subprocess.run([REPLAY, "--change", reader, *map(str, small)], capture_output=True, text=True,
                          check=False, timeout=900)
    if done.returncode != 0:
        fault(f"{reader}: a changed file: {done.stderr[:3000]}")
    total = sum(int(line.split("\t")[1]) for line in done.stdout.split("\n") if line)
    print(f"hostile: {reader}: {total} changed files")


# What is no file at all: opened without waiting, and said.
def special_files(reader, root):
    folder = root / f"{reader}-special"
    folder.mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "directory").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("absent")
    (folder / "device").symlink_to("/dev/zero")
    expected = {"fifo": "LOP_E_IO", "directory": "LOP_E_IO", "loop": "LOP_E_IO", "nowhere": "LOP_E_NOT_FOUND",
                "device": "LOP_E_IO"}
    if reader == "plan":  # is given as a text
        return
    for name, status in expected.items():
        found = replay(reader, folder / name)
        if name not in found or found[name][0] != status:
            fault(f"{reader}: {name}: expected {status}, found {found.get(name)}")


def bombs_of(reader, root):
    folder = root / f"{reader}-bombs"
    folder.mkdir()
    made = bombs.make(reader)
    for name, (data, _) in made.items():
        (folder / name).write_bytes(data)
    worst = (0, 0.0)
    found = replay("--measure", reader, f"{folder}/")
    for name, (data, declared) in made.items():
        said, _, kilobytes, seconds, text = found[name]
        for _ in range(2):  # whoever shares the processor takes its cache: the best of three
            if seconds > bombs.seconds(data):
                seconds = min(seconds, replay("--measure", reader, folder / name)[name][3])
        worst = (max(worst[0], kilobytes), max(worst[1], seconds))
        if kilobytes > MEMORY + 4 * (declared >> 10):
            fault(f"{reader}: bomb {name}: {kilobytes} kB of memory, {said}: {text[:100]}")
        if seconds > bombs.seconds(data):
            fault(f"{reader}: bomb {name}: {seconds} s, {said}: {text[:100]}")
    print(f"hostile: {reader}: {len(made)} bombs, at most {worst[0] / 1024:.0f} MiB and {worst[1]:.2f} s")


# The program itself, one file of each class: its exit status is the reader's, its message one line.
def commands(root, seeds):
    packed, recipe = (seeds / "lop" / "float32").with_suffix(".lop"), root / "r"
    return {
        "npy": lambda file: ["run", packed, file], "csv": lambda file: ["data", "show", file.with_suffix(".csv")],
        "safetensors": lambda file: ["inspect", file], "lop": lambda file: ["inspect", file.with_suffix(".lop")],
        "recipe": lambda file: ["train", "--recipe", file, "-o", recipe], "results": lambda file: ["report", file.with_suffix(".jsonl")],
        "idx": lambda file: ["run", packed, file],
    }


def program(reader, first, root, seeds):
    words = commands(root, seeds).get(reader)
    if not words or not LOP:
        return
    tried = 0
    for name, file in first.items():
        command = [str(word) for word in words(file)]
        for word in command:  # some are told by the ends of their names
            plain = Path(word).with_suffix("")
            if Path(word).suffix and plain.exists() and not Path(word).exists():
                shutil.copy(plain, word)
        done = subprocess.run([LOP, *command], capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
                              env={**os.environ, "LOP_DATA": str(root), "OMP_NUM_THREADS": "1"})
        lines = done.stderr.decode("utf-8", "replace").strip().split("\n")
        # The program says what it leaves out of results, and draws the rest.
        good = (0, 65) if reader == "results" else (64, 65)
        if done.returncode not in good or not lines[0].startswith("lop: ") or (reader != "results" and len(lines) != 1):
            fault(f"lop {' '.join(command)} ({name}): exit {done.returncode}: {lines[:3]}")
        tried += 1
    print(f"hostile: {reader}: {tried} files by lop")


def main():
    if not REPLAY:
        print("REPLAY names no program")
        return 77
    with tempfile.TemporaryDirectory(prefix="lop-hostile-") as folder:
        root = Path(folder)
        seeds = root / "seeds"
        subprocess.run([REPLAY, "seeds", seeds], check=True)
        for reader in sys.argv[1:] or MAKERS:
            first = classes_of(reader, root, seeds)
            changes_of(reader, seeds)
            special_files(reader, root)
            if not SANITIZED:  # sanitizers take memory and time of their own
                bombs_of(reader, root)
            program(reader, first, root, seeds)
    print(f"hostile: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
