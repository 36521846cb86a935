"""Schedules and regrowth by their definitions, in numpy: cases and what must come out, as text.

Independent of the library: every step is looked at by itself, selections are full sorts, the random
generator is its own. tests/prune/schedule.c reads the output.

    schedule NAME EPOCHS STEPS_PER_EPOCH BEGIN END EVERY INITIAL TARGET ROUNDS DROP
    due 01…               a character a step, 0 … epochs · steps_per_epoch
    sparsity HEX …        the bits of doubles, a number a step
    share HEX …           what set and rigl drop, a number a step; only for them
    regrow OUTPUTS INPUTS SHARE SEED NUMBER GRADIENT(0|1)
    weight HEX …          the bits of float32 values, zero where the mask is
    mask 01…
    gradient HEX …        only where GRADIENT is 1
    after 01…             the mask after the event
    value HEX …           the weights after the event
"""

import numpy as np

STREAM_PRUNE = 5
rng = np.random.default_rng(20)


def hex64(values):
    return " ".join("%016x" % v for v in np.asarray(values, np.float64).view(np.uint64))


def hex32(values):
    return " ".join("%08x" % v for v in np.asarray(values, np.float32).ravel().view(np.uint32))


def bits(mask):
    return "".join("01"[int(b)] for b in np.ravel(mask))


def half_away(x):
    return int(np.floor(x + 0.5))


def events(name, steps, t0, t1, every, rounds):
    """The steps at which something happens."""
    if name == "oneshot":
        return [t0]
    if name == "constant":
        return [0]
    if name == "iterative":
        if rounds == 1:
            return [t0]
        return [t0 + half_away((t1 - t0) * (r / (rounds - 1))) for r in range(rounds)]
    regular = list(range(t0, t1 + 1, every))
    if name in ("set", "rigl"):
        return sorted(set([0] + regular))
    return sorted(set(regular + [t1]))


def sparsity_at(name, event, t0, t1, initial, target, rounds, all_events):
    if name in ("oneshot", "constant", "set", "rigl"):
        return target
    u = 1.0 if event >= t1 else (event - t0) / (t1 - t0)
    if name == "gradual":
        return target + (initial - target) * (1 - u) ** 3
    if name == "linear":
        return target + (initial - target) * (1 - u)
    r = all_events.index(event) + 1 + all_events.count(event) - 1
    return 1 - (1 - initial) * ((1 - target) / (1 - initial)) ** (r / rounds)


def schedule_case(name):
    epochs, per_epoch = int(rng.integers(1, 7)), int(rng.integers(1, 24))
    begin = round(float(rng.uniform(0, epochs)), 2)
    end = round(float(rng.uniform(begin, epochs)), 2)
    every = int(rng.integers(0, 9))
    rises = name in ("gradual", "linear", "iterative")
    target = round(float(rng.uniform(0.05, 0.99)), 3)
    initial = round(float(rng.uniform(0, target)), 3) if rises and rng.random() < 0.5 else 0.0
    t0, t1 = half_away(begin * per_epoch), half_away(end * per_epoch)
    rounds = int(rng.integers(1, min(6, t1 - t0 + 1) + 1))
    drop = round(float(rng.uniform(0.05, 0.95)), 2)
    print("schedule", name, epochs, per_epoch, begin, end, every, initial, target, rounds, drop)
    apart = every or -(-per_epoch // 5)
    steps = epochs * per_epoch
    happen = events(name, steps, t0, t1, apart, rounds)
    print("due", "".join("01"[s in happen] for s in range(steps + 1)))
    values = []
    for s in range(steps + 1):
        before = [e for e in happen if e <= s]
        values.append(sparsity_at(name, before[-1], t0, t1, initial, target, rounds, happen)
                      if before else 0.0)
    print("sparsity", hex64(values))
    if name in ("set", "rigl"):
        print("share", hex64([drop / 2 * (1 + np.cos(np.pi * s / t1)) if s < t1 else 0.0
                              for s in range(steps + 1)]))


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & 0xFFFFFFFF, p >> 32 ^ c[3] ^ k[1], p & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def random_order(seed, number, count):
    stream = STREAM_PRUNE << 48 | number
    words = []
    for block in range((count + 3) // 4):
        words += philox([block, 0, stream & 0xFFFFFFFF, stream >> 32],
                        [seed & 0xFFFFFFFF, seed >> 32])
    # The highest number stands for what does not compete.
    return np.minimum(np.array(words[:count], np.int64), 2**32 - 2)


def regrow_case(by_gradient):
    outputs, inputs = int(rng.integers(1, 9)), int(rng.integers(1, 12))
    count = outputs * inputs
    # Few different values, so that ties are everywhere.
    weight = (rng.integers(-4, 5, count) / 4).astype(np.float32)
    mask = rng.random(count) < rng.uniform(0.1, 1)
    weight[~mask] = 0
    gradient = (rng.integers(-3, 4, count) / 2).astype(np.float32)
    share, seed = round(float(rng.uniform(0.02, 0.98)), 2), int(rng.integers(0, 2**63))
    number = int(rng.integers(0, 2**47))
    print("regrow", outputs, inputs, share, seed, number, int(by_gradient))
    print("weight", hex32(weight))
    print("mask", bits(mask))
    if by_gradient:
        print("gradient", hex32(gradient))
    left = int(mask.sum())
    k = min(int(np.floor(share * left + 0.5 + 1e-12)), count - left)
    kept, masked = np.flatnonzero(mask), np.flatnonzero(~mask)
    drop = kept[np.argsort(np.abs(weight[kept]), kind="stable")[:k]]
    order = -np.abs(gradient) if by_gradient else random_order(seed, number, count)
    grow = masked[np.argsort(order[masked], kind="stable")[:k]]
    mask[drop], mask[grow] = False, True
    weight[drop], weight[grow] = 0, 0
    print("after", bits(mask))
    print("value", hex32(weight))


for _ in range(40):
    for each in ("oneshot", "gradual", "linear", "iterative", "constant", "set", "rigl"):
        schedule_case(each)
for case in range(200):
    regrow_case(case % 2 == 0)
print("end")
