"""Training, pruning and looking at a network, from the outside."""
import fcntl
import hashlib
import json
import os
import re
import signal
import struct
import termios
import time

import tool

LONG = ["--layers", "40,20", "--batch-size", "10", "--epochs", "12"]


class Train(tool.LopTest):
    def test_results_and_metadata(self):
        out, err = self.train()
        self.assertIn("64-12-8-4", out)
        self.assertRegex(out, r"test +accuracy +\d+\.\d\d %")
        self.assertEqual(len([l for l in err.splitlines() if l.startswith("epoch ")]), 3)
        self.assertIn("next: lop prune net.safetensors", err)
        found = tool.metadata(self.here / "net.safetensors")
        history = json.loads(found["lop.history"])
        self.assertEqual(history["schema"], "lop.result/1")
        self.assertEqual(len(history["epochs"]), 3)
        self.assertEqual(json.loads(found["lop.recipe"])["layers"], [12, 8])
        self.assertEqual(self.files(), ["net.safetensors"], "the checkpoint is to be gone")

    def test_json_and_quiet(self):
        out, err = self.train("a.safetensors", "--json")
        self.assertEqual(err, "")
        found = json.loads(out)
        self.assertEqual(found["network"], "64-12-8-4")
        self.assertGreater(found["test_accuracy"], 0.9)
        self.assertEqual(found["machine"]["threads"], 1)  # as the environment has it
        out, _ = self.train("c.safetensors", "--json", "--threads", "3", "-f", env={"OMP_NUM_THREADS": "2"})
        self.assertEqual(json.loads(out)["machine"]["threads"], 3)
        out, _ = self.train("c.safetensors", "--json", "-f", env={"OMP_NUM_THREADS": "2"})
        self.assertEqual(json.loads(out)["machine"]["threads"], 2)
        self.assertEqual(self.train("b.safetensors", "-q")[1], "")

    def test_profile(self):
        _, err = self.train("net.safetensors", "-v")
        for name in ("where time went", "forward", "backward", "optimizer", "total"):
            self.assertIn(name, err)

    def weights(self, name):
        """All of a file but its history, in which times stand; by sums, of which no differences are drawn up."""
        content = (self.here / name).read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + size])
        del header["__metadata__"]
        return header, hashlib.sha256(content[8 + size:]).hexdigest()

    def same_weights(self, a, b):
        self.assertEqual(self.weights(a), self.weights(b))

    def test_same_command_same_network(self):
        self.train("a.safetensors")
        self.train("b.safetensors")
        self.same_weights("a.safetensors", "b.safetensors")

    def long(self, output, *more):
        return ["train", "--data", self.data, *LONG, "-o", output, *more]

    def interrupt(self, number, status):
        process = self.start(*self.long("cut.safetensors"))
        # The first line is that of the first epoch: training is under way.
        first = process.stderr.readline().decode()
        self.assertIn("epoch", first)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        err = err.decode()
        self.assertEqual(process.returncode, status, err)
        self.assertIn("next: lop train", err)
        self.assertIn("--resume", err)
        self.assertEqual(self.files(), ["cut.safetensors.checkpoint"])

    def test_interrupted_and_resumed(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.setUp()
            self.interrupt(number, status)
            self.fails(73, "--resume continues it", *self.long("cut.safetensors"))
            self.lop(*self.long("cut.safetensors", "--resume"))
            self.lop(*self.long("whole.safetensors"))
            self.same_weights("cut.safetensors", "whole.safetensors")
            history = json.loads(tool.metadata(self.here / "cut.safetensors")["lop.history"])
            self.assertEqual([e["epoch"] for e in history["epochs"]], list(range(1, 13)))

    def test_killed_and_resumed(self):
        process = self.start(*self.long("cut.safetensors"))
        process.stderr.readline()
        process.stderr.readline()
        process.kill()
        process.communicate()
        self.lop(*self.long("cut.safetensors", "--resume"))
        self.lop(*self.long("whole.safetensors"))
        self.same_weights("cut.safetensors", "whole.safetensors")

    def test_images_that_move_move_the_same_after_a_kill(self):
        moving = ["--shift", "2"]
        process = self.start(*self.long("cut.safetensors", *moving))
        process.stderr.readline()
        process.kill()
        process.communicate()
        self.lop(*self.long("cut.safetensors", "--resume", *moving))
        self.lop(*self.long("whole.safetensors", *moving))
        self.same_weights("cut.safetensors", "whole.safetensors")
        self.lop(*self.long("still.safetensors"))
        self.assertNotEqual(self.weights("whole.safetensors"), self.weights("still.safetensors"))

    def test_only_images_move(self):
        rows = ["label,a,b,c"] + [f"{i % 2},{i},{i * i % 7},1.5" for i in range(60)]
        (self.here / "table.csv").write_text("\n".join(rows) + "\n")
        self.fails(65, "expected images of one channel", "train", "--data", "table.csv", "--layers",
                   "4", "--shift", "1", "-q", "-o", "net.safetensors")
        self.fails(64, "whole pixels", "train", "--data", self.data, "--layers", "4", "--shift",
                   "0.5", "-q", "-o", "net.safetensors")

    def test_a_second_signal_ends_at_once(self):
        process = self.start("train", "--data", self.data, "--layers", "400,400", "--batch-size",
                             "1", "--epochs", "100000", "-o", "cut.safetensors")
        process.stderr.readline()
        started = time.monotonic()
        # Two of them before the first can have been looked at, or right behind it.
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        self.assertIn(process.returncode, (130, 143), told)
        self.assertLess(time.monotonic() - started, 20)

    def test_checkpoint_of_another_training(self):
        self.interrupt(signal.SIGINT, 130)
        self.fails(64, "cut.safetensors.checkpoint", *self.long("cut.safetensors", "--resume",
                                                                "--learning-rate", "0.5"))

    def test_recipe_and_options(self):
        (self.here / "r.yaml").write_text(
            f"data: {self.data}\nlayers: [9]\nseed: 7\ntrain:\n  epochs: 2\n")
        out, _ = self.lop("train", "--epochs", "1", "-r", "r.yaml", "-o", "n", "--json")
        found = json.loads(out)
        self.assertEqual((found["network"], found["seed"], len(found["epochs"])), ("64-9-4", 7, 1))


class Terminal(tool.LopTest):
    def shown(self, words, **environment):
        """All that a terminal of 100 columns gets on standard error."""
        controller, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = self.start(*words, stderr=terminal, env=environment)
        os.close(terminal)
        got = b""
        while True:
            try:
                block = os.read(controller, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not block:
                break
            got += block
        os.close(controller)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, got)
        return got.decode()

    def words(self, *more):
        return ["train", "--data", self.data, *LONG, "-o", "n", "-f", *more]

    def test_line(self):
        got = self.shown(self.words())
        self.assertIn("\r", got)
        self.assertIn("\033[36m", got)
        self.assertRegex(got, r"epoch +\d+/12 .*images/s")
        self.assertIn(" left", got)
        line = re.sub(r"\033\[[0-9;]*[mK]", "", got)
        self.assertLess(max(len(part) for part in re.split(r"[\r\n]", line)), 100)
        # What was drawn over is gone before anything else is said.
        self.assertRegex(got, r"\r\033\[Kepoch 12/12")

    def test_no_colour(self):
        got = self.shown(self.words(), NO_COLOR="1")
        self.assertIn("\r", got)
        self.assertNotIn("\033[3", got)

    def test_dumb_terminal_gets_lines(self):
        got = self.shown(self.words(), TERM="dumb")
        self.assertNotIn("\033", got)
        self.assertNotIn("\r", got.replace("\r\n", "\n"))
        self.assertEqual(len(re.findall(r"(?m)^epoch +\d+/12", got)), 12)

    def test_ascii(self):
        got = self.shown(self.words(), LC_ALL="C")
        self.assertTrue(got.isascii())


class Prune(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.train()

    def test_exact_counts(self):
        out, err = self.lop("prune", "net.safetensors", "-m", "weight", "-k", "50", "-o", "p",
                            "--json")
        found = json.loads(out)
        # 64·12 and 12·8 are halved, 8·4 of the output layer stays.
        self.assertEqual(found["weights_left"], 384 + 48 + 32)
        self.assertEqual(found["weights_total"], 768 + 96 + 32)
        self.assertEqual(err, "")
        (record,) = json.loads(tool.metadata(self.here / "p")["lop.prune"])["stages"]
        self.assertEqual((record["method"], record["sparsity"]), ("weight", 0.5))
        self.assertIn("lop.history", tool.metadata(self.here / "p"))

    def test_compacted_computes_the_same(self):
        prune = ["prune", "net.safetensors", "-m", "unit", "-k", "50", "-o"]
        self.lop(*prune, "a")
        self.lop(*prune, "b", "--compact")
        a, b = (json.loads(self.lop("eval", name, "--data", self.data, "--json")[0])
                for name in "ab")
        self.assertEqual(a["confusion"], b["confusion"])
        self.assertAlmostEqual(a["loss"], b["loss"], places=5)  # sums are in another order
        self.assertLess((self.here / "b").stat().st_size, (self.here / "a").stat().st_size)

    def test_eval(self):
        out, _ = self.lop("eval", "net.safetensors", "--data", self.data, "--confusion")
        self.assertRegex(out, r"data, test part, float32: accuracy \d+\.\d\d %, loss \d")
        self.assertIn("rows are labels", out)
        found = json.loads(self.lop("eval", "net.safetensors", "--data", self.data, "--json")[0])
        right = sum(found["confusion"][c][c] for c in range(tool.CLASSES))
        self.assertAlmostEqual(found["accuracy"], right / tool.TEST)
        self.assertEqual(sum(map(sum, found["confusion"])), tool.TEST)
        for part, count in (("validation", 50), ("train", 550)):
            out, _ = self.lop("eval", "net.safetensors", "-d", self.data, "--part", part, "--json")
            self.assertEqual(json.loads(out)["samples"], count)

    def test_validation_part_is_that_of_the_training(self):
        out, _ = self.train("seven", "--seed", "7", "--json")
        trained = json.loads(out)
        out, _ = self.lop("eval", "seven", "-d", self.data, "--part", "validation", "--json")
        # 15 digits are shown
        self.assertAlmostEqual(json.loads(out)["loss"], trained["valid_loss"], places=14)
        out, _ = self.lop("eval", "seven", "-d", self.data, "--part", "validation", "--seed", "1",
                          "--json")
        self.assertNotAlmostEqual(json.loads(out)["loss"], trained["valid_loss"], places=6)

    def test_inspect_accounts_for_every_byte(self):
        self.lop("prune", "net.safetensors", "-m", "weight", "-k", "50", "-o", "p")
        for name in ("net.safetensors", "p"):
            out, _ = self.lop("inspect", name, "--json")
            found = json.loads(out)
            size = (self.here / name).stat().st_size
            end = 0
            for part in found["parts"]:
                self.assertEqual(part["offset"], end)
                end += part["bytes"]
            self.assertEqual((found["bytes_file"], end), (size, size))
        out, _ = self.lop("inspect", "p", "--bytes")
        self.assertIn("50.00 %", out)
        self.assertIn("trained on data, seed 1: 3 epochs", out)


if __name__ == "__main__":
    tool.main()
