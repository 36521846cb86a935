"""The networks that inference is measured on: trained, pruned by magnitude, made once and kept.

Up to 80 % of the weights go in one shot, which costs nothing; beyond that, and for units, pruning is
gradual during some more epochs, so that the networks are such as one would use.
"""

import os
import subprocess

from common import progress

SHAPES = {"challenge": "1000,1000,500,200", "lenet": "300,100"}
NAMES = {"challenge": "784-1000-1000-500-200-10", "lenet": "784-300-100-10"}
ONE_SHOT = 80
SEARCHED = 90


class Networks:
    """Files by name, in `directory`; what is missing is made by the program `lop`. The name has all that
    decides what is in it, so that short runs and whole ones have networks of their own."""

    def __init__(self, lop, directory, epochs, retraining):
        self.lop = lop
        self.directory = directory
        self.epochs = epochs
        self.retraining = retraining
        os.makedirs(directory, exist_ok=True)

    def run(self, path, command):
        progress("making %s" % os.path.basename(path))
        done = subprocess.run([self.lop] + command + ["-o", path, "-q"], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise SystemExit("bench: cannot make %s: %s" % (path, done.stderr.strip()))
        return path

    def dense(self, shape):
        path = os.path.join(self.directory, "%s-%d-dense.safetensors" % (shape, self.epochs))
        if os.path.exists(path):
            return path
        return self.run(path, ["train", "--data", "mnist", "--layers", SHAPES[shape], "--epochs",
                               str(self.epochs)])

    def pruned(self, shape, method, k):
        dense = self.dense(shape)
        if k == 0:
            return dense
        gradual = method != "weight" or k > ONE_SHOT
        name = "%s-%d+%d-%s-%d.safetensors" % (shape, self.epochs, self.retraining if gradual else 0,
                                               method, k)
        path = os.path.join(self.directory, name)
        if os.path.exists(path):
            return path
        command = ["prune", dense, "--data", "mnist", "--method", method, "--sparsity", str(k)]
        if gradual:
            command += ["--schedule", "gradual", "--epochs", str(self.retraining)]
        return self.run(path, command)

    def packed(self, shape, method, k):
        network = self.pruned(shape, method, k)
        path = network.replace(".safetensors", ".lop")
        if os.path.exists(path):
            return path
        # The fewest values are found by trying, for a minute where there are millions of weights.
        values = [] if k >= SEARCHED else ["--values", "shared"]
        return self.run(path, ["pack", network, "--data", "mnist"] + values)
