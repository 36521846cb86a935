"""How far networks are from what the core can do, by the plans that were timed and by limits.c.

A network computed for one sample reads what its kernels laid out, so it takes at least as long as
the caches take to yield so many bytes; and each kernel has an instruction of which the core does only so
many a cycle. The larger of the two is the limit. Both are optimistic: nothing is waited for, layers do
not begin or end, inputs and outputs cost nothing, and what is padding counts as work that is needed.
"""

import json
import os
import subprocess

# Kernels by the ends of their names: products a cycle, and what bounds them. First match wins.
PEAKS = (
    ("i8-amx", 1024, "tdpbusd, 16 × 16 × 64 in 16 cycles"),
    ("strips-i8-avx512-vnni", 32, "vpermi2b, 64 places in 2 cycles"),
    ("i8-avx512-vnni", 128, "vpdpbusd, two a cycle"),
    ("i8-avx512", 64, "vpmaddubsw, one a cycle"),
    ("shuffle-i8-avx2", 16, "vpshufb, 32 places twice a cycle, and four of them for 32 weights"),
    ("i8-avx2", 64, "vpmaddubsw, two a cycle"),
    ("strips-f32-avx512", 16, "vpermi2ps, 16 places a cycle"),
    ("f32-avx512", 32, "vfmadd231ps, two a cycle"),
    ("f32-avx2", 16, "vfmadd231ps, two a cycle"),
)

# Engine, sparsity, batch, method: the rows of the targets.
ROWS = (("lop-int8", 80, 1, "weight"), ("lop-int8", 90, 1, "weight"), ("lop-int8", 95, 1, "weight"),
        ("lop-int8", 99, 1, "weight"), ("lop-float32", 90, 1, "weight"),
        ("lop-int8-avx2", 90, 1, "weight"), ("lop-int8", 90, 512, "weight"),
        ("lop-int8", 95, 512, "weight"), ("lop-int8", 80, 512, "unit"))


def ask(options, sizes):
    """The clock in GHz, and bytes a nanosecond for each size; None where it cannot be had."""
    program = os.path.join(options.build, "bench/limits")
    try:
        done = subprocess.run([program] + [str(size) for size in sorted(sizes)], capture_output=True,
                              text=True, timeout=120)
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return found["ghz"], {int(size): rate for size, rate in found["bytes_per_ns"].items()}


def bytes_of(plan):
    """Bytes of weights that a run reads: columns of inputs that are zero are left out."""
    return int(sum(layer["bytes"] * (layer["input_density"] if "column" in layer["kernel"] else 1)
                   for layer in plan)) or 1


def products_ns(plan, batch, ghz):
    """Nanoseconds of all products, and the bound of most of them; None for an unknown kernel."""
    total, parts = 0, {}
    for layer in plan:
        peak = next((row for row in PEAKS if layer["kernel"].endswith(row[0])), None)
        if not peak:
            return None, None
        # A block of AMX is computed whole, and a byte of what is laid out is a product.
        products = layer["bytes"] if peak[1] == 1024 else layer["products"]
        ns = products * batch / (peak[1] * ghz)
        total += ns
        parts[peak[2]] = parts.get(peak[2], 0) + ns
    return total, max(parts, key=parts.get)


def rows_of(work, options):
    """Rows of the table: head first."""
    chosen = [row for engine, k, batch, method in ROWS for row in work.rows
              if (row["engine"], row["k"], row["batch"], row["method"], row["threads"],
                  row["shape"]) == (engine, k, batch, method, 1, "challenge") and row.get("plan")]
    sizes = {bytes_of(row["plan"]) for row in chosen}
    found = ask(options, sizes) if sizes else None
    if not found:
        return [], None
    ghz, rates = found
    rows = []
    for row in chosen:
        size = bytes_of(row["plan"])
        bytes_us = size / rates[size] / 1e3
        ns, instruction = products_ns(row["plan"], row["batch"], ghz)
        by_products = "–" if ns is None else "%.3g" % (ns / 1e3)
        limit = max(bytes_us, (ns or 0) / 1e3)
        bound = instruction if ns and ns / 1e3 > bytes_us else "bytes"
        rows.append(["%d %% of the %ss, %s" % (row["k"], row["method"], row["engine"][4:]),
                     "%d" % row["batch"], "%.0f" % (size / 1e3), "%.0f" % rates[size],
                     "%.3g" % bytes_us, by_products, "%.3g" % row["us"],
                     "%.2f" % (row["us"] / limit), bound])
    return rows, ghz


HEAD = ["", "batch", "kB read", "bytes a ns", "µs for bytes", "µs for products", "µs measured",
        "over the limit", "bound by"]
