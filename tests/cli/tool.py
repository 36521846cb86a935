"""What the command line's tests share: a place to work, small data, and running lop.

Each test file is a unittest program; CTest hands it the program by LOP. The data are made here: 8×8
images in which a class is a bright quarter, with noise from a fixed generator, so that a network of
a few units learns them in a second.
"""
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LOP = os.environ.get("LOP", "")
SIDE, CLASSES = 8, 4
TRAIN, TEST = 600, 200
NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", TRAIN),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", TEST),
}


def idx(dimensions, payload):
    return struct.pack(">HBB", 0, 8, len(dimensions)) + struct.pack(
        f">{len(dimensions)}I", *dimensions) + payload


def image(generator, label):
    pixels = bytearray()
    for y in range(SIDE):
        for x in range(SIDE):
            bright = (y >= SIDE // 2) * 2 + (x >= SIDE // 2) == label
            pixels.append(min(255, generator.randrange(0, 110) + 110 * bright))
    return bytes(pixels)


def make_data(directory):
    """IDX files of the usual names; the same bytes every time."""
    directory.mkdir()
    generator = random.Random(1)
    for images_name, labels_name, count in NAMES.values():
        labels = bytes(generator.randrange(CLASSES) for _ in range(count))
        images = b"".join(image(generator, label) for label in labels)
        (directory / images_name).write_bytes(idx([count, SIDE, SIDE], images))
        (directory / labels_name).write_bytes(idx([count], labels))
    return directory


class LopTest(unittest.TestCase):
    """Each test runs in an empty directory of its own, beside the data of its class."""

    @classmethod
    def setUpClass(cls):
        cls.root = Path(tempfile.mkdtemp(prefix="lop-cli-"))
        cls.data = make_data(cls.root / "data")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def setUp(self):
        self.here = self.root / "work"
        shutil.rmtree(self.here, ignore_errors=True)
        self.here.mkdir()

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LOP_DATA")}
        kept.update({"LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
                     "LOP_DATA": str(self.root / "cache"), "OMP_NUM_THREADS": "1"})
        kept.update(more)
        return kept

    def start(self, *words, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        environment = self.environment(**options.pop("env", {}))
        return subprocess.Popen([LOP, *map(str, words)], cwd=self.here, env=environment,
                                stdin=options.pop("stdin", subprocess.DEVNULL), **options)

    def lop(self, *words, status=0, **options):
        """Run to the end; the exit status must be as said. Gives standard output and error."""
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=120)
        out, err = (out or b"").decode(), (err or b"").decode()
        self.assertEqual(process.returncode, status, f"lop {' '.join(map(str, words))}\n{out}{err}")
        return out, err

    def fails(self, status, expected, *words, **options):
        """Run what must fail: that status, nothing on standard output, one line, no file left."""
        before = self.files()
        out, err = self.lop(*words, status=status, **options)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("lop: "), err)
        self.assertIn(expected, err)
        self.assertEqual(self.files(), before, "something was left behind")
        return err

    def files(self):
        return sorted(str(p.relative_to(self.here)) for p in self.here.rglob("*"))

    def train(self, output="net.safetensors", *more, **options):
        return self.lop("train", "--data", self.data, "--layers", "12,8", "--epochs", "3",
                        "--batch-size", "20", "--learning-rate", "0.02", "--dropout", "0", "-o", output,
                        *more, **options)


def read_results(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def metadata(path):
    """The metadata of a safetensors file."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size))["__metadata__"]


def tensors(path):
    """The float32 tensors of a safetensors file, name by name."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    for name, tensor in header.items():
        if name != "__metadata__" and tensor["dtype"] == "F32":
            begin, end = tensor["data_offsets"]
            data = content[8 + size + begin:8 + size + end]
            yield name, struct.unpack(f"<{len(data) // 4}f", data)


# What a clock or the system says, and no two runs have in common.
MEASURED = {"prune_seconds", "train_seconds", "peak_memory_bytes", "seconds", "decode_seconds"}


def plain(value):
    """A result without what was measured with a clock."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in MEASURED}
    return [plain(v) for v in value] if isinstance(value, list) else value


def safetensors(path):
    """Weights by their bytes; the history in the metadata without its times."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    entries = header.pop("__metadata__", {})
    history = json.loads(entries.pop("lop.history", "{}"))
    return header, hashlib.sha256(data[8 + size:]).hexdigest(), entries, plain(history)


def left(where, inputs=(), whole=False):
    """What a job leaves, by name; files of other kinds than these by name alone, unless whole."""
    found = {}
    for path in sorted(where.rglob("*")):
        name = str(path.relative_to(where))
        if path.is_dir() or name.split("/")[0] in inputs:
            continue
        if name.endswith(".safetensors"):
            found[name] = safetensors(path)
        elif name.endswith("results.jsonl"):
            found[name] = [plain(json.loads(line)) for line in path.read_text().splitlines()]
        elif name.endswith(".lop"):
            found[name] = path.read_bytes()
        else:
            found[name] = path.read_bytes() if whole else None
    return found


def main():
    if not LOP:
        print("LOP names no program")
        sys.exit(77)
    unittest.main(verbosity=0)
