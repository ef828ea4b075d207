"""Kills runs at random moments, resumes them on other rank counts, and compares the bits with a run that ran through.

    soak.py [--kills N] [--seed S] [--binary .build/release/ronchi]

Needs h5py (`make venv`). Prints the seed, a line a kill, and ends with status 1 when a bit differs.
"""
import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import h5py

JOB = """
output: {images: false}
analyses:
  - virtual_detectors: {detectors: {bf: {preset: bf}, adf: {preset: adf}, haadf: {preset: haadf}}}
  - center_of_mass: {}
  - frame_statistics: {}
  - radial_profile: {}
  - radial_profile: {bins: 40}
"""


def digests(path):
    found = {}
    with h5py.File(path, "r") as h5:
        h5.visititems(lambda name, item: found.__setitem__(name, hashlib.sha256(item[()].tobytes()).hexdigest())
                      if isinstance(item, h5py.Dataset) else None)
    return found


def children(pid):
    try:
        out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
        return [int(line) for line in out.split()]
    except ValueError:
        return []


def kill(process, how, chance):
    ranks = children(process.pid)
    if how == "rank" and ranks:
        os.kill(chance.choice(ranks), signal.SIGKILL)
    elif how == "mpirun":
        process.kill()
    elif how == "all":
        for pid in ranks + [process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    elif how in ("TERM", "USR1"):
        process.send_signal(getattr(signal, "SIG" + how))
    process.wait(timeout=60)
    deadline = time.time() + 30
    while any(os.path.exists(f"/proc/{pid}") for pid in ranks) and time.time() < deadline:
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--binary", default=".build/release/ronchi")
    parser.add_argument("--scan", default="96,96")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    environment = dict(os.environ, OMPI_MCA_rmaps_base_oversubscribe="1")
    if os.getuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        job, result = f"{folder}/job.yml", f"{folder}/result.h5"
        with open(job, "w") as file:
            file.write(JOB)

        def command(ranks, *arguments):
            return ["mpirun", "-n", str(ranks), options.binary, *arguments]

        for kind, more in (("counts", []), ("float", ["--no-noise"])):
            scan = f"{folder}/{kind}.h5"
            subprocess.run(command(2, "simulate", scan, "--scan-shape", options.scan, "--detector-shape", "128,128",
                                   "--quiet", *more), check=True, env=environment, stdout=subprocess.DEVNULL)
            begun = time.time()
            subprocess.run(command(2, "run", job, "-i", scan, "-o", result, "--quiet"), check=True, env=environment,
                           stdout=subprocess.DEVNULL)
            duration = time.time() - begun
            expected = digests(result)
            os.remove(result)
            kills = 0
            while kills < options.kills // 2:
                history = []
                while True:
                    ranks = chance.choice([1, 2, 3, 4, 7])
                    process = subprocess.Popen(command(ranks, "run", job, "-i", scan, "-o", result), env=environment,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                    if kills < options.kills // 2:
                        time.sleep(chance.uniform(0.2, 1.2 * duration + 0.1 * ranks))
                    if kills < options.kills // 2 and process.poll() is None:
                        how = chance.choice(["rank", "mpirun", "all", "TERM", "USR1"])
                        kill(process, how, chance)
                        kills += 1
                        history.append(f"{how} on {ranks}")
                        if not os.path.exists(result):
                            continue
                    errors = process.communicate(timeout=300)[1]
                    if not os.path.exists(result):
                        print(f"FAILED: no result, status {process.returncode}: {errors}")
                        return 1
                    break
                same = digests(result) == expected
                failed += not same
                resumed = [line for line in errors.splitlines() if line.startswith("resumed")]
                print(f"{kind}: {', '.join(history) or 'not killed'}; {resumed}; {'same bits' if same else 'DIFFERENT'}",
                      flush=True)
                left = [name for name in os.listdir(folder) if "partial" in name]
                if left:
                    print(f"FAILED: left behind {left}")
                    failed += 1
                os.remove(result)
            os.remove(scan)
    print("all bits agree" if not failed else f"{failed} FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
