"""The power goes: of what was not synced any part may be on the disk, in any order.

A job is run once with a record of what it asks the system to keep (record.h). From the record come
the disks that a power cut after each of its calls may leave: of a file, each block of 512 bytes and
its length are as they were at any moment since its last sync; of a directory, each name is as it was
at any moment since the directory's own. On each of these disks

 - what the library said is kept is there, that or newer;
 - a file that is put in place by a rename is a whole one, never a part or a mixture;
 - the job, started again, ends with the bytes of the undisturbed one (on some of them).

The same where the job was killed first and started again, and the power goes while it goes on: what
the first process did not sync, the second must not rely on.

To show that this finds what it looks for, the same record is read as if files had not been synced,
then as if directories had not: both times disks must break a promise.

power.py [--long] [JOB…]
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tool

BLOCK = 512
DIRECTORY = "directory"
INPUTS = ("data", "ready.safetensors", "cache", "record")
RUNS = "--data data --layers 12,8 --epochs 3 --batch-size 60 --threads 1 -q"
JOBS = {
    "train": f"train {RUNS} --checkpoint-epochs 1 -o net.safetensors --resume -f",
    "prune": f"prune ready.safetensors -m weight -k 80 --schedule gradual --data data --epochs 2"
             " --threads 1 -o net.safetensors --resume -f -q",
    "pack": "pack ready.safetensors --data data -o net.lop -f -q",
    "sweep": f"sweep {RUNS} --sparsity 0,80 --methods weight --no-timing --jobs 1 --schedules gradual"
             " --recovery-epochs 1 -o made/out",
}
LONG = "--long" in sys.argv


def run(words, where, **more):
    done = subprocess.run([tool.LOP, *words.split()], cwd=where, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8",
                                            "LOP_DATA": "cache", **more})
    return done.returncode, done.stderr.decode(errors="replace")


class File:
    """Its content at each moment since the last sync; the first is what that left."""

    def __init__(self, content=b""):
        self.moments = [content]

    def change(self, content):
        self.moments.append(content)

    def after_a_cut(self, pick):
        size = len(pick(self.moments))
        blocks = [pick(self.moments)[at:at + BLOCK].ljust(BLOCK, b"\0") for at in range(0, size, BLOCK)]
        return b"".join(blocks)[:size]


class Disk:
    """What is kept for certain, and what may be; and what has been promised."""

    def __init__(self, files, syncs):
        self.syncs = syncs  # of which kinds are heeded: F, D
        self.numbers = {}  # inode → File
        self.names = {path: [DIRECTORY if content is None else File(content)] for path, content in files.items()}
        self.placed = {path: [content] for path, content in files.items() if content is not None}
        self.promised = {}  # path → content
        self.appended = set()

    def name(self, path, what):
        self.names.setdefault(path, [None]).append(what)

    def now(self, path):
        return self.names.get(path, [None])[-1]

    def forget(self, path):
        self.promised.pop(path, None)

    def apply(self, kind, words, content):
        if kind == "M":
            self.name(words, DIRECTORY)
        elif kind in "CT":
            number, _, path = words.partition(" ")
            self.numbers[number] = File()
            if path:
                self.name(path, self.numbers[number])
        elif kind in "WS":
            number, *where = words.split()
            file = self.numbers[number]
            old, at = file.moments[-1], int(where[0])
            file.change(old[:at].ljust(at, b"\0") + (content + old[at + len(content):] if kind == "W" else b""))
        elif kind == "F" and "F" in self.syncs:
            file = self.numbers[words]
            file.moments = file.moments[-1:]
        elif kind == "D" and "D" in self.syncs:
            for path in self.names:
                if os.path.dirname(path) == words:
                    self.names[path] = self.names[path][-1:]
        elif kind == "L":
            number, _, path = words.partition(" ")
            self.name(path, self.numbers[number])
        elif kind == "R":
            old, new = words.split("\t")
            file = self.now(old)
            self.name(new, file)
            self.name(old, None)
            self.placed.setdefault(new, [None]).append(file.moments[-1])
            self.forget(old)
        elif kind == "U":
            self.name(words, None)
            self.forget(words)
            if words in self.placed:
                self.placed[words].append(None)
        elif kind == "K":
            self.promised[words] = self.now(words).moments[-1]
            if words not in self.placed:
                self.appended.add(words)

    def after_a_cut(self, pick_name, pick_bytes):
        """What may be there: path → content, or None for a directory."""
        found = {}
        for path in sorted(self.names):  # a directory stands before what is in it
            parent = os.path.dirname(path)
            if parent in self.names and parent not in found:
                continue  # its directory is gone
            what = pick_name(self.names[path])
            if what is not None:
                found[path] = None if what is DIRECTORY else what.after_a_cut(pick_bytes)
        return found

    def broken(self, found):
        for path, content in self.promised.items():
            there = found.get(path)
            if there is None:
                yield f"{path} was kept, and is gone"
            elif path in self.appended and not there.startswith(content):
                yield f"{path} has lost lines that were kept"
            elif path in self.placed:
                versions = self.placed[path]
                newest = max(i for i, version in enumerate(versions) if version == content)
                if there not in versions[newest:]:
                    yield f"{path} is older than what was kept, or a part"
        for path, versions in self.placed.items():
            if path in found and found[path] not in versions:
                yield f"{path} is none of the {len(versions)} files that were put in its place"


def entries(record):
    """KIND, the rest of the line, and the bytes that follow."""
    data = record.read_bytes()
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        line, at, content = data[at:end].decode(), end + 1, b""
        if line[0] == "W":
            size = int(line.split()[3])
            content, at = data[at:at + size], at + size + 1
        yield line[0], line[2:], content


def cuts(disk, record, generator, times):
    """The disks that a power cut after each call may leave, as lists of files."""
    first, last, any_of = (lambda moments: moments[0]), (lambda moments: moments[-1]), generator.choice
    ways = [(first, first), (first, last), (last, first), (last, last)]
    for entry in record:
        disk.apply(*entry)
        seen = set()
        for pick in ways + [(any_of, any_of), (last, any_of)] * times:
            found = disk.after_a_cut(*pick)
            key = hash(tuple(sorted(found.items(), key=lambda item: item[0])))
            if key not in seen:
                seen.add(key)
                yield found


class Place:
    def __init__(self, root):
        self.root = root
        self.data = tool.make_data(root / "data")
        self.ready = root / "ready.safetensors"
        status, text = run(f"train {RUNS} -o ready.safetensors", root)
        assert status == 0, text

    def fresh(self):
        where = Path(tempfile.mkdtemp(dir=self.root))
        (where / "data").symlink_to(self.data)
        (where / "ready.safetensors").symlink_to(self.ready)
        return where

    def job(self, name):
        """Complaints, and how many disks were looked at and gone on from."""
        generator = random.Random(name)
        where, words = self.fresh(), JOBS[name]
        if name in ("train", "prune", "pack"):  # something older is there
            output = where / words.split(" -o ")[1].split()[0]
            output.write_bytes(b"the old file" * 200)
        files = {str(path): path.read_bytes() for path in where.iterdir() if not path.is_symlink()}
        status, text = run(words, where, LOP_RECORD=str(where / "record"))
        assert status == 0, text
        record = list(entries(where / "record"))
        expected = self.left(where)
        complaints, chosen, seen = [], [], 0

        def look(disk, calls, times):
            """All disks for what was promised; and some, each as likely as any other, to go on from."""
            nonlocal seen
            for found in cuts(disk, calls, generator, times):
                complaints.extend(disk.broken(found))
                seen += 1
                if len(chosen) < (400 if LONG else 6):
                    chosen.append(found)
                elif (place := generator.randrange(seen)) < len(chosen):
                    chosen[place] = found

        look(Disk(files, "FD"), record, 40 if LONG else 4)
        # And where syncs do not count, the same must be found broken.
        for without, heeded in (("files", "D"), ("directories", "F")):
            disk = Disk(files, heeded)
            if not any(text for found in cuts(disk, record, random.Random(1), 2) for text in disk.broken(found)):
                complaints.append(f"without the syncs of {without} no disk is broken: this test sees nothing")
        # Killed after so many calls, and started again.
        for count in generator.sample(range(len(record)), min(len(record), 60 if LONG else 2)):
            disk = Disk(files, "FD")
            for entry in record[:count]:
                disk.apply(*entry)
            shutil.rmtree(where)
            where.mkdir()
            self.lay_out(disk.after_a_cut(lambda moments: moments[-1], lambda moments: moments[-1]), where, where)
            for path in disk.names:
                if isinstance(disk.now(path), File):
                    disk.numbers[str(os.stat(path).st_ino)] = disk.now(path)
            status, text = run(words, where, LOP_RECORD=str(where / "record"))
            if status != 0:
                complaints.append(f"killed after {count} calls, and started again: status {status}: {text}")
            look(disk, entries(where / "record"), 4 if LONG else 1)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for complaint in pool.map(lambda state: self.go_on(state, where, words, expected), chosen):
                complaints += complaint
        shutil.rmtree(where)
        return complaints, len(record), seen, len(chosen)

    def lay_out(self, state, recorded, where):
        for name, target in (("data", self.data), ("ready.safetensors", self.ready)):
            if not (where / name).exists():
                (where / name).symlink_to(target)
        for path, content in state.items():
            place = where / os.path.relpath(path, recorded)
            if content is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(content)

    def left(self, where):
        found = {}
        for name, content in tool.left(where, INPUTS).items():
            if re.search(r"\.lop~[0-9]+-[0-9]+$", name):
                continue  # a temporary name: the power went between its making and the rename
            found[name] = content
        return found

    def go_on(self, state, recorded, words, expected):
        """Start the job again on such a disk."""
        where = self.fresh()
        try:
            self.lay_out(state, recorded, where)
            status, text = run(words, where)
            if status != 0:
                return [f"on {sorted(state)}: status {status}: {text}"]
            found = self.left(where)
            return [f"{name} differs from the undisturbed job's" for name in expected
                    if found.get(name) != expected[name]] + [
                        f"more than the undisturbed job leaves: {name}" for name in found if name not in expected]
        finally:
            shutil.rmtree(where)


def main():
    if not tool.LOP:
        print("LOP names no program")
        sys.exit(77)
    only = [word for word in sys.argv[1:] if word != "--long"]
    root = Path(tempfile.mkdtemp(prefix="lop-power-")).resolve()
    failed = 0
    try:
        place = Place(root)
        for name in only or JOBS:
            complaints, calls, disks, gone_on = place.job(name)
            print(f"{name}: {calls} calls, {disks} disks, gone on from {gone_on}, {len(complaints)} complaints",
                  flush=True)
            failed += len(complaints)
            for text in sorted(set(complaints))[:12]:
                print(f"  {text}".replace(str(root), ""), file=sys.stderr)
    finally:
        shutil.rmtree(root)
    sys.exit(1 if failed else 0)


main()
