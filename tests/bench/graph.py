#!/usr/bin/env python3
"""graph_challenge against NumPy: layers made by the rule's own words (powers of a cyclic shift and a
Kronecker product), inference in float64. graph.py PROGRAM [--shallow]"""
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: NumPy is not installed")
    sys.exit(77)

SHALLOW = "--shallow" in sys.argv
NEURONS, IMAGES, BIAS = 1024, 60 if SHALLOW else 200, -0.3
NODES, BLOCK = NEURONS // 16, 16


def layer(index):
    """Weights [from, to] of a layer of the first base network."""
    shift = np.roll(np.eye(NODES), 1, axis=1)
    step = np.eye(NODES) + np.linalg.matrix_power(shift, 2 ** index)
    return np.kron(step, np.ones((BLOCK, BLOCK))) / 16


def expected(images, layers):
    y = images.astype(np.float64)
    for index in range(layers):
        z = y @ layer(index)
        y = np.clip(z + BIAS * (z != 0), 0, 32)
    return y


def run(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def check(program, layers):
    with tempfile.NamedTemporaryFile() as file:
        done = run(program, "--made", "--check", str(IMAGES), "--save", file.name, "--threads", "2",
                   f"{NEURONS}x{layers}:{IMAGES}")
        assert done.returncode == 0, done.stderr
        data = file.read()
    agreeing = done.stderr.count("to the bit")
    assert agreeing == 3 and "NOT" not in done.stderr, done.stderr
    bits = np.frombuffer(data, np.uint8, IMAGES * NEURONS // 8)
    images = np.unpackbits(bits, bitorder="little").reshape(IMAGES, NEURONS)
    values = np.frombuffer(data, np.float32, offset=bits.size).reshape(IMAGES, NEURONS)
    want = expected(images, layers)
    # Each layer's sum of 32 is rounded at most 33 times, and errors pass on at most doubled.
    bound = 33 * 2.0 ** -24 * 32 * 2.0 ** layers
    worst = np.abs(values - want).max()
    assert worst <= bound, f"{layers} layers: off by {worst}, at most {bound}"
    live = int((want > 0).any(axis=1).sum())
    assert 0 < live < IMAGES, "images that tell nothing"
    rows = [line for line in done.stdout.split("\n") if line.startswith(f"| {NEURONS}")]
    found = {int(row.split("|")[-2]) for row in rows}
    assert found == {live}, f"{layers} layers: {live} images in the category, not {found}"


def check_usage(program):
    for words in ([], ["--threads", "0", "1024x1"], ["1024"], ["1024x"], ["1024x0"], ["1024x1:"],
                  ["--only"], ["--what", "1", "1024x1"], ["1024x1", "-5x1"],
                  ["--made", "--only", "nonsense", "1024x1:10"],
                  ["--made", "--save", "/dev/null", "1024x1:10"]):
        assert run(program, *words).returncode == 64, words
    assert run(program, "--made", "1000x2").returncode == 1


if __name__ == "__main__":
    for depth in (1, 3) if SHALLOW else (1, 3, 6):
        check(sys.argv[1], depth)
    # Deeper ones are shuffled: here the program checks its methods against each other.
    if not SHALLOW:
        deep = run(sys.argv[1], "--made", "--check", "64", "--threads", "2", "1024x14:300",
                   "4096x9:40", "16384x3:20")
        assert deep.returncode == 0, deep.stderr
    check_usage(sys.argv[1])
