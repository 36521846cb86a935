"""Pruning by its definition, slowly: cases and what must come out of them, as text.

Independent of the library: exact fractions in place of floating point, a full sort in place of a
selection, shares in decimal, its own random generator. tests/prune/reference.c reads the output.

    case GRANULARITY CRITERION SCOPE K_PERCENT INCLUDE_OUTPUT SEED
    more ALLOCATION BLOCK_ROWS BLOCK_COLUMNS N M MIN_KEEP K_PERCENT,… (of a list, or -)
    net BIAS WIDTH WIDTH …
    weight HEX …          a line a layer: the bits of float32 values
    bias HEX …            a line a layer, where there are biases
    mask 01… | mask -     a line a layer: masks before pruning, or none
    kept 01…              a line a layer: masks after it
    zero 01…              a line a layer, where there are biases: 1 where the bias must be zero
    count LEFT EFFECTIVE  weights left, and effective weights left
"""

import random
import struct
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

STREAM_PRUNE = 5
PERCENTS = ["0", "25", "29", "33.3", "35", "50", "57", "97", "99", "99.9"]
CRITERIA = [("weight", "magnitude"), ("weight", "random"),
            ("unit", "l2"), ("unit", "l1"), ("unit", "random")]
PLAIN = {"allocation": "uniform", "block": (0, 0), "nm": (0, 0), "min_keep": 0, "list": []}


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & 0xFFFFFFFF, p >> 32 ^ c[3] ^ k[1], p & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def uniform(seed, layer, count):
    stream = STREAM_PRUNE << 48 | layer
    words = []
    for block in range((count + 1) // 2):
        words += philox([block, 0, stream & 0xFFFFFFFF, stream >> 32],
                        [seed & 0xFFFFFFFF, seed >> 32])
    return [(words[2 * i] << 32 | words[2 * i + 1]) >> 11 for i in range(count)]


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def bits(x):
    return "%08x" % struct.unpack("<I", struct.pack("<f", x))[0]


def share(percent, count):
    exact = Decimal(percent) * count / 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def lamp(flat):
    squares = [w * w for w in flat]
    at_least = {s: sum(t for t in squares if t >= s) for s in set(squares)}
    return [s / at_least[s] if s else Fraction(0) for s in squares]


def blocks(weight, size):
    """The weights of each block, as places (row, column), block by block."""
    rows, columns = (n or 4 for n in size)
    return [[(r, c) for r in range(top, min(top + rows, len(weight)))
             for c in range(left, min(left + columns, len(weight[0])))]
            for top in range(0, len(weight), rows) for left in range(0, len(weight[0]), columns)]


def scores(criterion, weight, seed, layer, size):
    rows = [[Fraction(w) for w in row] for row in weight]
    flat = [w for row in rows for w in row]
    return {
        ("weight", "magnitude"): lambda: [abs(w) for w in flat],
        ("weight", "lamp"): lambda: lamp(flat),
        ("weight", "random"): lambda: uniform(seed, layer, len(flat)),
        ("unit", "l2"): lambda: [sum(w * w for w in row) for row in rows],
        ("unit", "l1"): lambda: [sum(abs(w) for w in row) for row in rows],
        ("unit", "random"): lambda: uniform(seed, layer, len(rows)),
        ("block", "l2"): lambda: [sum(rows[r][c] ** 2 for r, c in b) for b in blocks(rows, size)],
        ("block", "random"): lambda: uniform(seed, layer, len(blocks(rows, size))),
    }[criterion]()


def erk(percent, layers):
    """Shares by the definition; `layers` are (inputs, outputs, items)."""
    dense = [False] * len(layers)
    kept = (1 - Fraction(percent) / 100) * sum(items for _, _, items in layers)
    ratios = [Fraction(i + o, i * o) for i, o, _ in layers]
    while True:
        rest = kept - sum(items for (_, _, items), d in zip(layers, dense) if d)
        below = sum(r * items for r, (_, _, items), d in zip(ratios, layers, dense) if not d)
        scale = rest / below if below else 0
        above = [not d and scale * r > 1 for r, d in zip(ratios, dense)]
        if not any(above):
            return [Fraction(0) if d else 1 - scale * r for r, d in zip(ratios, dense)]
        dense = [d or a for d, a in zip(dense, above)]


def allocate(items, weights, masks, percent, more):
    """How many items each layer loses; `items` lists them layer by layer."""
    if more["allocation"] == "list":
        return {l: share(p, len(mine)) for (l, mine), p in zip(items.items(), more["list"])}
    if more["allocation"] == "erk":
        shapes = [(len(weights[l][0]), len(weights[l]), len(mine)) for l, mine in items.items()]
        return {l: int(s * len(mine) + Fraction(1, 2))
                for (l, mine), s in zip(items.items(), erk(percent, shapes))}
    if more["allocation"] == "lamp":
        everything = []
        for l in items:
            flat = [Fraction(w) for row in weights[l] for w in row]
            bits = [b for row in masks[l] for b in row]
            everything += [(bool(b), s if b else 0, l, i)
                           for i, (b, s) in enumerate(zip(bits, lamp(flat)))]
        everything = sorted(everything)[:share(percent, len(everything))]
        return {l: sum(item[2] == l for item in everything) for l in items}
    return {l: share(percent, len(mine)) for l, mine in items.items()}


def gone_units(kept, biases, l):
    """A unit is removed already where its row, its bias and its column behind it are."""
    return [not any(row) and not (biases and biases[l][i]) and not any(r[i] for r in kept[l + 1])
            for i, row in enumerate(kept[l])]


def prune(weights, biases, masks, criterion, scope, percent, include_output, seed, more=PLAIN):
    """Returns the kept masks and, for each layer, the set of units that were removed."""
    by_unit = criterion[0] == "unit"
    kept = [[[1] * len(row) for row in w] if m is None else [list(row) for row in m]
            for w, m in zip(weights, masks)]
    before = [[list(row) for row in k] for k in kept]
    items = {}  # of each layer: (removed already comes first, score, layer, index)
    for l, weight in enumerate(weights):
        if l == len(weights) - 1 and (by_unit or not include_output):
            continue
        if by_unit:
            gone = gone_units(kept, biases, l)
        elif criterion[0] == "block":
            gone = [not any(kept[l][r][c] for r, c in b) for b in blocks(weight, more["block"])]
        else:
            gone = [not bit for row in kept[l] for bit in row]
        scored = ("weight" if criterion[0] == "nm" else criterion[0], criterion[1])
        items[l] = [(not gone[i], 0 if gone[i] else score, l, i) for i, score in
                    enumerate(scores(scored, weight, seed, l, more["block"]))]

    protected = set()
    for l, mine in items.items():
        width = len(weights[l][0])
        for row in range(0, len(mine), width) if more["min_keep"] else []:
            alive = sorted(item for item in mine[row:row + width] if item[0])
            protected |= {item[2:] for item in alive[-more["min_keep"]:]}

    chosen = []
    if criterion[0] == "nm":
        n, m = more["nm"] if more["nm"][1] else (2, 4)
        for mine in items.values():
            for first in range(0, len(mine), m):
                chosen += sorted(mine[first:first + m])[:m - n]
    elif scope == "layer":
        wanted = allocate(items, weights, before, percent, more)
        for l, mine in items.items():
            chosen += sorted(item for item in mine if item[2:] not in protected)[:wanted[l]]
    else:
        everything = sorted(item for mine in items.values() for item in mine)
        wanted = share(percent, len(everything))
        left = [len(items.get(l, [])) for l in range(len(weights))]
        for item in everything:
            if len(chosen) == wanted:
                break
            if by_unit and left[item[2]] == 1 or item[2:] in protected:
                continue
            left[item[2]] -= 1
            chosen.append(item)

    removed = [set() for _ in weights]
    for _, _, l, i in chosen:
        if by_unit:
            removed[l].add(i)
            kept[l][i] = [0] * len(kept[l][i])
            for row in kept[l + 1]:
                row[i] = 0
        elif criterion[0] == "block":
            for r, c in blocks(weights[l], more["block"])[i]:
                kept[l][r][c] = 0
        else:
            kept[l][i // len(kept[l][0])][i % len(kept[l][0])] = 0
    return kept, removed


def count(weights, kept):
    live = [[[int(bool(k) and w != 0) for k, w in zip(*rows)] for rows in zip(*pair)]
            for pair in zip(kept, weights)]
    reached = [[1] * len(live[0][0])]
    for layer in live:
        reached.append([int(any(b and r for b, r in zip(row, reached[-1]))) for row in layer])
    needed = [[1] * len(live[-1])]
    for layer in reversed(live):
        needed.insert(0, [int(any(row[i] and n for row, n in zip(layer, needed[0])))
                          for i in range(len(layer[0]))])
    left = sum(b for layer in live for row in layer for b in row)
    effective = sum(b and reached[l][i] and needed[l + 1][o]
                    for l, layer in enumerate(live) for o, row in enumerate(layer)
                    for i, b in enumerate(row))
    return left, effective


def values(kind, rng, scale):
    if kind == "normal":
        return float32(rng.gauss(0, 1))
    if kind == "ties":
        return float(rng.choice([-2, -1, -1, 1, 1, 2, 3]))
    if kind == "equal":
        return 0.5
    if kind == "zeros":
        return rng.choice([0.0, -0.0, 0.0, -0.0, 1.0, -1.0])
    return rng.choice([scale, -scale])


def case(rng, criterion, scope, percent, kind, masked, more=PLAIN):
    widths = rng.choice([[10, 10, 4], [7, 6, 10, 4], [5, 20, 3], [3, 8, 8, 8, 2], [6, 1, 5, 3], [4, 3]])
    bias = rng.random() < 0.5
    include_output = int(rng.random() < 0.3)
    seed = rng.getrandbits(64)
    if criterion[0] == "nm":
        m = rng.choice([1, 2, 3, 4, 5])
        more = {**PLAIN, "nm": rng.choice([(rng.randint(1, m), m)] + [(0, 0)] * (m == 4))}
        widths = rng.choice([[2, 3, 4], [5, 3, 2]])
        widths = [w * m for w in widths[:-1]] + widths[-1:]
    if criterion[0] == "block":
        more = {**more, "block": rng.choice([(0, 0), (1, 3), (2, 2), (3, 0), (64, 2)])}
    if more["allocation"] == "list":
        prunable = len(widths) - 2 + (criterion[0] != "unit" and include_output)
        more = {**more, "list": rng.choices(PERCENTS, k=prunable)}
    # One scale a row: sums in double, unlike fractions, lose 1e-45 beside 3e38.
    scales = [1e-45, 1e-40, 1.2e-38, 1.0, 3e38]
    weights = [[[float32(values(kind, rng, scale)) for _ in range(i)]
                for scale in rng.choices(scales, k=o)] for i, o in zip(widths, widths[1:])]
    masks = [None] * len(weights)
    if masked:
        masks = [None if rng.random() < 0.3 else
                 [[int(rng.random() < 0.6) for _ in row] if rng.random() < 0.8 else [0] * len(row)
                  for row in w] for w in weights]
        weights = [w if m is None else
                   [[x if keep else 0.0 for x, keep in zip(*rows)] for rows in zip(w, m)]
                   for w, m in zip(weights, masks)]
    biases = [[float32(rng.choice([0, 0, rng.gauss(0, 1)])) for _ in w] for w in weights]
    if not bias:
        biases = None
    kept, removed = prune(weights, biases, masks, criterion, scope, percent, include_output, seed,
                          more)

    print("case", *criterion, scope, percent, include_output, seed)
    print("more", more["allocation"], *more["block"], *more["nm"], more["min_keep"],
          ",".join(more["list"]) or "-")
    print("net", int(bias), *widths)
    for w in weights:
        print("weight", *(bits(x) for row in w for x in row))
    if bias:
        for b in biases:
            print("bias", *(bits(x) for x in b))
    for m in masks:
        print("mask", "-" if m is None else "".join(str(bit) for row in m for bit in row))
    for m in kept:
        print("kept", "".join(str(bit) for row in m for bit in row))
    if bias:
        for w, gone in zip(weights, removed):
            print("zero", "".join(str(int(o in gone)) for o in range(len(w))))
    print("count", *count(weights, kept))


def main():
    rng = random.Random(1)
    for criterion in CRITERIA:
        for scope in ("layer", "global"):
            for percent in PERCENTS:
                for kind in ("normal", "ties", "equal", "zeros", "extreme"):
                    for masked in (False, True):
                        case(rng, criterion, scope, percent, kind, masked)
    # Sums of squares that span 1e-90 … 1e77 need fractions to compare: not for LAMP.
    kinds = ("normal", "ties", "equal", "zeros")
    for masked in (False, True):
        for kind in kinds:
            for percent in PERCENTS[::3]:
                for scope in ("layer", "global"):
                    case(rng, ("weight", "lamp"), scope, percent, kind, masked)
                    case(rng, ("block", "l2"), scope, percent, kind, masked)
                    case(rng, ("block", "random"), scope, percent, kind, masked)
                    for least in (1, 2, 9):
                        case(rng, ("weight", "magnitude"), scope, percent, kind, masked,
                             {**PLAIN, "min_keep": least})
                for allocation in ("erk", "lamp", "list"):
                    case(rng, ("weight", "magnitude"), "layer", percent, kind, masked,
                         {**PLAIN, "allocation": allocation})
                for criterion in (("unit", "l2"), ("block", "l2")):
                    for allocation in ("erk", "list"):
                        case(rng, criterion, "layer", percent, kind, masked,
                             {**PLAIN, "allocation": allocation})
                for criterion in ("magnitude", "random", "lamp"):
                    case(rng, ("nm", criterion), "layer", "0", kind, masked)
    print("end")


main()
