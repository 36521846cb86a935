"""Inference: lop beside ONNX Runtime, oneDNN, PyTorch and SuiteSparse:GraphBLAS, on the same networks.

Each engine is a process of its own (contender/, pytorch_run.py) that computes when it is told to; the
others sleep. For each network, batch and number of threads, each engine first chooses the fastest of
its settings, its outputs are compared with those of NumPy in double, and then all are timed in turns. A
figure is the median over the turns of the median time of one run in a turn.
"""

import gzip
import json
import os
import statistics
import struct
import subprocess
import tempfile
import threading

from common import Targets, print_table, progress, python_with_torch
from networks import NAMES

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(HERE, "node_modules/onnxruntime-node/bin/napi-v6/linux/%s/libonnxruntime.so.1")
SAMPLES = 1024
# An engine that answers nothing for so many seconds is ended; one that ended is started so many times.
PATIENCE, STARTS = 120, 3

# Columns of the tables: engine, heading.
ENGINES = (
    ("lop-int8", "lop int8"),
    ("lop-float32", "lop float32"),
    ("onnxruntime-int8", "ONNX Runtime int8"),
    ("onnxruntime-float32", "ONNX Runtime float32"),
    ("onednn-int8", "oneDNN int8"),
    ("onednn-bf16", "oneDNN bf16"),
    ("onednn-float32", "oneDNN float32"),
    ("pytorch-float32", "PyTorch float32"),
    ("graphblas-float32", "GraphBLAS float32"),
)
TITLES = dict(ENGINES, **{"lop-int8-avx2": "lop int8, AVX2"})

# Float32 sums of a thousand products, in any order, of outputs of size 10: a few 1e-6; 1e-4 is safe.
FLOAT_BOUND = 1e-4
# Eight bits move outputs by some hundredths; a share this small of the samples lies so near a border.
CLASS_SHARE = 0.98


class Worker:
    """A contender's process. `absent` says why it cannot take part."""

    def __init__(self, engine, program, data):
        self.engine = engine
        self.absent = None
        command = [program, engine]
        if engine.startswith("pytorch"):
            command = [python_with_torch(), os.path.join(HERE, "pytorch_run.py"), data]
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("OMP_", "GOMP_", "LOP_ISA"))}
        machine = "arm64" if os.uname().machine == "aarch64" else "x64"
        environment.setdefault("ONNXRUNTIME", LIBRARY % machine)
        # What it complains of goes to a file: a pipe that nobody reads would fill, and stop it.
        self.complaints = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=self.complaints, text=True, env=environment)
        except OSError as error:
            self.process = None
            self.absent = str(error)

    def ask(self, *words):
        """The answer to a request, or None: then `absent` says why."""
        if self.absent:
            return None
        late = threading.Timer(PATIENCE, self.process.kill)
        late.start()
        try:
            print(*words, file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
            if isinstance(answer, dict):
                return answer
            self.absent = "%s answers %r" % (self.engine, answer)
        except (OSError, ValueError):
            self.process.kill()
            self.process.wait()
            self.complaints.seek(0)
            lines = self.complaints.read().strip().splitlines()
            self.absent = lines[-1] if lines else "%s ended, or did not answer in %d s" % (
                self.engine, PATIENCE)
        finally:
            late.cancel()
        return None

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.complaints.close()


def read_network(path):
    """The weights of a safetensors file as lop writes it, in the order of the layers."""
    import numpy
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    tensors = sorted((entry["data_offsets"], entry["shape"]) for name, entry in header.items()
                     if name.endswith(".weight") and entry["dtype"] == "F32")
    return [numpy.frombuffer(data[begin:end], "<f4").reshape(shape) for (begin, end), shape in tensors]


class Reference:
    """What networks yield for the first test images, by NumPy in double."""

    def __init__(self, directory):
        import numpy
        self.numpy = numpy
        path = os.path.join(directory, "t10k-images-idx3-ubyte")
        opener = open if os.path.exists(path) else gzip.open
        with opener(path if opener is open else path + ".gz", "rb") as file:
            data = file.read()
        pixels = numpy.frombuffer(data, "u1", offset=16)[:SAMPLES * 784].reshape(SAMPLES, 784)
        self.images = (pixels.astype("f4") / numpy.float32(255)).astype("f8")
        self.kept = {}

    def outputs(self, path):
        if path not in self.kept:
            x = self.images
            weights = read_network(path)
            for i, weight in enumerate(weights):
                x = x @ weight.astype("f8").T
                if i + 1 < len(weights):
                    x = self.numpy.maximum(x, 0)
            self.kept = {path: x}  # one at a time
        return self.kept[path]

    def compare(self, engine, path, file):
        """Why outputs are not those of the network, or None; and the largest difference."""
        numpy = self.numpy
        found = numpy.fromfile(file, "<f4")
        wanted = self.outputs(path)
        if len(found) == 0 or len(found) % wanted.shape[1] or len(found) > wanted.size:
            return "%d outputs, which is no number of samples" % len(found), None
        found = found.reshape(-1, wanted.shape[1]).astype("f8")
        wanted = wanted[:len(found)]
        worst = float(abs(found - wanted).max())
        if engine.endswith("float32"):
            return (None if worst <= FLOAT_BOUND else
                    "outputs differ from the network's by %g" % worst), worst
        same = float((found.argmax(1) == wanted.argmax(1)).mean())
        return (None if same >= CLASS_SHARE else
                "%.1f %% of the classes are other ones" % (100 * (1 - same))), worst


class Cell:
    """Engines beside each other, each with a network: one batch, one number of threads."""

    def __init__(self, shape, method, k, batch, threads, entries):
        self.key = (shape, method, k, batch, threads)
        self.entries = entries  # (engine, path)
        self.rows = {}

    def row(self, engine, path, answer, worst):
        shape, method, k, batch, threads = self.key
        return {"network": NAMES[shape], "shape": shape, "method": method, "k": k, "batch": batch,
                "threads": threads, "engine": engine, "of": os.path.basename(path),
                "setting": answer["setting"], "plan": answer.get("plan"), "largest_difference": worst,
                "turns": []}


class Inference:
    def __init__(self, options, networks, data):
        self.options = options
        self.networks = networks
        self.data = data
        self.reference = Reference(data)
        self.workers, self.starts = {}, {}
        self.problems = {}  # engine: why it is missing somewhere
        self.rows = []
        self.plans = []
        self.graph = None  # connections a second, of lop over GraphBLAS

    def worker(self, engine):
        worker = self.workers.get(engine)
        return worker or self.start(engine)

    def start(self, engine):
        self.starts[engine] = self.starts.get(engine, 0) + 1
        self.workers[engine] = Worker(engine, self.options.contender, self.data)
        return self.workers[engine]

    def open(self, cell, engine, path):
        worker = self.worker(engine)
        if worker.absent and self.starts[engine] < STARTS:
            worker.end()
            worker = self.start(engine)
        answer = worker.ask("open", path, cell.key[4], cell.key[3])
        if answer is None or "error" in answer:
            self.problems[engine] = worker.absent or answer["error"]
            return
        worst = None
        with tempfile.NamedTemporaryFile() as file:
            done = worker.ask("outputs", file.name)
            problem = worker.absent if done is None else done.get("error")
            if not problem:
                problem, worst = self.reference.compare(engine, path, file.name)
        if problem:
            self.problems[engine] = problem
        else:
            cell.rows[engine] = cell.row(engine, path, answer, worst)

    def measure(self, cell):
        for engine, path in cell.entries:
            self.open(cell, engine, path)
        out = set()
        for _ in range(self.options.turns):
            for engine, row in cell.rows.items():
                if engine in out:
                    continue
                answer = self.worker(engine).ask("time", self.options.seconds)
                if answer is None or "error" in answer:
                    self.problems[engine] = self.worker(engine).absent or answer["error"]
                    out.add(engine)
                    continue
                row["turns"].append(answer)
                if answer["us"] > 5e6 * self.options.seconds:
                    out.add(engine)  # tens of times slower than the rest: one turn will do
        for row in cell.rows.values():
            if row["turns"]:
                for name in ("us", "low_us", "high_us"):
                    row[name] = statistics.median(turn[name] for turn in row["turns"])
                row["runs"] = sum(turn["runs"] for turn in row["turns"])
                row["turns"] = len(row["turns"])
                self.rows.append(row)

    def cells(self):
        """What is measured, in order."""
        o = self.options
        for shape in o.shapes:
            for k in o.sparsities:
                path = self.networks.pruned(shape, "weight", k)
                for batch in o.batches:
                    for threads in o.threads:
                        entries = [(engine, path) for engine in o.engines]
                        if (shape, k, batch, threads) == ("challenge", 90, 1, 1):
                            entries.append(("lop-int8-avx2", path))
                        yield Cell(shape, "weight", k, batch, threads, entries)
        # Units removed, against dense engines that compute the whole network.
        small, dense = self.networks.pruned("challenge", "unit", 80), self.networks.dense("challenge")
        yield Cell("challenge", "unit", 80, 512, 1,
                   [("lop-int8", small)] + [(engine, dense) for engine in o.engines
                                            if engine != "lop-int8" and not engine.startswith("lop")
                                            and not engine.startswith("graphblas")])

    def run(self, save):
        """All cells; `save` is called after each."""
        cells = list(self.cells())
        for i, cell in enumerate(cells):
            progress("inference: %d of %d, %s %s %d %%, batch %d, %d threads" %
                     ((i + 1, len(cells)) + cell.key))
            self.measure(cell)
            save()
        for worker in self.workers.values():
            worker.end()
        for k in self.options.sparsities:
            for turn in range(PLAN_TURNS):
                progress("plans: %d %%, turn %d of %d" % (k, turn + 1, PLAN_TURNS))
                self.measure_plan(k)
                save()
        progress("Graph Challenge")
        self.measure_graph()
        progress("")

    def measure_plan(self, k):
        """Single kernels against the plan, and the first answer, by `lop bench`."""
        path = self.networks.packed("challenge", "weight", k)
        command = [self.networks.lop, "bench", path, "--data", "mnist", "--threads", "1", "--plan",
                   "--anew", "--json", "--seconds", str(self.options.seconds)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            found = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            self.problems["plans"] = str(error)
            return
        if done.returncode != 0:
            self.problems["plans"] = done.stderr.strip()
            return
        self.plans.append({"k": k, "start": found.get("start"),
                           "single_kernels": found.get("single_kernels", []),
                           "prepared_bytes": found["prepared_bytes"]})

    def measure_graph(self):
        """The Sparse DNN Graph Challenge by bench/graph, every connection computed, two threads."""
        environment = dict(os.environ, OMP_WAIT_POLICY="passive")
        command = [os.path.join(self.options.build, "bench/graph/graph_challenge"), "--threads", "2",
                   "--json", "%s:%d" % (GRAPH, self.options.graph_images)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        except FileNotFoundError:
            self.problems["graph"] = "bench/graph/graph_challenge is not built"
            return
        try:
            rows = [json.loads(line) for line in done.stdout.splitlines()]
        except ValueError as error:
            self.problems["graph"] = str(error)
            return
        found = {row["method"]: row["connections_per_second"] for row in rows}
        if done.returncode != 0 or not {"tiles", "graphblas"} <= set(found):
            lines = done.stderr.strip().splitlines()
            self.problems["graph"] = lines[-1] if done.returncode else "built without GraphBLAS"
        else:
            self.graph = found["tiles"] / found["graphblas"]

    def us(self, engine, k, batch=1, threads=1, method="weight", shape="challenge"):
        for row in self.rows:
            if (row["engine"], row["k"], row["batch"], row["threads"], row["method"],
                    row["shape"]) == (engine, k, batch, threads, method, shape):
                return row["us"]
        return None


# Target: text, least ratio, sparsity, batch, method, the faster engine, the slower.
RATIOS = (
    ("batch 1, 90 % of the weights, int8, to ONNX Runtime float32", 45, 90, 1, "weight", "lop-int8",
     "onnxruntime-float32"),
    ("batch 1, 90 % of the weights, int8, to ONNX Runtime int8", 13, 90, 1, "weight", "lop-int8",
     "onnxruntime-int8"),
    ("batch 1, 80 % of the weights, int8, to ONNX Runtime int8", 8, 80, 1, "weight", "lop-int8",
     "onnxruntime-int8"),
    ("batch 1, 95 % of the weights, int8, to ONNX Runtime int8", 18, 95, 1, "weight", "lop-int8",
     "onnxruntime-int8"),
    ("batch 1, 99 % of the weights, int8, to ONNX Runtime int8", 35, 99, 1, "weight", "lop-int8",
     "onnxruntime-int8"),
    ("batch 1, 90 % of the weights, float32, to ONNX Runtime float32", 10, 90, 1, "weight",
     "lop-float32", "onnxruntime-float32"),
    ("batch 512, 90 % of the weights, int8, to ONNX Runtime int8", 1.5, 90, 512, "weight", "lop-int8",
     "onnxruntime-int8"),
    ("batch 512, 95 % of the weights, int8, to ONNX Runtime int8", 2.5, 95, 512, "weight", "lop-int8",
     "onnxruntime-int8"),
    ("batch 512, 80 % of the units, int8, to ONNX Runtime int8 of the whole network", 6, 80, 512,
     "unit", "lop-int8", "onnxruntime-int8"),
    ("batch 1, 90 % of the weights, int8 by AVX2 alone, to ONNX Runtime float32", 15, 90, 1, "weight",
     "lop-int8-avx2", "onnxruntime-float32"),
)
PLAN_RATIO, FIRST_ANSWER_MS, FIRST_ANSWER_K = 1.05, 30, 95
# Where networks are about as large as the second cache, the same plan laid out elsewhere in memory may take
# a tenth longer: each is made several times, and medians count.
PLAN_TURNS = 3
GRAPH, GRAPH_RATIO = "1024x120", 5


def check_targets(inference, notes):
    targets = Targets(notes)
    for text, least, k, batch, method, fast, slow in RATIOS:
        mine = inference.us(fast, k, batch, 1, method)
        other = inference.us(slow, k, batch, 1, method)
        if mine is None or other is None:
            missing = fast if mine is None else slow
            targets.absent(text, "≥ %g×" % least,
                           inference.problems.get(missing, "not asked for: %s" % missing))
        else:
            targets.add(text, "≥ %g×" % least, "%.3g×" % (other / mine), other / mine >= least)
    turns = {}
    for plan in inference.plans:
        for single in plan["single_kernels"]:
            turns.setdefault((plan["k"], single["batch"]), []).append(single["ratio"])
    ratios = [(statistics.median(found), k, batch) for (k, batch), found in turns.items()]
    text = "planned time over the best single kernel, any k, batch 1 to 512"
    if ratios:
        worst, k, batch = max(ratios)
        targets.add(text, "≤ %g" % PLAN_RATIO, "%.3f (%d %%, batch %d)" % (worst, k, batch),
                    worst <= PLAN_RATIO)
    else:
        targets.absent(text, "≤ %g" % PLAN_RATIO, inference.problems.get("plans", "no plans"))
    starts = [plan["start"]["first_answer_ms"] for plan in inference.plans
              if plan["k"] == FIRST_ANSWER_K and plan["start"]]
    text = "from opening to the first answer, %d %% of the weights, wall clock" % FIRST_ANSWER_K
    if starts:
        targets.add(text, "≤ %g ms" % FIRST_ANSWER_MS, "%.1f ms" % statistics.median(starts),
                    statistics.median(starts) <= FIRST_ANSWER_MS)
    else:
        targets.absent(text, "≤ %g ms" % FIRST_ANSWER_MS,
                       inference.problems.get("plans", "no plans"))
    text = "Graph Challenge, %s on %s images, every connection, 2 threads each, to GraphBLAS" % (
        GRAPH, format(inference.options.graph_images, ","))
    if inference.graph:
        targets.add(text, "≥ %g×" % GRAPH_RATIO, "%.3g×" % inference.graph,
                    inference.graph >= GRAPH_RATIO)
    else:
        targets.absent(text, "≥ %g×" % GRAPH_RATIO, inference.problems.get("graph", "not run"))
    differences = [row["largest_difference"] for row in inference.rows
                   if row["engine"] == "lop-float32"]
    if differences:
        targets.add("float32 outputs, largest difference from NumPy in double",
                    "≤ %g" % FLOAT_BOUND, "%.1g" % max(differences), max(differences) <= FLOAT_BOUND)
    return targets


def table_rows(inference, shape, batch, threads):
    """Rows of one table: k, then microseconds a sample for each engine."""
    rows = []
    for k in inference.options.sparsities:
        times = [inference.us(engine, k, batch, threads, "weight", shape) for engine, _ in ENGINES]
        rows.append(["%d" % k] + ["–" if t is None else "%.3g" % (t / batch) if t / batch < 1000
                                  else "%.0f" % (t / batch) for t in times])
    return rows


def print_tables(inference):
    o = inference.options
    for shape in o.shapes:
        for batch in o.batches:
            for threads in o.threads:
                print("%s, batch %d, %d thread%s: µs a sample by %% of the weights pruned\n" %
                      (NAMES[shape], batch, threads, "s" * (threads > 1)))
                print_table(["k"] + [title for _, title in ENGINES],
                            table_rows(inference, shape, batch, threads))
