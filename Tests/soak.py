"""Kills runs at random moments, resumes them on other rank counts, and compares the bits with a run that ran through.

    soak.py [--kills N] [--seed S] [--binary .build/release/ronchi]

Counts (sums that are exact) and numbers whose sums round, static and dynamic scheduling, 1 to 7 ranks. Kills fall inside
the pass: a run is hit at a random time after the first of its frames. Needs h5py (`make venv`). Prints the seed, a line
for each series of kills, how many hit a run that had computed something, and ends with status 1 when a bit differs.
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
"""
# More work for each frame, so that a run lasts long enough to be hit.
JOB += "".join(f"  - radial_profile: {{bins: {bins}}}\n" for bins in range(2, 32))


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


def wait_for_pass(process, log):
    """Until the ranks compute; False where the run ended before."""
    while process.poll() is None:
        with open(log) as lines:
            if " blocks and " in lines.read():
                return True
        time.sleep(0.01)
    return False


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
    elif how in ("TERM", "USR1", "INT"):
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
    parser.add_argument("--detector", default="128,128")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    environment = dict(os.environ, OMPI_MCA_rmaps_base_oversubscribe="1")
    if os.getuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    failed = inside = 0
    with tempfile.TemporaryDirectory() as folder:
        job, result = f"{folder}/job.yml", f"{folder}/result.h5"
        with open(job, "w") as file:
            file.write(JOB)

        def command(ranks, *arguments):
            return ["mpirun", "-n", str(ranks), options.binary, *arguments]

        for kind, more in (("counts", []), ("float", ["--no-noise"])):
            scan = f"{folder}/{kind}.h5"
            subprocess.run(command(2, "simulate", scan, "--scan-shape", options.scan, "--detector-shape",
                                   options.detector, "--quiet", *more), check=True, env=environment, stdout=subprocess.DEVNULL)
            log = f"{folder}/log"

            def start(ranks, scheduling="dynamic"):
                arguments = ["run", job, "-i", scan, "-o", result, "--set", f"run.scheduling={scheduling}"]
                with open(log, "w") as errors:
                    return subprocess.Popen(command(ranks, *arguments), env=environment, stdout=subprocess.DEVNULL,
                                            stderr=errors)

            process = start(2)
            wait_for_pass(process, log)
            begun = time.time()
            if process.wait() != 0:
                print(open(log).read())
                return 1
            duration = time.time() - begun
            expected = digests(result)
            os.remove(result)
            print(f"{kind}: a pass takes {duration:.1f} s on 2 ranks", flush=True)
            kills = 0
            while kills < options.kills // 2:
                history, resumed = [], []
                # A series ends at the latest with the tenth run, which nobody disturbs.
                for attempt in range(10):
                    ranks, scheduling = chance.choice([1, 2, 3, 4, 7]), chance.choice(["static", "dynamic"])
                    process = start(ranks, scheduling)
                    if attempt < 9 and kills < options.kills // 2 and wait_for_pass(process, log):
                        time.sleep(chance.uniform(0, 0.7 * duration))
                        how = chance.choice(["rank", "mpirun", "all", "TERM", "USR1", "INT"])
                        if process.poll() is None:
                            kill(process, how, chance)
                            kills += 1
                            history.append(f"{how} on {ranks} {scheduling}")
                    process.wait(timeout=300)
                    with open(log) as lines:
                        errors = lines.read()
                    resumed += [line.split()[1] for line in errors.splitlines() if line.startswith("resumed")]
                    if os.path.exists(result):
                        break
                if not os.path.exists(result):
                    print(f"FAILED: no result, status {process.returncode}: {errors}")
                    return 1
                same = digests(result) == expected
                failed += not same
                inside += sum(int(done) > 0 for done in resumed)
                print(f"{kind}: {', '.join(history) or 'not killed'}; resumed from {', '.join(resumed) or '-'}; "
                      f"{'same bits' if same else 'DIFFERENT'}", flush=True)
                left = [name for name in os.listdir(folder) if "partial" in name]
                if left:
                    print(f"FAILED: left behind {left}")
                    failed += 1
                os.remove(result)
            os.remove(scan)
    print(f"{inside} resumes from work that was done before a kill")
    print("all bits agree" if not failed else f"{failed} FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
