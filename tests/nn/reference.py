"""A training step by numpy in double: networks, batches, and what must come out, as text.

Independent of the library; tests/nn/reference.c reads the output, numbers separated by spaces:

    case SMOOTHING BIAS BATCH COUNT WIDTH …   COUNT widths, the input's first
    x …        BATCH × inputs
    labels …   BATCH
    weights … biases …   a layer's, for each layer; biases only where BIAS is 1
    loss LOSS CORRECT
    logits …   BATCH × outputs
    weights … biases …   their gradients, in the same order

All that goes in is exact in float32. Without numpy the output is the one word "skip".
"""

import sys

try:
    import numpy as np
except ImportError:
    print("skip")
    sys.exit(0)

CASES = [
    # smoothing, bias, batch, widths
    (0.0, 0, 5, [4, 3]),
    (0.0, 0, 32, [20, 30, 10]),
    (0.1, 1, 17, [33, 65, 31, 12, 7]),
    (0.0, 0, 64, [60, 100, 100, 50, 20, 10]),
    (0.25, 1, 1, [9, 8, 2]),
    (0.05, 1, 100, [48, 1, 16, 300]),
]


def forward(x, weights, biases):
    values = [x]
    for layer, (w, b) in enumerate(zip(weights, biases)):
        z = values[-1] @ w.T + b
        values.append(np.maximum(z, 0) if layer + 1 < len(weights) else z)
    return values


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def backward(values, weights, target):
    delta = (softmax(values[-1]) - target) / len(target)
    gradients = []
    for layer in reversed(range(len(weights))):
        gradients.insert(0, (delta.T @ values[layer], delta.sum(axis=0)))
        delta = (delta @ weights[layer]) * (values[layer] > 0)
    return gradients


def put(name, numbers):
    print(name, " ".join(f"{v:.17g}" for v in np.asarray(numbers, dtype=np.float64).ravel()))


def put_layers(layers, bias):
    for w, b in layers:
        put("weights", w)
        if bias:
            put("biases", b)


def main():
    random = np.random.default_rng(20)

    def draw(*shape, scale=1.0):
        return (scale * random.standard_normal(shape)).astype(np.float32).astype(np.float64)

    for smoothing, bias, batch, widths in CASES:
        pairs = list(zip(widths, widths[1:]))
        weights = [draw(o, i, scale=(2 / i) ** 0.5) for i, o in pairs]
        biases = [draw(o, scale=0.5) if bias else np.zeros(o) for _, o in pairs]
        x = draw(batch, widths[0])
        labels = random.integers(0, widths[-1], batch)
        target = np.full((batch, widths[-1]), smoothing / widths[-1])
        target[np.arange(batch), labels] += 1 - smoothing

        values = forward(x, weights, biases)
        loss = -(target * np.log(softmax(values[-1]))).sum(axis=1).mean()
        correct = (values[-1].argmax(axis=1) == labels).sum()

        print("case", smoothing, bias, batch, len(widths), *widths)
        put("x", x)
        put("labels", labels)
        put_layers(zip(weights, biases), bias)
        put("loss", [loss, correct])
        put("logits", values[-1])
        put_layers(backward(values, weights, target), bias)


main()
