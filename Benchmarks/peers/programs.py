"""Runs what is compared: Ronchi under mpirun, peers in processes of their own, and the program that only reads."""
import os
import re
import subprocess
import sys
import threading
import time

import h5py
import numpy as np

import cases

HERE = os.path.dirname(os.path.abspath(__file__))
#: Largest difference from Ronchi's result, relative to the largest value.
TOLERANCE = 2e-5


class Ronchi:
    """The `GB in X s` of the run's own summary: from opening the input to the closed output."""

    def __init__(self, binary, scan, jobs):
        self.binary, self.scan, self.jobs = binary, scan, jobs
        self.output = os.path.join(scan.folder, "result.h5")
        os.makedirs(jobs, exist_ok=True)
        for i, mask in enumerate(cases.masks("mask32", scan.width)):
            np.save(self.mask(i), mask)

    def mask(self, i):
        return os.path.join(self.jobs, f"mask{i}.npy")

    def command(self, case, layout, ranks):
        job = os.path.join(self.jobs, f"{case}.yml")
        with open(job, "w") as file:
            file.write(cases.job(case, self.scan.width, self.mask))
        return ["mpirun", "-n", str(ranks), self.binary, "run", job, *self.scan.input(layout), "--output", self.output,
                "--overwrite", "--no-images", "--quiet"]

    def seconds(self, case, layout="contiguous", ranks=2, environment={}):
        done = subprocess.run(self.command(case, layout, ranks), env={**os.environ, **environment},
                              stdout=subprocess.PIPE, text=True, check=True)
        return float(re.search(r"GB in ([0-9.]+) s", done.stdout).group(1))

    def results(self, case):
        with h5py.File(self.output) as file:
            return cases.results(case, file, self.scan.width)

    def memory(self, case, layout="contiguous", ranks=2):
        """MB of private memory of the largest rank at its peak, sampled every 5 ms, shared memory of MPI included."""
        process = subprocess.Popen(self.command(case, layout, ranks), stdout=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            for child in children(process.pid):
                peak = max(peak, private_memory(child))
            time.sleep(0.005)
        return peak / 1e6


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(n) for n in file.read().split()]
    except OSError:
        return []


def private_memory(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            found = re.findall(r"^Rss(?:Anon|Shmem):\s+(\d+) kB", file.read(), re.M)
    except OSError:
        return 0
    return 1024 * sum(int(n) for n in found)


class Peer:
    def __init__(self, setting, scan):
        self.setting = setting
        environment = {**os.environ, "PYTHONPATH": HERE, "PYTHONWARNINGS": "ignore", "MPLBACKEND": "Agg"}
        # Its BLAS at its best, whatever this session forces upon others.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peers.py"), setting, scan.folder, *map(str, scan.shape[:3]),
             scan.pixel.str[1:]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
            cwd=scan.folder)
        self._answer("READY")

    def _answer(self, word):
        for line in self.process.stdout:
            if line.startswith(word):
                return line
        raise SystemExit(f"{self.setting} ended without an answer; run peers.py by hand to see why")

    def seconds(self, case, path=""):
        print(case, path, file=self.process.stdin, flush=True)
        return float(self._answer("SECONDS").split()[1])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def difference(ours, theirs):
    """The largest difference of two results, relative to the largest value of each array."""
    return max(float(np.nanmax(np.abs(ours[k] - theirs[k])) / np.nanmax(np.abs(ours[k]))) for k in theirs)


def reading_limit(path, processes, repeats, folder):
    """Median seconds of the faster way to read, in processes that only sum the file's bytes."""
    return min(reading_ways(path, processes, repeats, folder).values())


def reading_ways(path, processes, repeats, folder):
    """Median seconds by `mmap` and by `pread`."""
    program = os.path.join(folder, "limit")
    if not os.path.exists(program):
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O3", "-march=native", os.path.join(HERE, "limit.c"), "-o", program], check=True)
    done = subprocess.run([program, path, str(processes), str(repeats)], stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        kind, seconds = line.split()
        found.setdefault(kind, []).append(float(seconds))
    return {kind: float(np.median(values)) for kind, values in found.items()}


class Foreign:
    """Cores that other programs kept busy since it was made."""

    def __init__(self):
        self.start = self._now()

    @staticmethod
    def _now():
        with open("/proc/stat") as file:
            busy = [int(n) for n in file.readline().split()[1:9]]
        own = os.times()
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(busy[i] for i in (0, 1, 2, 5, 6, 7)) / ticks, sum(own[:4]), time.perf_counter()

    def cores(self):
        busy, own, seconds = (b - a for a, b in zip(self.start, self._now()))
        return max(0.0, busy - own) / seconds
