"""Opens a Ronchi output with h5py, pyUSID and HyperSpy and compares it with NumPy on the input.

    open_with_peers.py RESULT.h5 INPUT.npy CENTER_Y CENTER_X

Prints one line a check; ends with an exception at the first that fails.
"""
import sys
import warnings

import h5py
import numpy as np

warnings.simplefilter("ignore")
result, source, cy, cx = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
data = np.load(source)
ny, nx, ky, kx = data.shape
base = "/Measurement_000/Channel_000/"


def check(name, condition):
    print(("ok    " if condition else "FAILED ") + name)
    assert condition, name


with h5py.File(result, "r") as h5:
    groups = [name for name in h5[base] if "-" in name]
    check("four results groups", len(groups) == 4)
    for name in groups:
        done = h5[base + name]["completed_positions"][()]
        check(f"{name}: completed_positions all 1", done.shape == (ny * nx,) and bool((done == 1).all()))
        for key in ("tool", "algorithm", "source_file_path", "source_dataset_path", "timestamp", "machine_id"):
            check(f"{name}: attribute {key}", key in h5[base + name].attrs)
    statistics = base + next(name for name in groups if "Frame_Statistics" in name)
    flat = data.reshape(ny * nx, ky * kx).astype(np.float64)
    check("sum pattern", np.array_equal(h5[statistics]["sum"][0].reshape(ky, kx)[()], flat.sum(0).reshape(ky, kx)))
    check("std pattern", np.allclose(h5[statistics]["std"][0], flat.std(0), rtol=1e-9, atol=1e-12))
    check("total map", np.array_equal(h5[statistics]["total"][:, 0], flat.sum(1)))

import pyUSID

with h5py.File(result, "r") as h5:
    mains = pyUSID.hdf_utils.get_all_main(h5)
    check("pyUSID finds main datasets", len(mains) >= 12)
    total = next(pyUSID.USIDataset(h5[m.name]) for m in mains if m.name.endswith("/total"))
    form = np.asarray(total.get_n_dim_form())
    labels = list(total.n_dim_labels)
    order = [labels.index("Y"), labels.index("X")]
    image = np.moveaxis(form.squeeze(), 0, -1) if order[0] > order[1] else form.squeeze()
    check("USIDataset: N-dimensional form", np.array_equal(image, data.sum((2, 3), dtype=np.float64)))
    check("USIDataset: position names", sorted(total.pos_dim_labels) == ["X", "Y"])
    steps = total.get_pos_values("Y")
    check("USIDataset: position values", len(steps) == ny and np.allclose(np.diff(steps), 0.4))
    pattern = next(pyUSID.USIDataset(h5[m.name]) for m in mains if m.name.endswith("/mean"))
    check("USIDataset: detector names", sorted(pattern.spec_dim_labels) == ["Qx", "Qy"])
    check("USIDataset: detector values", np.isclose(np.diff(pattern.get_spec_values("Qy")), 1.2).all())

    yy, xx = np.mgrid[:ky, :kx]
    deflection = next(pyUSID.USIDataset(h5[m.name]) for m in mains if m.name.endswith("/deflection_y"))
    want = (data * (yy - cy)).sum((2, 3)) / data.sum((2, 3))
    check("center of mass", np.allclose(np.asarray(deflection)[:, 0].reshape(ny, nx), want, rtol=1e-9, atol=1e-12))

import hyperspy.api as hs

signals = hs.load(result, reader="USID", dataset_path=statistics.rstrip("/") + "/total")
signals = signals if isinstance(signals, list) else [signals]
check("HyperSpy reads a map", any(np.array_equal(np.sort(np.ravel(s.data)), np.sort(flat.sum(1))) for s in signals))
print("all checks passed")
