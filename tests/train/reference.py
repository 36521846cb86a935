"""Ten steps of an optimizer in float64, written from the papers and not from lop's source.

    reference.py OPTIMIZER NESTEROV DECAY L1 [MASKED]

Prints a line for each of COUNT weights: the weight and its moments. The test that reads it makes
the same inputs. Prints "skip" where numpy is missing.
"""
import sys

try:
    import numpy as np
except ImportError:
    print("skip")
    sys.exit(0)

COUNT, STEPS, RATE = 101, 10, 0.01
BETA1, BETA2, EPSILON = 0.9, 0.99, 1e-8

name, nesterov, decay, l1 = sys.argv[1], sys.argv[2] == "1", float(sys.argv[3]), float(sys.argv[4])
masked = sys.argv[5] == "1"
index = np.arange(COUNT)
w = np.sin(0.7 * index).astype(np.float32).astype(np.float64)
keep = (index % 3 != 1) if masked else np.ones(COUNT, bool)
w[~keep] = 0
m, v = np.zeros(COUNT), np.zeros(COUNT)

for t in range(1, STEPS + 1):
    g = (0.1 * np.cos(1.3 * index + 0.5 * t)).astype(np.float32).astype(np.float64)
    g += l1 * np.sign(w)
    if name != "adamw":
        g += decay * w
    if name == "sgd":
        m = BETA1 * m + g
        w = w - RATE * (g + BETA1 * m if nesterov else m)
    else:
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g**2
        m_hat, v_hat = m / (1 - BETA1**t), v / (1 - BETA2**t)
        if name == "adamw":
            w = w - RATE * decay * w
        w = w - RATE * m_hat / (np.sqrt(v_hat) + EPSILON)
    w[~keep] = m[~keep] = v[~keep] = 0

for i in range(COUNT):
    print(f"{w[i]:.17g} {m[i]:.17g} {v[i]:.17g}")
