"""A network of 100 million weights, packed and opened again, by pack.c, beside its targets."""

import json
import os
import subprocess

from common import Targets, progress

MOST_SECONDS, MOST_BYTES, LEAST_RATE = 60, 2e9, 5e6


def measure(options, notes):
    """Targets, and what was found or None."""
    targets = Targets(notes)
    progress("packing")
    program = os.path.join(options.build, "bench/pack")
    millions = options.packed_millions
    what = "%d million weights, 95 %% pruned, " % millions
    found, why = None, None
    try:
        done = subprocess.run([program, "--json", str(millions)], capture_output=True, text=True,
                              timeout=600)
        if done.returncode == 0:
            found = json.loads(done.stdout)
        else:
            why = (done.stderr.strip().splitlines() or ["pack ended with %d" % done.returncode])[-1]
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        why = str(error)
    progress("")
    rows = (("packed and opened, one core", "≤ %g s" % MOST_SECONDS),
            ("packed and opened, peak memory", "≤ %g GB" % (MOST_BYTES / 1e9)),
            ("opened, one core", "≥ %g million left a second" % (LEAST_RATE / 1e6)))
    if not found:
        for text, target in rows:
            targets.absent(what + text, target, why)
        return targets, None
    seconds = found["pack_seconds"] + found["open_seconds"]
    rate = found["weights_left"] / found["open_seconds"]
    peak = found["peak_memory_bytes"]
    targets.add(what + rows[0][0], rows[0][1], "%.3g s" % seconds, seconds <= MOST_SECONDS)
    targets.add(what + rows[1][0], rows[1][1], "%.3g GB" % (peak / 1e9), peak <= MOST_BYTES)
    targets.add(what + rows[2][0], rows[2][1], "%.3g" % (rate / 1e6), rate >= LEAST_RATE)
    return targets, found
