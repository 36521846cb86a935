"""Bad input: one line, the right status, no partial output."""
import json
import os
import resource
import shutil
import signal
import struct
import subprocess

import tool


class Usage(tool.LopTest):
    def test_values(self):
        for words, text in [
            (["-k", "100"], "-k: expected 0 to below 100, found 100"),
            (["-k", "-1"], "-k: expected 0 to below 100, found -1"),
            (["-k", "nan"], "-k: expected a number, found 'nan'"),
            (["-k", "9x"], "-k: expected a number, found '9x'"),
            (["-k", "0x10"], "-k: expected a number, found '0x10'"),
            (["-k", " 5"], "-k: expected a number, found ' 5'"),
            (["-k", "inf"], "-k: expected a number, found 'inf'"),
            (["-k", "1e999"], "-k: expected a number, found '1e999'"),
            (["--every-steps", "99999999999999999999999"],
             "--every-steps: expected 0 to 9007199254740991, found 99999999999999999999999"),
            (["-k"], "-k: expected K behind it, found nothing"),
            (["--sparsity="], "--sparsity: expected a number, found ''"),
        ]:
            self.fails(64, text, "prune", "x", "-o", "y", "-m", "unit", *words)
        self.fails(64, "--epochs: expected 1 to 100000, found 0", "train", "--epochs", "0", "-o", "y")
        self.fails(64, "--epochs: expected a whole number, found '1.5'",
                   "train", "--epochs=1.5", "-o", "y")
        self.fails(64, "--layers: expected a whole number, found ''", "train", "--layers", "3,,4",
                   "-o", "y")
        self.fails(64, "--layers: expected at most", "train", "--layers",
                   ",".join(["9"] * 100), "-o", "y")
        self.fails(64, "--quiet: takes no value, found '3'", "train", "--quiet=3", "-o", "y")
        self.fails(64, "--threads: expected 0 to 1024", "train", "--threads", "9999", "-o", "y")
        self.fails(64, "rising", "sweep", "-k", "50,25", "-o", "y", "--data", self.data)
        self.fails(64, "unknown option '--no-json'", "train", "--no-json", "-o", "y")

    def test_results_come_before_what_is_next(self):
        self.train()
        out, _ = self.lop("inspect", "net.safetensors", stderr=subprocess.STDOUT)
        self.assertRegex(out.splitlines()[-1], "^next: ")
        with open("/dev/full", "wb") as full:
            _, err = self.lop("inspect", "net.safetensors", status=74, stdout=full)
        self.assertEqual(err, "lop: standard output: cannot write: No space left on device\n")

    def test_empty_names(self):
        """What an unset variable of a script leaves: refused before it is taken for a place."""
        for words in (["report", ""], ["inspect", ""], ["compare", "out", ""], ["run", "x", ""],
                      ["data", "show", ""]):
            self.fails(64, "an argument is empty; expected 'lop " + words[0], *words)
        for option, words in (("--output", ["train"]), ("--output", ["sweep"]), ("--recipe", ["train"]),
                              ("--data", ["eval", "x"]), ("--watch-report", ["sweep", "-o", "y"]),
                              ("--output", ["prune", "x", "-m", "unit", "-k", "5"]),
                              ("--figures", ["report", "x"])):
            self.fails(64, f"{option}: expected ", *words, option, "")

    def test_bytes_of_data(self):
        """A cap of one's own on what is declared: it refuses, and lets through what it holds."""
        size = (self.data / "train-images-idx3-ubyte").stat().st_size
        words = ["train", "--data", self.data, "--layers", "4", "--epochs", "1", "-o", "y", "-q"]
        self.fails(65, f"expected at most {size - 1} bytes, found {size}", *words,
                   "--max-data-bytes", size - 1)
        self.lop(*words, "--max-data-bytes", size)
        for command in (["eval", "y"], ["verify", "y", "y"], ["sensitivity", "y"], ["bench", "y"],
                        ["pack", "y", "-o", "z"], ["run", "y", "absent"],
                        ["prune", "y", "-m", "unit", "-k", "50", "-o", "z"],
                        ["fit", "y", "-m", "unit", "--max-loss", "1", "-o", "z"],
                        ["sweep", "-o", "z"]):
            with self.subTest(command=command):
                _, err = self.lop(*command, "--data", self.data, "--max-data-bytes", 999, status=65)
                self.assertIn("expected at most 999 bytes", err)
                self.assertEqual(err.count("\n"), 1, err)

    def test_what_is_missing(self):
        self.fails(64, "--output FILE is missing", "train", "--data", self.data)
        self.fails(64, "--method NAME is missing", "prune", "x", "-k", "5", "-o", "y")
        self.fails(64, "expected 'lop eval FILE", "eval", "--data", self.data)
        self.fails(64, "'b' is one argument too many", "eval", "a", "b", "--data", self.data)

    def test_ends_of_options_and_json(self):
        self.fails(66, "--odd", "inspect", "--", "--odd")
        _, err = self.lop("inspect", "--json", "absent", status=66)
        found = json.loads(err)
        self.assertEqual((found["error"], found["exit"], found["file"]),
                         ("LOP_E_NOT_FOUND", 66, "absent"))
        _, err = self.lop("inspect", "--json", "--bogus", status=64)
        self.assertEqual(json.loads(err)["error"], "LOP_E_ARG")


class Place(tool.LopTest):
    """Where known data sets are kept: as the environment says, and an empty variable is none."""

    def test_order(self):
        empty = {"LOP_DATA": "", "XDG_CACHE_HOME": "", "HOME": ""}
        for named, expected in [
            ({"LOP_DATA": "d", "XDG_CACHE_HOME": "x", "HOME": "h"}, "d/mnist/"),
            ({"XDG_CACHE_HOME": "x", "HOME": "h"}, "x/lop/mnist/"),
            ({"HOME": "h"}, "h/.cache/lop/mnist/"),
        ]:
            self.fails(66, expected, "data", "verify", "mnist", env={**empty, **named})
        self.fails(74, "File name too long", "data", "verify", "mnist",
                   env={**empty, "LOP_DATA": "d" * 5000})

    def test_none(self):
        nowhere = {"LOP_DATA": "", "XDG_CACHE_HOME": "", "HOME": ""}
        expected = "expected a directory to keep data in, found neither LOP_DATA nor HOME set; set LOP_DATA"
        self.train()
        for words in [["data", "get", "mnist"], ["data", "verify", "mnist"], ["data", "show", "mnist"],
                      ["eval", "net.safetensors", "--data", "mnist"],
                      ["train", "--data", "mnist", "-o", "y.safetensors"]]:
            self.fails(73, expected, *words, env=nowhere)
        # What needs no such directory does without, and plans are not kept.
        self.lop("eval", "net.safetensors", "--data", self.data, env=nowhere)
        self.assertIn("no  ", self.lop("data", "list", env=nowhere)[0])
        _, err = self.lop("bench", "net.safetensors", "--data", self.data, "--seconds", "0.1", "-v", env=nowhere)
        self.assertIn("the plan is not kept", err)


class Data(tool.LopTest):
    """Each way in which a data set can be wrong."""

    def broken(self, status, text, part, edit, names_file=True):
        directory = self.here / "broken"
        shutil.copytree(self.data, directory)
        path = directory / part
        path.write_bytes(edit(path.read_bytes()))
        err = self.fails(status, text, "train", "--data", directory, "-o", "y.safetensors")
        self.assertIn(part if names_file else "broken", err)
        shutil.rmtree(directory)

    def test_files(self):
        images, labels, _ = tool.NAMES["train"]
        self.broken(65, "at byte 0", images, lambda b: b"\1\2\3\4" + b[4:])
        self.broken(65, "", images, lambda b: b[:-7])
        self.broken(65, "", images, lambda b: b[:5])
        self.broken(65, "", images, lambda b: b"")
        self.broken(65, "", images, lambda b: b + b"x")
        self.broken(65, "", images, lambda b: b[:4] + b"\xff" * 12 + b[16:])
        self.broken(65, "", labels, lambda b: b[:4] + struct.pack(">I", 599) + b[8:-1])

    def test_labels_out_of_range(self):
        # A label that the training part does not know.
        self.broken(65, "expected test labels from 0 to 3", tool.NAMES["test"][1],
                    lambda b: b[:-1] + b"\xc8", names_file=False)

    def test_no_such_data(self):
        self.fails(66, "fashion-mnist, mnist", "train", "--data", "nothing", "-o", "y")
        self.fails(66, "", "train", "--data", self.here, "-o", "y")

    def test_directory_in_place_of_a_file(self):
        directory = self.here / "broken"
        shutil.copytree(self.data, directory)
        path = directory / tool.NAMES["train"][0]
        path.unlink()
        path.mkdir()
        _, err = self.lop("train", "--data", directory, "-o", "y", status=74)
        self.assertEqual(err.count("\n"), 1)


class Networks(tool.LopTest):
    def setUp(self):
        super().setUp()
        self.train()
        self.path = self.here / "net.safetensors"

    def test_not_a_network(self):
        whole = self.path.read_bytes()
        size = struct.unpack("<Q", whole[:8])[0]
        for name, content in [
            ("empty", b""), ("short", whole[:100]), ("cut", whole[:-1]),
            ("noise", bytes(range(256)) * 9), ("length", b"\xff" * 8 + whole[8:]),
        ]:
            (self.here / name).write_bytes(content)
            for command in (["eval", name, "--data", self.data], ["inspect", name],
                            ["prune", name, "-m", "weight", "-k", "9", "-o", "y"]):
                self.assertIn(f"lop: {name}:", self.fails(65, "", *command))
        self.assertGreater(size, 0)

    def test_nan(self):
        whole = bytearray(self.path.read_bytes())
        whole[-4:] = struct.pack("<f", float("nan"))
        (self.here / "nan").write_bytes(whole)
        err = self.fails(65, "lop: nan: ", "eval", "nan", "--data", self.data)
        self.assertIn("finite", err.lower() + "finite" * ("nan" in err.split(": ", 2)[2].lower()))

    def test_absent_and_directory(self):
        self.fails(66, "absent: cannot open", "eval", "absent", "--data", self.data)
        self.fails(74, "found a directory", "eval", ".", "--data", self.data)

    def test_network_that_does_not_fit(self):
        other = self.here / "other.csv"
        other.write_text("label,a,b\n" + "".join(f"{i % 3},{i},{i + 1}\n" for i in range(60)))
        self.fails(65, "net.safetensors", "eval", "net.safetensors", "--data", other)

    def test_outputs(self):
        prune = ["prune", "net.safetensors", "-m", "weight", "-k", "50", "-o"]
        self.fails(73, "exists already; -f overwrites it", *prune, "net.safetensors")
        self.fails(73, "cannot create", *prune, "nowhere/out")
        self.fails(73, "found a directory", *prune, ".", "-f")
        self.fails(73, "exists already", "train", "--data", self.data, "-o", "net.safetensors")
        self.lop(*prune, "net.safetensors", "-f")

    def test_training_is_not_begun_for_an_output_that_cannot_be(self):
        _, err = self.lop("train", "--data", self.data, "--epochs", "100000", "-o", "no/where",
                          status=73)
        self.assertEqual(err.count("\n"), 1)

    def test_full_and_closed_outputs(self):
        with open("/dev/full", "wb") as full:
            _, err = self.lop("inspect", "net.safetensors", "-q", status=74, stdout=full)
            self.assertEqual(err, "lop: standard output: cannot write: No space left on device\n")
        shell = f'"{tool.LOP}" inspect net.safetensors -q >&-'
        closed = subprocess.run(["sh", "-c", shell], cwd=self.here, stderr=subprocess.PIPE,
                                env=self.environment())
        self.assertEqual(closed.returncode, 74)
        self.assertEqual(closed.stderr.count(b"\n"), 1)
        # A network sent to a full disk, and to a reader that goes away.
        with open("/dev/full", "wb") as full:
            self.lop("prune", "net.safetensors", "-m", "unit", "-k", "9", "-o", "-", "-q",
                     status=74, stdout=full)
        reader, writer = os.pipe()
        os.close(reader)
        _, err = self.lop("inspect", "net.safetensors", "-q", status=141, stdout=writer)
        os.close(writer)
        self.assertEqual(err, "")

    def test_disk_full(self):
        # A limit on the size of files is the disk that is full, without needing a disk. The
        # network is 6.8 kB; OpenMP's own files, where it has some, stay below the limit. The thread
        # sanitizer's file of 512 kB does not, but where it cannot be made it does without.
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        self.fails(74, "cannot write", "prune", "net.safetensors", "-m", "unit", "-k", "0", "-o",
                   "y", preexec_fn=limit, env={"TMPDIR": "/dev/null"})

    def test_standard_input_and_output(self):
        with open(self.path, "rb") as file:
            process = self.start("prune", "-", "-m", "weight", "-k", "50", "-o", "-", stdin=file)
            out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        (self.here / "piped").write_bytes(out)
        self.lop("prune", "net.safetensors", "-m", "weight", "-k", "50", "-o", "direct")
        self.assertEqual((self.here / "direct").read_bytes(), out)

    def test_no_checkpoint_beside_a_device(self):
        self.fails(74, "No space left", "train", "--data", self.data, "--layers", "4", "--epochs", "2", "-q", "-o",
                   "/dev/full")
        self.assertFalse(os.path.exists("/dev/full.checkpoint"))

    def test_nothing_from_a_file_steers_the_terminal(self):
        """Names in files of strangers: a sequence that clears the screen, also by its one character, and a title."""
        evil = "x\x1b[2J\u009b2J\x07\n"
        self.train("plain.safetensors")
        content = (self.here / "plain.safetensors").read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + size])
        for key in ("lop.history", "lop.recipe"):
            record = json.loads(header["__metadata__"][key])
            record.update({"dataset": evil, "network": evil, "data": evil} if key == "lop.history" else {"data": evil})
            header["__metadata__"][key] = json.dumps(record)
            if key == "lop.history":
                record["sparsity"] = record["target_sparsity"] = 0.75
                record.update(weights_total=400, weights_left=100, criterion=evil, schedule=evil, packed=evil)
                line = json.dumps(record) + "\n"
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (self.here / "evil.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size:])
        wrong = json.dumps({"schema": "lop.result/1", evil: 1, "dataset": 1})
        (self.here / "results.jsonl").write_text(line)
        (self.here / "more.jsonl").write_text(line + wrong + "\n")
        for words, shown in [
            (["inspect", "evil.safetensors"], "x?[2J??2J??"),
            (["prune", "evil.safetensors", "-m", "weight", "-k", "50", "-o", "p.safetensors", "-f"], "x?[2J??2J??"),
            (["compare", "results.jsonl"], "x?[2J?2J??"),
            (["report", "results.jsonl"], "weight"),
            (["report", "more.jsonl", "-o", "page.html"], "line 2"),
        ]:
            process = self.start(*words)
            out, err = process.communicate(timeout=60)
            found = (out + err).decode()
            self.assertIn(shown, found, words)
            for byte in evil[1:-1].replace("[2J", "").replace("2J", ""):
                self.assertNotIn(byte, found, words)


if __name__ == "__main__":
    tool.main()
