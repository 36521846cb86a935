#!/usr/bin/env python3
"""Train the challenge network in PyTorch for some steps and say how long they took.

The same work as `bench train` does: 784-1000-1000-500-200-10 without biases, Adam, batches of 256
gathered in a random order from all of MNIST in memory, float32. One pass to warm up, then timed
passes; nothing is read, printed or evaluated in between. Prints one JSON line.
"""

import argparse
import gzip
import json
import os
import resource
import sys
import time

WIDTHS = [784, 1000, 1000, 500, 200, 10]


def read_idx(directory, name):
    """The bytes behind an IDX file's header, and the sizes in it."""
    path = os.path.join(directory, name)
    opener = open
    if not os.path.exists(path):
        path, opener = path + ".gz", gzip.open
    with opener(path, "rb") as file:
        data = file.read()
    sizes = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return bytearray(data[4 + 4 * len(sizes):]), sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="directory with MNIST's IDX files")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps a pass")
    parser.add_argument("--passes", type=int, default=2, help="timed passes")
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("train_pytorch: skipped, python3-torch is not installed", file=sys.stderr)
        return 69

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    images, (count, height, width) = read_idx(options.data, "train-images-idx3-ubyte")
    labels, _ = read_idx(options.data, "train-labels-idx1-ubyte")
    x = torch.frombuffer(images, dtype=torch.uint8).view(count, height * width).float() / 255
    y = torch.frombuffer(labels, dtype=torch.uint8).long()

    layers = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        layers += [torch.nn.Linear(inputs, outputs, bias=False), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_of = torch.nn.CrossEntropyLoss()

    seconds = []
    for _ in range(1 + options.passes):
        order = torch.randperm(count)
        start = time.perf_counter()
        for step in range(options.steps):
            first = step * options.batch % (count - options.batch)
            batch = order[first:first + options.batch]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "what": "train", "program": "PyTorch " + torch.__version__, "precision": "float32",
        "threads": options.threads, "batch": options.batch, "steps": options.steps,
        "seconds": seconds[1:], "loss": loss.item(),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
