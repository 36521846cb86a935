"""What happens to people: the disk is full, the power goes, somebody kills it, two start the same.

After each the job is resumed, and what it leaves must be what an undisturbed one leaves, byte for
byte (times and sizes that were measured apart).

torture.py [--long] [NAME…]: NAME is a part (see PARTS); without --long a few moments of each.
"""
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tool

LONG = "--long" in sys.argv
INPUTS = ("data", "ready.safetensors", "cache")
RUNS = "--data data --layers 30,20 --epochs 6 --batch-size 20 --threads 1 -q"
TRAIN = f"train {RUNS} -o net.safetensors --resume -f".split()
SWEEP = (f"sweep {RUNS} --sparsity 0,50,90 --seeds 2 --no-timing --jobs 1 --schedules gradual"
         " --recovery-epochs 2 -o out").split()
PACK = "pack ready.safetensors --data data -o net.lop -f -q".split()


def environment(**more):
    return {**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "LOP_DATA": "cache", **more}


def start(words, where, **more):
    return subprocess.Popen([tool.LOP, *words], cwd=where, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(), **more)


def run(words, where, *statuses, **more):
    process = start(words, where, **more)
    try:
        _, text = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{words[0]} hangs")
    text = text.decode(errors="replace")
    if process.returncode not in (statuses or (0,)):
        raise AssertionError(f"{' '.join(words)}: status {process.returncode}\n{text}")
    return process.returncode, text


class Place:
    """A fresh directory for a job, with its data; and what the job leaves undisturbed."""

    def __init__(self, root):
        self.root = root
        self.data = tool.make_data(root / "data")
        self.ready = root / "ready.safetensors"
        run(f"train {RUNS} -o ready.safetensors".split(), root)
        self.undisturbed = {}
        self.seconds = {}

    def fresh(self, where=None):
        where = where or Path(tempfile.mkdtemp(dir=self.root))
        (where / "data").symlink_to(self.data)
        (where / "ready.safetensors").symlink_to(self.ready)
        return where

    def expected(self, words):
        key = " ".join(words)
        if key not in self.undisturbed:
            where = self.fresh()
            begin = time.monotonic()
            run(words, where)
            self.seconds[key] = time.monotonic() - begin
            self.undisturbed[key] = tool.left(where, INPUTS)
            shutil.rmtree(where)
        return self.undisturbed[key]

    def resume_and_compare(self, words, where):
        run(words, where)
        found, expected = tool.left(where, INPUTS), self.expected(words)
        # Killed between a finished file's link and its rename: whole, under its temporary name. A sweep removes it.
        temporary = {name for name in found if re.search(r"\.lop~[0-9]+-[0-9]+$", name) and words is not SWEEP}
        for name in expected:
            assert name in found, f"{name} is missing"
            assert found[name] == expected[name], f"{name} differs from the undisturbed one"
        more = set(found) - set(expected) - temporary
        assert not more, f"more than the undisturbed job leaves: {sorted(more)}"


def writes(process):
    """Whether it has a file open that has no name yet, or a temporary one: half of an output."""
    for link in Path(f"/proc/{process.pid}/fd").glob("*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if "/#" in target or f".lop~{process.pid}-" in target:
            return True
    return False


def killed(place, words, times):
    """SIGKILL at random moments; half of them while a file is being written."""
    generator = random.Random(1)
    place.expected(words)
    moments = [generator.random() * place.seconds[" ".join(words)] for _ in range(times)]

    def kill_and_go_on(after, writing):
        where = place.fresh()
        process = start(words, where)
        deadline = time.monotonic() + after
        while process.poll() is None and time.monotonic() < deadline:
            if writing and writes(process):
                break
            time.sleep(0.0005 if writing else 0.002)
        process.kill()
        process.communicate()
        if words is PACK:  # it has nothing to resume: what is there is whole, or is not there
            path = where / "net.lop"
            if path.exists():
                run(["inspect", "net.lop"], where)
        place.resume_and_compare(words, where)
        shutil.rmtree(where)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda i: kill_and_go_on(moments[i], i % 2), range(times)):
            pass
    return times


def kill_train(place):
    return killed(place, TRAIN, 500 if LONG else 6)


def kill_sweep(place):
    return killed(place, SWEEP, 200 if LONG else 3)


def kill_pack(place):
    return killed(place, PACK, 200 if LONG else 6)


def signals(place):
    """Asked to stop, paused and woken, and the terminal gone."""
    done = 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGSTOP):
        for moment in (0.1, 0.5, 0.9) if LONG else (0.5,):
            where = place.fresh()
            place.expected(TRAIN)
            process = start(TRAIN, where)
            time.sleep(moment * place.seconds[" ".join(TRAIN)])
            process.send_signal(number)
            if number == signal.SIGSTOP:
                time.sleep(0.2)
                process.send_signal(signal.SIGCONT)
            process.communicate(timeout=300)
            expected = {0} if number == signal.SIGSTOP else {0, 128 + number, -number}
            assert process.returncode in expected, f"{number}: {process.returncode}"
            place.resume_and_compare(TRAIN, where)
            shutil.rmtree(where)
            done += 1
    return done


def terminal_gone(place):
    """The terminal's window is closed: SIGHUP, and nothing that is written there arrives."""
    words = [word for word in TRAIN if word != "-q"]
    done = 0
    for moment in (0.1, 0.5, 0.9) if LONG else (0.5,):
        where = place.fresh()
        place.expected(TRAIN)
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(where)
            os.execve(tool.LOP, [tool.LOP, *words], environment(TERM="xterm"))
        deadline = time.monotonic() + moment * place.seconds[" ".join(TRAIN)]
        while time.monotonic() < deadline:  # read, or it would wait for the terminal
            if select.select([terminal], [], [], 0.005)[0]:
                try:
                    os.read(terminal, 65536)
                except OSError:
                    break
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        # 74: it was done, and could not say so.
        assert status in (0, 74, 128 + signal.SIGHUP, -signal.SIGHUP), status
        place.resume_and_compare(TRAIN, where)
        shutil.rmtree(where)
        done += 1
    return done


def two_at_once(place):
    """Two of the same sweep: one works, the other says who does, with 75."""
    where = place.fresh()
    first = start(SWEEP, where)
    while first.poll() is None and not (where / "out/sweep.lock").exists():
        time.sleep(0.001)
    second = start(SWEEP, where)
    texts = [p.communicate(timeout=300)[1].decode() for p in (first, second)]
    assert first.returncode == 0, texts[0]
    assert second.returncode == 75 and f"process {first.pid} " in texts[1], texts[1]
    place.resume_and_compare(SWEEP, where)
    shutil.rmtree(where)
    return 1


def directory_removed(place):
    """The directory goes away under way: an error, or done; and started again all is well."""
    where = place.fresh()
    place.expected(SWEEP)
    process = start(SWEEP, where)
    time.sleep(place.seconds[" ".join(SWEEP)] / 2)
    shutil.rmtree(where / "out", ignore_errors=True)
    text = process.communicate(timeout=300)[1].decode()
    assert process.returncode in (0, 66, 73, 74), f"{process.returncode}: {text}"
    shutil.rmtree(where / "out", ignore_errors=True)
    place.resume_and_compare(SWEEP, where)
    shutil.rmtree(where)
    return 1


def full_disk(place):
    """A file system of so many bytes, across the checkpoints of a training; then a larger one."""
    if os.geteuid() != 0:
        return "skipped: a small file system is mounted by root alone"
    mount = Path(tempfile.mkdtemp(dir=place.root))
    checkpoint = 1 << 17  # about the bytes of two checkpoints, one of them being written
    sizes = 200 if LONG else 8
    done = 0
    for i in range(sizes):
        size = 4096 * (4 + i * (checkpoint // 4096 * 2) // sizes)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount],
                          capture_output=True).returncode != 0:
            return "skipped: nothing can be mounted here"
        try:
            place.fresh(mount)
            status, text = run(TRAIN, mount, 0, 74)
            if status:
                assert "space" in text and text.startswith("lop: "), text
            for path in mount.glob("*.safetensors*"):
                if not path.is_symlink() and path.name in ("net.safetensors",):
                    tool.safetensors(path)  # whole, or this fails
            subprocess.run(["mount", "-o", "remount,size=16m", mount], check=True)
            place.resume_and_compare(TRAIN, mount)
        finally:
            subprocess.run(["umount", mount], check=True)
        done += 1
    return done


def full_device(place):
    """/dev/full in place of each output."""
    where = place.fresh()
    for words in (TRAIN, PACK, "unpack ready.lop -o X -f".split(),
                  "prune ready.safetensors --method weight --sparsity 50 -o X -f".split()):
        words = [word for word in words if word != "--resume"]  # there is no checkpoint beside a device
        words[words.index("-o") + 1] = "/dev/full"
        if "ready.lop" in words:
            run("pack ready.safetensors --data data -o ready.lop -q".split(), where)
        _, text = run(words, where, 74)
        assert "space" in text, text
    assert not Path("/dev/full").is_file() and not Path("/dev/full.checkpoint").exists()
    shutil.rmtree(where)
    return 4


def clock_back(place):
    """The clock is set back while a sweep runs: nothing waits for it, and no time is negative."""
    if not shutil.which("faketime"):
        return "skipped: faketime is not installed"
    where = place.fresh()
    words = ["faketime", "-f", "-3600x1", tool.LOP, *SWEEP]
    done = subprocess.run(words, cwd=where, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=300, env=environment())
    assert done.returncode == 0, done.stderr.decode()
    for line in (where / "out/results.jsonl").read_text().splitlines():
        result = json.loads(line)
        assert all(result.get(name, 0) >= 0 for name in tool.MEASURED), line
    place.resume_and_compare(SWEEP, where)
    shutil.rmtree(where)
    return 1


PARTS = [kill_train, kill_sweep, kill_pack, signals, terminal_gone, two_at_once, directory_removed, full_disk,
         full_device, clock_back]


def main():
    if not tool.LOP:
        print("LOP names no program")
        sys.exit(77)
    only = [word for word in sys.argv[1:] if word != "--long"]
    root = Path(tempfile.mkdtemp(prefix="lop-torture-"))
    failed = 0
    try:
        place = Place(root)
        for part in PARTS:
            if only and part.__name__ not in only:
                continue
            begin = time.monotonic()
            try:
                what = part(place)
            except AssertionError as error:
                failed += 1
                what = f"FAILED: {error}"
            print(f"{part.__name__}: {what} ({time.monotonic() - begin:.1f} s)", flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if failed else 0)


main()
