"""Pruning by what samples and training say, in numpy and by its definitions: cases as text.

Independent of the library: double precision, loops over weights, numpy's inverse and solver. The
format is reference.py's, with these lines behind the masks; tests/prune/calibrated.c reads it.

    samples COUNT INDEXED CLASSES USED         how many, whether by indices, how many are used
    x HEX …                                    a line a sample: float32 values
    labels N …
    indices N …                                where they are used
    gathered HEX …                             a line a layer, where the criterion is movement
                                               or obd
    kept 01…                                   a line a layer: masks after pruning
    value DECIMAL …                            a line a layer: weights after pruning

Cases whose outcome hangs on a comparison closer than float32 can tell are drawn again.
"""

import struct

import numpy as np

SPAN, ROUNDS, DAMPING = 128, 4, 0.01
CLOSE = 1e-4  # relative: gradients and activations are float32 in the library
COUNTED = ("apoz",)  # criteria whose scores are counts, with honest ties


class TooClose(Exception):
    pass


def bits(x):
    return " ".join("%08x" % struct.unpack("<I", struct.pack("<f", v))[0] for v in np.ravel(x))


def rounded(k, count):
    return int(np.floor(k * count + 0.5 + 1e-9))


def lowest(keys, wanted, exact=False):
    """The `wanted` lowest of (class, score), ties to the lower index; class 0 before 1 before 2."""
    order = sorted(range(len(keys)), key=lambda i: (*keys[i], i))
    if 0 < wanted < len(keys) and not exact:
        (a, s), (b, t) = keys[order[wanted - 1]], keys[order[wanted]]
        if a == b == 2 and abs(t - s) <= CLOSE * max(abs(t), abs(s)):
            raise TooClose
    return set(order[:wanted])


class Network:
    def __init__(self, weights, biases, masks):
        self.weights = [w.astype(np.float64) for w in weights]
        self.biases = [b.astype(np.float64) for b in biases] if biases else None
        self.masks = [m.copy() for m in masks]

    def inputs(self, x, layer):
        """What a layer reads."""
        for l in range(layer):
            x = x @ self.weights[l].T
            if self.biases:
                x = x + self.biases[l]
            x = np.maximum(x, 0)
        return x

    def logits(self, x):
        last = len(self.weights) - 1
        y = self.inputs(x, last) @ self.weights[last].T
        return y + self.biases[last] if self.biases else y

    def gradients(self, x, labels):
        """Of the mean cross-entropy, by hand."""
        y = self.logits(x)
        p = np.exp(y - y.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(x)), labels] -= 1
        delta, found = p / len(x), []
        for l in reversed(range(len(self.weights))):
            read = self.inputs(x, l)
            found.insert(0, delta.T @ read)
            delta = (delta @ self.weights[l]) * (read > 0)
        return found


def hessian(read):
    h = read.T @ read / len(read)
    silent = np.diag(h) == 0
    mean = np.diag(h).mean()
    for j in range(len(h)):
        h[j, j] = 1 if silent[j] else h[j, j] + DAMPING * mean
    return h, silent


def key(gone, silent, score):
    return (0, 0.0) if gone else (1, 0.0) if silent else (2, float(score))


def least_kept(keys, width, min_keep):
    """Weights that min_keep protects: of each row the best, of equals the later."""
    kept = set()
    for first in range(0, len(keys), width) if min_keep else []:
        alive = [i for i in range(first, first + width) if keys[i][0] == 2]
        kept |= set(sorted(alive, key=lambda i: (keys[i], i))[-min_keep:])
    return kept


def choose(keys, width, wanted, case, exact=False):
    if case["nm"]:
        n, m = case["nm"]
        gone = set()
        for first in range(0, len(keys), m):
            share = wanted * (first // m + 1) // (len(keys) // m) - wanted * (first // m) // (len(keys) // m)
            gone |= {first + i for i in lowest(keys[first:first + m], share)}
        return gone
    if case["criterion"] == "wanda":
        rows, gone = len(keys) // width, set()
        for r in range(rows):
            share = wanted * (r + 1) // rows - wanted * r // rows
            mine = keys[r * width:(r + 1) * width]
            held = {i - r * width for i in least_kept(keys, width, case["min_keep"]) if i // width == r}
            free = [i for i in range(width) if i not in held]
            gone |= {r * width + free[i] for i in lowest([mine[i] for i in free], min(share, len(free)))}
        return gone
    held = least_kept(keys, width, case["min_keep"])
    free = [i for i in range(len(keys)) if i not in held]
    return {free[i] for i in lowest([keys[i] for i in free], min(wanted, len(free)), exact)}


def obs(w, gone, read, wanted, case):
    h, silent = hessian(read)
    rows, n = w.shape
    spread, now, removed = np.diag(np.linalg.inv(h)), w.copy(), gone.ravel().copy()
    rounds = (case["nm"][1] - case["nm"][0]) if case["nm"] else ROUNDS
    for r in range(1, rounds + 1):
        if r == rounds:
            goal = wanted
        elif case["nm"]:
            goal = wanted // rounds * r
        else:
            goal = int(w.size * (1 - ((w.size - wanted) / w.size) ** (r / rounds)))
        keys = [key(removed[i] and (gone.ravel()[i] or not silent[i % n]), silent[i % n],
                    now.ravel()[i] ** 2 / (2 * spread[i % n])) for i in range(w.size)]
        removed = gone.ravel().copy()
        removed[list(choose(keys, n, goal, case))] = True
        for row in range(rows):
            out = removed[row * n:(row + 1) * n]
            now[row] = np.where(out, 0, w[row])
            if (out & ~silent & (w[row] != 0)).any() and (~out & ~silent).any():
                keep = np.flatnonzero(~out & ~silent)
                now[row, keep] = np.linalg.solve(h[np.ix_(keep, keep)], (h @ w[row])[keep])
    return removed.reshape(w.shape), now


def sparsegpt(w, gone, read, wanted, case):
    h, silent = hessian(read)
    rows, n = w.shape
    upper = np.linalg.cholesky(np.linalg.inv(h)).T
    w, removed = w.copy(), np.zeros(w.shape, bool)
    early = gone | silent[None, :]
    if not case["nm"] and early.sum() >= wanted:
        keys = [key(gone.ravel()[i], silent[i % n], 0) for i in range(w.size)]
        removed.ravel()[list(lowest(keys, wanted, True))] = True
        w[removed] = 0
        return removed, w
    choice, seen, done = wanted - early.sum(), 0, 0
    span = case["nm"][1] if case["nm"] else SPAN
    for first in range(0, n, span):
        columns = range(first, min(first + span, n))
        cells = [(r, c) for r in range(rows) for c in columns]
        keys = [key(gone[r, c], silent[c], w[r, c] ** 2 / upper[c, c] ** 2) for r, c in cells]
        if case["nm"]:
            chosen = choose(keys, len(columns), (span - case["nm"][0]) * rows, case)
        else:
            sure = sum(early[r, c] for r, c in cells)
            seen += len(cells) - sure
            due = int(choice) * int(seen) // int((~early).sum())
            chosen = lowest(keys, sure + due - done)
            done = due
        for i in chosen:
            removed[cells[i]] = True
        for c in columns:
            error = np.where(removed[:, c] | gone[:, c], w[:, c], 0) / upper[c, c]
            w[:, c:] -= np.outer(error, upper[c, c:])
            w[removed[:, c] | gone[:, c], c] = 0
    return removed, w


def prune(net, x, labels, gathered, case):
    """The network after pruning."""
    by_unit, criterion = case["granularity"] == "unit", case["criterion"]
    prunable = [l for l in range(len(net.weights))
                if l < len(net.weights) - 1 or case["include_output"] and not by_unit]
    wanted = {l: rounded(case["k"], len(net.weights[l]) if by_unit else net.weights[l].size)
              for l in prunable}
    if case["nm"]:
        n, m = case["nm"]
        wanted = {l: net.weights[l].size // m * (m - n) for l in prunable}
    scores, counted = {}, criterion in COUNTED
    if criterion in ("taylor", "snip"):
        gradients = net.gradients(x, labels)
    for l in prunable:
        w = net.weights[l]
        if criterion in ("taylor", "snip"):
            product = w * gradients[l]
            scores[l] = product.sum(1) ** 2 if by_unit else np.abs(product).ravel()
        elif criterion == "movement":
            scores[l] = gathered[l].astype(np.float64).ravel()
        elif criterion == "obd":
            scores[l] = (w.astype(np.float64) ** 2 * gathered[l].astype(np.float64)).ravel()
        elif criterion in ("activation", "apoz"):
            yields = net.inputs(x, l + 1)
            scores[l] = yields.mean(0) if criterion == "activation" else (yields > 0).mean(0)
    if by_unit:  # no masks before in these cases
        if case["scope"] == "global":
            everything = [(l, i) for l in prunable for i in range(len(scores[l]))]
            held = {(l, int(np.argmax(scores[l] + 1e-15 * np.arange(len(scores[l]))))) for l in prunable}
            free = [e for e in everything if e not in held]
            count = min(rounded(case["k"], len(everything)), len(free))
            out = {free[i] for i in lowest([(2, scores[l][i]) for l, i in free], count, counted)}
        else:
            out = {(l, i) for l in prunable
                   for i in lowest([(2, s) for s in scores[l]], wanted[l], counted)}
        for l, i in out:
            net.masks[l][i] = 0
            net.masks[l + 1][:, i] = 0
            if net.biases:
                net.biases[l][i] = 0
    elif case["scope"] == "global":
        everything = [(l, i) for l in prunable for i in range(len(scores[l]))]
        keys = [key(not net.masks[l].ravel()[i], False, scores[l][i]) for l, i in everything]
        for e in lowest(keys, rounded(case["k"], len(everything))):
            net.masks[everything[e][0]].ravel()[everything[e][1]] = 0
    else:
        for l in prunable:
            w, gone = net.weights[l], net.masks[l] == 0
            if criterion in ("obs", "sparsegpt"):
                solver = obs if criterion == "obs" else sparsegpt
                removed, net.weights[l] = solver(w, gone, net.inputs(x, l), wanted[l], case)
            else:
                if criterion == "wanda":
                    norm = np.sqrt((net.inputs(x, l) ** 2).sum(0))
                    scores[l] = (np.abs(w) * norm[None, :]).ravel()
                keys = [key(g, False, s) for g, s in zip(gone.ravel(), scores[l])]
                # A silent input scores 0 for every row: an honest tie, to the bit.
                zeros = criterion == "wanda" and sum(k == (2, 0.0) for k in keys) > 0
                removed = np.zeros(w.size, bool)
                removed[list(choose_or_tie(keys, w.shape[1], wanted[l], case, zeros))] = True
                removed = removed.reshape(w.shape)
            net.masks[l][removed] = 0
            net.weights[l] = np.where(net.masks[l], net.weights[l], 0)
    for l, mask in enumerate(net.masks):
        net.weights[l] = np.where(mask, net.weights[l], 0)


def choose_or_tie(keys, width, wanted, case, zeros):
    """Scores of exactly 0 tie in both worlds: put them apart, in the order of their index."""
    if zeros:
        keys = [(2, -1e9 + i) if k == (2, 0.0) else k for i, k in enumerate(keys)]
    return choose(keys, width, wanted, case)


def draw(rng, granularity, criterion, scope, k, masked):
    nm = None
    if granularity == "nm":
        nm = [(2, 4), (1, 4), (1, 2), (3, 4), (4, 4)][rng.integers(5)]
    widths = [[8, 8, 4], [12, 8, 8, 3], [4, 12, 4]][rng.integers(3)]
    if criterion == "sparsegpt" and granularity == "weight" and rng.random() < 0.3:
        widths = [150, 6, 4]
    used = int(rng.choice([1, 5, 40, 300]))
    if criterion == "activation":
        used = max(used, 5)
    total, indexed = used + int(rng.integers(3)), int(rng.random() < 0.5)
    if indexed:
        total = max(3, total // 2)
    case = {"granularity": granularity, "criterion": criterion, "scope": scope, "k": k, "nm": nm,
            "include_output": int(rng.random() < 0.3) if granularity != "unit" else 0,
            "min_keep": int(rng.choice([0, 0, 1, 3])) if granularity == "weight" and
            scope == "layer" and criterion != "sparsegpt" else 0}
    bias = rng.random() < 0.5
    weights = [rng.normal(0, np.sqrt(2 / i), (o, i)).astype(np.float32)
               for i, o in zip(widths, widths[1:])]
    masks = [np.ones(w.shape, int) for w in weights]
    if masked:
        masks = [(rng.random(w.shape) < 0.7).astype(int) for w in weights]
        weights = [np.where(m, w, np.float32(0)) for w, m in zip(weights, masks)]
    biases = [rng.normal(0, 0.3, len(w)).astype(np.float32) for w in weights] if bias else None
    x = rng.random((total, widths[0])).astype(np.float32)
    x[:, rng.random(widths[0]) < 0.2] = 0
    labels = rng.integers(0, widths[-1], total)
    indices = rng.integers(0, total, used) if indexed else np.arange(used)
    gathered = [rng.normal(0, 1, w.shape).astype(np.float32) for w in weights]
    if criterion == "obd":
        gathered = [g * g for g in gathered]

    net = Network(weights, biases, masks)
    prune(net, x[indices].astype(np.float64), labels[indices], gathered, case)

    percent = 0 if nm else 100 * k
    print("case", granularity, criterion, scope, "%g" % percent, case["include_output"], 0)
    print("more", "uniform", 0, 0, *(nm or (0, 0)), case["min_keep"], "-")
    print("net", int(bias), *widths)
    for w in weights:
        print("weight", bits(w))
    for b in biases or []:
        print("bias", bits(b))
    for m in masks:
        print("mask", "".join(map(str, m.ravel())) if masked else "-")
    print("samples", total, indexed, widths[-1], used)
    for row in x:
        print("x", bits(row))
    print("labels", *labels)
    if indexed:
        print("indices", *indices)
    for m in gathered if criterion in ("movement", "obd") else []:
        print("gathered", bits(m))
    for m in net.masks:
        print("kept", "".join(map(str, m.ravel())))
    for w in net.weights:
        print("value", *("%.17g" % v for v in w.ravel()))


def case(rng, *what):
    while True:
        state = rng.bit_generator.state
        try:
            return draw(rng, *what)
        except TooClose:
            rng.bit_generator.state = state
            rng.random()


def main():
    rng = np.random.default_rng(1)
    for k in (0, 0.25, 0.5, 0.75, 0.9):
        for masked in (False, True):
            for criterion in ("taylor", "snip", "movement", "obd", "wanda", "obs",
                              "sparsegpt"):
                for scope in ("layer", "global"):
                    if scope == "global" and criterion in ("wanda", "obs", "sparsegpt"):
                        continue
                    for _ in range(3):
                        case(rng, "weight", criterion, scope, k, masked)
                case(rng, "nm", criterion, "layer", 0, masked)
        for criterion in ("taylor", "activation", "apoz"):
            for scope in ("layer", "global"):
                for _ in range(3):
                    case(rng, "unit", criterion, scope, k, False)
    print("end")


main()
