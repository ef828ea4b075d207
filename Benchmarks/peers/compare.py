"""Compares Ronchi with what a user would pick instead, on the same frames, alternately, and prints the ratios.

    compare.py BINARY [--scan Y,X] [--detector N] [--pixel u1|u2|f4] [--repeat N] [--only peers,scaling] [--cases mask1,com,…]
               [--folder PATH] [--write docs/benchmarks.md]
"""
import argparse
import datetime
import os
import platform
import statistics
import subprocess
import tempfile
import textwrap

import hdf5plugin
import numpy as np

import cases
import data
from programs import TOLERANCE, Foreign, Peer, Ronchi, difference, reading_limit, reading_ways

#: Settings of LiberTEM that were the fastest for some case.
LIBERTEM = ["libertem-dask-raw", "libertem-dask-contiguous", "libertem-threads-raw"]
#: py4DSTEM needs half a minute for the masks and minutes for the profile, and has nothing like the whole job.
PY4DSTEM = ["mask1", "mask4", "com", "sums", "stats"]
NUMPY = ["mask1", "mask4", "com", "sums", "stats", "mask32", "radial"]
CODECS = ["bitshuffle", "gzip", "shuffle-gzip", "zstd", "lz4"]


def median(values):
    return statistics.median(values) if values else float("nan")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def seconds(value):
    return "–" if value != value else f"{value:.3f}"


def compare_peers(scan, ronchi, chosen, repeat):
    for layout in ("contiguous", "raw"):
        scan.make(layout)
        scan.warm(layout)
    peers = {name: Peer(name, scan) for name in [*LIBERTEM, "numpy", "py4dstem"]}
    rows = []
    for case in chosen:
        takers = LIBERTEM + (["numpy"] if case in NUMPY else []) + (["py4dstem"] if case in PY4DSTEM else [])
        check(case, scan, ronchi, [peers[name] for name in takers])
        times = {name: [] for name in [*takers, "ours"]}
        theirs = cases.THEIRS.get(case, case)
        for turn in range(repeat):
            for name in takers:
                if name != "py4dstem" or turn < 3:
                    times[name].append(peers[name].seconds(theirs))
                times["ours"].append(ronchi.seconds(case))
        found = {name: median(values) for name, values in times.items()}
        best = min(LIBERTEM, key=lambda name: found[name])
        ratio, wanted = found[best] / found["ours"], cases.CASES[case][1]
        rows.append([
            cases.CASES[case][0], seconds(found["ours"]), f"{scan.bytes / found['ours'] / 1e9:.1f}",
            seconds(found[best]), best.removeprefix("libertem-").replace("-", ", "), f"**{ratio:.1f}**", f"{wanted:g}",
            seconds(found.get("numpy", float("nan"))), seconds(found.get("py4dstem", float("nan")))])
        print(rows[-1], flush=True)
    for peer in peers.values():
        peer.close()
    head = ["case", "ours [s]", "GB/s", "LiberTEM [s]", "its best setting", "ratio", "aim", "NumPy [s]", "py4DSTEM [s]"]
    return table(head, rows)


def compare_scaling(scan, ronchi, chosen, repeat):
    """One rank and two beside as many processes that only read, with no peer in memory."""
    path = scan.make("contiguous")
    scan.warm("contiguous")
    rows = []
    for case in chosen:
        ronchi.seconds(case)
        times = {name: [] for name in ("one", "two", "reader", "readers")}
        for _ in range(repeat):
            times["one"].append(ronchi.seconds(case, ranks=1))
            times["reader"].append(reading_limit(path, 1, 1, scan.folder))
            times["two"].append(ronchi.seconds(case))
            times["readers"].append(reading_limit(path, 2, 1, scan.folder))
        found = {name: median(values) for name, values in times.items()}
        ours, machine = found["one"] / found["two"], found["reader"] / found["readers"]
        rows.append([
            cases.CASES[case][0], seconds(found["one"]), seconds(found["two"]), f"**{ours:.2f}**", f"{machine:.2f}",
            f"{100 * ours / machine:.0f} %", f"{100 * found['readers'] / found['two']:.0f} %"])
        print(rows[-1], flush=True)
    head = ["case", "1 rank [s]", "2 ranks [s]", "ratio", "of only reading", "share of it", "2 ranks: rate of only reading"]
    return table(head, rows)


def check(case, scan, ronchi, peers):
    """Every program's result against ours, which also warms everything up."""
    ronchi.seconds(case)
    ours = ronchi.results(case)
    for peer in peers:
        path = os.path.join(scan.folder, "peer.npz")
        peer.seconds(cases.THEIRS.get(case, case), path)
        theirs = np.load(path)
        off = difference(ours, {name: theirs[name] for name in theirs.files})
        if not off < TOLERANCE:
            raise SystemExit(f"{case}: {peer.setting} and Ronchi differ by {off:.1e}; nothing is timed")


def compare_limits(scan, repeat):
    scan.make("contiguous")
    scan.warm("contiguous")
    rows = []
    for n in (1, 2):
        ways = reading_ways(scan.path("contiguous"), n, repeat, scan.folder)
        best = min(ways.values())
        rows.append([str(n), seconds(ways["mmap"]), seconds(ways["pread"]), f"{scan.bytes / best / 1e9:.1f}"])
    return table(["processes that only read and sum the file", "mapped [s]", "copied [s]", "faster [GB/s]"], rows)


def compare_layouts(scan, ronchi, repeat, case):
    """Each layout beside the contiguous one; compressed ones also through HDF5's own filters."""
    scan.make("contiguous")
    rows = []
    for layout in list(data.LAYOUTS)[1:]:
        if layout == "mib" and scan.pixel != np.uint16:
            continue
        existed = os.path.exists(scan.path(layout))
        scan.make(layout)
        scan.warm(layout)
        scan.warm("contiguous")
        ways = {"ours": (layout, {}), "contiguous": ("contiguous", {})}
        if layout in CODECS + ["frames"]:
            ways["hdf5"] = (layout, {"RONCHI_CHUNKS": "hdf5", "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH})
        times = {name: [] for name in ways}
        for _ in range(repeat):
            for name, (where, environment) in ways.items():
                times[name].append(ronchi.seconds(case, where, environment=environment))
        found = {name: median(values) for name, values in times.items()}
        size = os.path.getsize(scan.path(layout))
        pipeline = found.get("hdf5", float("nan"))
        rows.append([
            data.LAYOUTS[layout], f"{scan.bytes / size:.1f}", seconds(found["ours"]),
            f"{scan.bytes / found['ours'] / 1e9:.2f}", f"{100 * found['contiguous'] / found['ours']:.0f} %",
            seconds(pipeline), "–" if pipeline != pipeline else f"**{pipeline / found['ours']:.2f}**"])
        print(rows[-1], flush=True)
        if not existed:
            scan.remove(layout)
    head = ["layout", "compression", "ours [s]", "GB/s", "of the contiguous rate", "HDF5's own filters [s]", "ratio"]
    return table(head, rows)


def compare_memory(scan, ronchi):
    scan.make("contiguous")
    rows = [[cases.CASES[case][0], f"{ronchi.memory(case):.0f}"] for case in cases.CASES]
    return table(["case", "MB per rank"], rows)


def heading(scan, repeat, foreign):
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()
    size = " × ".join(map(str, scan.shape))
    text = (
        f"{model}, {os.cpu_count()} cores, Linux {platform.release()}; {size} {scan.pixel}, "
        f"{scan.bytes / 1e9:.2f} GB in the page cache; medians of {repeat}; "
        f"commit {commit or 'unknown'}, {datetime.date.today()}; {foreign:.2f} cores were busy with other programs.")
    return textwrap.fill(text, 118)


def write(path, name, text):
    with open(path) as file:
        old = file.read()
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    if begin not in old:
        raise SystemExit(f"{path} has no line {begin.strip()}")
    head, rest = old.split(begin, 1)
    with open(path, "w") as file:
        file.write(head + begin + text + "\n" + end + rest.split(end, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--scan", default="128,128")
    parser.add_argument("--detector", type=int, default=256)
    parser.add_argument("--pixel", default="u2", choices=sorted(data.PIXELS))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", default="limits,peers,scaling,layouts,memory")
    parser.add_argument("--cases", default=",".join(cases.CASES))
    parser.add_argument("--layout-case", default="com")
    parser.add_argument("--folder", help="keeps the data there; without it they are removed")
    parser.add_argument("--write", help="the file whose tables are replaced")
    options = parser.parse_args()
    shape = tuple(int(n) for n in options.scan.split(","))
    binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.abspath(options.folder or scratch)
        os.makedirs(folder, exist_ok=True)
        scan = data.Scan(folder, shape, (options.detector, options.detector), ["mpirun", "-n", "2", binary, "simulate"],
                         options.pixel)
        ronchi = Ronchi(binary, scan, os.path.join(folder, "jobs"))
        sections = {
            "limits": lambda: compare_limits(scan, options.repeat),
            "peers": lambda: compare_peers(scan, ronchi, options.cases.split(","), options.repeat),
            "scaling": lambda: compare_scaling(scan, ronchi, options.cases.split(","), options.repeat),
            "layouts": lambda: compare_layouts(scan, ronchi, options.repeat, options.layout_case),
            "memory": lambda: compare_memory(scan, ronchi),
        }
        for name in options.only.split(","):
            foreign = Foreign()
            found = sections[name]()
            text = heading(scan, options.repeat, foreign.cores()) + "\n\n" + found
            print(f"\n{text}\n", flush=True)
            if options.write:
                write(options.write, name, text)


if __name__ == "__main__":
    main()
