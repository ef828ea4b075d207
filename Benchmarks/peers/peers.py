"""A peer in a process of its own: reads cases from standard input, runs each anew, and says how long it took.

    peers.py SETTING FOLDER SCAN_Y SCAN_X WIDTH PIXEL

SETTING: numpy | py4dstem | libertem-EXECUTOR-LAYOUT (EXECUTOR: inline, dask, threads; LAYOUT: contiguous, raw).
A line of input is a case, or a case and a path: then the result is stored there too. A line of output that starts with
"SECONDS " holds the answer. File opened, read and processed anew each time; the executor and its workers live on.
"""
import gc
import os
import sys
import time
import warnings

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
os.environ.setdefault("TQDM_DISABLE", "1")
warnings.filterwarnings("ignore")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import data  # noqa: E402


def means(sums, count):
    return sums / np.maximum(count, 1)


# ---------------------------------------------------------------- NumPy and h5py, row after row of the scan

def numpy_peer(case, scan):
    ny, nx, width, _ = scan.shape
    pixels = width * width
    if case in ("mask1", "mask4", "mask32", "com"):
        if case == "com":
            y, x = np.mgrid[:width, :width].astype(np.float32)
            weights = np.stack([np.ones_like(y), y, x])
        else:
            weights = cases.masks(case, width)
        weights = np.ascontiguousarray(weights.reshape(-1, pixels).T)
    if case == "radial":
        rings = cases.rings(width).ravel()
        count = np.bincount(rings, minlength=cases.BINS + 1)[:cases.BINS]

    def blocks(step=32):
        with h5py.File(scan.path("contiguous")) as file:
            stored = file[data.DATASET]
            buffer = np.empty((min(step, nx), width, width), stored.dtype)
            for y in range(ny):
                for x in range(0, nx, step):
                    part = buffer[:min(step, nx - x)]
                    stored.read_direct(part, np.s_[y, x:x + len(part)])
                    yield y * nx + x, part.reshape(-1, pixels)

    def products():
        out = np.empty((ny * nx, weights.shape[1]), np.float32)
        for start, block in blocks():
            out[start:start + len(block)] = block.astype(np.float32) @ weights
        out = out.T.reshape(-1, ny, nx)
        return out[1:] / out[0] if case == "com" else out

    def statistics():
        exact = scan.pixel.kind == "u"
        total, largest = np.zeros(pixels, np.uint64 if exact else np.float64), np.zeros(pixels, scan.pixel)
        for _, block in blocks():
            total += block.sum(0, dtype=np.uint32 if exact else np.float64)
            np.maximum(largest, block.max(0), out=largest)
        return np.stack([total, total / (ny * nx), largest]).astype(float).reshape(3, width, width)

    def profile():
        out = np.empty((ny * nx, cases.BINS))
        for start, block in blocks():
            for k, frame in enumerate(block):
                out[start + k] = means(np.bincount(rings, frame, cases.BINS + 1)[:cases.BINS], count)
        return out.reshape(ny, nx, -1)

    return {"stats": statistics, "radial": profile}.get(case, products)


# ---------------------------------------------------------------- py4DSTEM

def py4dstem_peer(case, scan):
    from py4DSTEM import DataCube
    ny, nx, width, _ = scan.shape

    def cube():
        with h5py.File(scan.path("contiguous")) as file:
            return DataCube(file[data.DATASET][()])

    def images():
        opened = cube()
        return np.stack([opened.get_virtual_image("mask", mask, verbose=False, name=f"v{i}").data
                         for i, mask in enumerate(cases.masks(case, width))])

    def center_of_mass():
        from py4DSTEM.process.phase import DPC
        done = DPC(energy=200e3, datacube=cube(), verbose=False).preprocess(
            force_com_rotation=0, force_com_transpose=False, plot_center_of_mass=False, plot_rotation=False)
        # Its x is axis 0, our y.
        return np.stack([done._com_measured_x, done._com_measured_y])

    def statistics():
        opened = cube()
        mean = opened.get_dp_mean().data
        return np.stack([mean * ny * nx, mean, opened.get_dp_max().data])

    return {"com": center_of_mass, "stats": statistics, "mask1": images, "mask4": images}[case]


# ---------------------------------------------------------------- LiberTEM

class LiberTEM:
    def __init__(self, executor, layout, scan):
        import libertem.api as api
        how = {"dask": {"cpus": 2, "gpus": 0}}.get(executor, {})
        self.context = api.Context.make_with(executor, **how)
        self.layout, self.scan = layout, scan

    def load(self):
        path = self.scan.path(self.layout)
        if self.layout == "raw":
            return self.context.load(
                "raw", path=path, dtype=self.scan.pixel, nav_shape=self.scan.shape[:2], sig_shape=self.scan.shape[2:])
        return self.context.load("hdf5", path=path, ds_path=data.DATASET)

    def masks(self, case):
        from libertem.udf.masks import ApplyMasksUDF
        stack = cases.masks(case, self.scan.width)
        return ApplyMasksUDF(mask_factories=lambda: stack, mask_count=len(stack), mask_dtype=np.float32)

    def profile(self):
        import sparse
        from libertem.udf.masks import ApplyMasksUDF
        width, rings = self.scan.width, cases.rings(self.scan.width)
        inside = rings < cases.BINS
        weights = 1 / np.maximum(np.bincount(rings[inside], minlength=cases.BINS), 1)

        def stack():
            y, x = np.nonzero(inside)
            ring = rings[inside]
            return sparse.COO(np.stack([ring, y, x]), weights[ring].astype(np.float32), (cases.BINS, width, width))

        return ApplyMasksUDF(mask_factories=stack, mask_count=cases.BINS, mask_dtype=np.float32,
                             use_sparse="scipy.sparse")

    def peer(self, case, scan):
        from libertem.udf.com import CoMUDF
        from libertem.udf.sum import SumUDF
        from largest import MaxUDF
        source, frames = self.load(), scan.shape[0] * scan.shape[1]
        center_of_mass = CoMUDF.with_params()
        make = {
            "mask1": lambda: [self.masks("mask1")], "mask4": lambda: [self.masks("mask4")],
            "mask32": lambda: [self.masks("mask32")], "com": lambda: [center_of_mass],
            "stats": lambda: [SumUDF(), MaxUDF()], "radial": lambda: [self.profile()],
        }
        fused = {"all": ["mask1", "mask4", "com", "stats", "radial"], "fused": ["mask4", "com", "stats"]}
        udfs = [udf for name in fused.get(case, [case]) for udf in make[name]()]

        def stack(result):
            return np.moveaxis(result["intensity"].data, -1, 0)

        def patterns(total, largest):
            total = total["intensity"].data.astype(float)
            return np.stack([total, total / frames, largest["max"].data.astype(float)])

        def center_map(result):
            return np.moveaxis(result["raw_com"].data, -1, 0)

        def run():
            found = self.context.run_udf(source, udfs)
            if case == "all":
                return {"mask1": stack(found[0]), "mask4": stack(found[1]), "com": center_map(found[2]),
                        "stats": patterns(*found[3:5]), "radial": found[5]["intensity"].data}
            if case == "fused":
                return {"mask4": stack(found[0]), "com": center_map(found[1]), "stats": patterns(*found[2:4])}
            if case == "stats":
                return patterns(*found)
            if case == "com":
                return center_map(found[0])
            return found[0]["intensity"].data if case == "radial" else stack(found[0])

        return run


def serve(setting, folder, shape, pixel):
    scan = data.Scan(folder, shape[:2], (shape[2], shape[2]), [], pixel)
    if setting.startswith("libertem"):
        _, executor, layout = setting.split("-")
        build = LiberTEM(executor, layout, scan).peer
    else:
        build = {"numpy": numpy_peer, "py4dstem": py4dstem_peer}[setting]
    built = {}
    print("READY", flush=True)
    for line in sys.stdin:
        case, *path = line.split()
        if case not in built:
            built[case] = build(case, scan)
        gc.collect()
        start = time.perf_counter()
        result = built[case]()
        seconds = time.perf_counter() - start
        if path:
            np.savez(path[0], **(result if isinstance(result, dict) else {case: result}))
        result = None
        print(f"SECONDS {seconds}", flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], [int(n) for n in sys.argv[3:6]], sys.argv[6])
