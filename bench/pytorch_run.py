#!/usr/bin/env python3
"""PyTorch as one of the contenders: answers open, time and outputs as contender/main.c does.

Settings: inference mode, gradients off. What is tried is the plain network, the same as a frozen
script, and with weights and activations in oneDNN's own layouts.
"""

import json
import os
import struct
import sys
import time

from train_pytorch import read_idx

SAMPLES, SETS_OF_ONE = 1024, 128


def read_weights(path, torch):
    """The weight tensors of a safetensors file, in the order in which they are stored."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    weights = []
    tensors = [(entry["data_offsets"][0], name, entry) for name, entry in header.items()
               if name.endswith(".weight") and entry["dtype"] == "F32"]
    for begin, _, entry in sorted(tensors):
        end = entry["data_offsets"][1]
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
        weights.append(flat.view(entry["shape"]))
    return weights


def fall_asleep():
    """Until this process takes no time any more: see contender/main.c."""
    for _ in range(500):
        before = time.process_time()
        time.sleep(0.004)
        if time.process_time() - before < 0.001:
            return


class Contender:
    def __init__(self, torch, directory):
        self.torch = torch
        images, (count, height, width) = read_idx(directory, "t10k-images-idx3-ubyte")
        pixels = torch.frombuffer(images, dtype=torch.uint8).view(count, height * width)
        self.x = (pixels[:SAMPLES].float() / 255).contiguous()

    def plain(self, weights):
        torch = self.torch
        layers = []
        for weight in weights:
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            layer.weight = torch.nn.Parameter(weight, requires_grad=False)
            layers += [layer, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1]).eval()

    def frozen(self, weights):
        model = self.torch.jit.trace(self.plain(weights), self.sets[0])
        return self.torch.jit.optimize_for_inference(self.torch.jit.freeze(model))

    def onednn(self, weights):
        from torch.utils import mkldnn
        model = mkldnn.to_mkldnn(self.plain(weights))
        return lambda x: model(x.to_mkldnn()).to_dense()

    def times(self, seconds):
        times = []
        begin = now = time.perf_counter()
        i = 0
        while not times or now - begin < seconds:
            before = time.perf_counter()
            self.model(self.sets[i % len(self.sets)])
            now = time.perf_counter()
            if (i > 0 and now - begin > seconds / 10) or now - begin > 4 * seconds:
                times.append((now - before) * 1e6)
            i += 1
        return sorted(times)

    def open(self, path, threads, batch):
        self.torch.set_num_threads(int(threads))
        batch = int(batch)
        count = SETS_OF_ONE if batch == 1 else SAMPLES // batch
        self.sets = [self.x[i * batch:(i + 1) * batch].contiguous() for i in range(count)]
        weights = read_weights(path, self.torch)
        tried = []
        for setting, make in (("plain", self.plain), ("frozen script", self.frozen),
                              ("oneDNN's layouts", self.onednn)):
            self.model = make(weights)
            times = self.times(0.1)
            tried.append((times[len(times) // 2], setting, self.model))
        _, setting, self.model = min(tried, key=lambda t: t[0])
        return {"setting": setting}

    def time(self, seconds):
        times = self.times(float(seconds))
        fall_asleep()
        n = len(times)
        return {"us": times[n // 2], "low_us": times[n // 20], "high_us": times[n - 1 - n // 20],
                "runs": n}

    def outputs(self, path):
        with open(path, "wb") as file:
            for x in self.sets:
                file.write(self.model(x).contiguous().numpy().tobytes())
        return {"samples": len(self.sets) * self.sets[0].shape[0]}


def main():
    try:
        import torch
    except ImportError:
        print("python3-torch is not installed", file=sys.stderr)
        return 69
    contender = Contender(torch, sys.argv[1])
    requests = {"open": contender.open, "time": contender.time, "outputs": contender.outputs}
    with torch.inference_mode():
        for line in sys.stdin:
            words = line.split()
            try:
                answer = requests[words[0]](*words[1:])
            except (KeyError, IndexError, RuntimeError, OSError, ValueError) as problem:
                answer = {"error": str(problem).splitlines()[0]}
            print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
