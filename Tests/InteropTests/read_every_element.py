"""Reads a file with outputs of every shape and element type with h5py, pyUSID and python/ronchi.py, or what ronchi
exported from it.

    read_every_element.py stored RESULT.h5
    read_every_element.py exported RESULT.h5 FOLDER

Element e of every output is e modulo 250, in pairs for complex ones; the last row of all is missing.
Prints one line a check; ends with an exception at the first that fails.
"""
import csv
import json
import os
import sys
import warnings

import h5py
import numpy as np

warnings.simplefilter("ignore")
task, path = sys.argv[1:3]
GROUP = "/Measurement_000/Channel_000/frames-Everything_000"
# name: shape slow first, type, rows of the dataset, kind
OUTPUTS = {
    "object": ((8, 9), "complex64", 72, "image"),
    "modes": ((3, 8, 9), "complex128", 3, "volume"),
    "components": ((8, 6, 4), "float32", 8, "volume"),
    "scores": ((5, 7, 8), "float64", 35, "per_position_profile"),
    "labels": ((5, 7), "int32", 35, "map"),
    "mask": ((6, 4), "uint8", 1, "pattern"),
    "error": ((6,), "float64", 1, "profile"),
    "final_error": ((1,), "float64", 1, "value"),
    "frames": ((5, 7, 6, 4), "float32", 35, "volume"),
    "peaks": ((5, 7, 3, 2), "float64", 35, "table"),
    "peaks_count": ((5, 7), "int32", 35, "map"),
}


def check(name, condition):
    print(("ok    " if condition else "FAILED ") + name)
    assert condition, name


def expected(name):
    shape, dtype, rows, _ = OUTPUTS[name]
    count = int(np.prod(shape))
    complex_ = dtype.startswith("complex")
    values = (np.arange(count * (2 if complex_ else 1)) % 250).astype(float)
    if complex_:
        values = values[0::2] + 1j * values[1::2]
    values = values.reshape(rows, -1)
    if rows > 1:
        missing = {"int32": -2**31, "uint8": 255}.get(dtype, complex(np.nan, np.nan) if complex_ else np.nan)
        values[-1] = missing
    return values.astype(dtype).reshape(shape)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def stored():
    import pyUSID
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python"))
    import ronchi

    with h5py.File(path) as h5, ronchi.open(path, xarray=False) as reader:
        for name, (shape, dtype, rows, kind) in OUTPUTS.items():
            main = h5[GROUP][name]
            wanted = expected(name)
            check(f"{name}: {dtype}, {rows} rows, {kind}", main.dtype == dtype and main.shape[0] == rows
                  and main.attrs["kind"] == kind)
            check(f"{name}: values", same(main[()].reshape(shape), wanted))
            check(f"{name}: missing_value", ("missing_value" in main.attrs) == (dtype in ("int32", "uint8")))
            usid = pyUSID.USIDataset(main)
            form = np.squeeze(usid.get_n_dim_form())
            # Positions first, in each side the fastest first: (X, Y, Qx, Qy) for (Y, X, Qy, Qx).
            sides = len([n for n in usid.pos_dim_labels if n != "arb"])
            axes = list(range(sides))[::-1] + list(range(sides, len(shape)))[::-1]
            turned = np.squeeze(wanted.transpose(axes)) if len(shape) > 1 else np.squeeze(wanted)
            check(f"{name}: pyUSID's N-dimensional form", same(form, turned))
            array = reader["everything"][name]
            check(f"{name}: python/ronchi.py", same(np.asarray(array.values).reshape(shape), wanted))
        modes = pyUSID.USIDataset(h5[GROUP]["modes"])
        check("dimensions of the object", list(modes.spec_dim_labels) == ["object_x", "object_y"]
              and np.allclose(modes.get_spec_values("object_y"), -1 + 0.25 * np.arange(8))
              and list(modes.pos_dim_labels) == ["mode"])
        peaks = h5[GROUP]["peaks"].attrs
        check("columns of the table", list(peaks["column_names"]) == ["y", "x"] and list(peaks["column_units"]) == ["px"] * 2
              and peaks["count"] == "peaks_count")


def exported(folder):
    for name in OUTPUTS:
        check(f"{name}.npy", same(np.load(f"{folder}/{name}.npy"), expected(name)))
    with open(f"{folder}/peaks.csv") as lines:
        rows = list(csv.reader(lines))
    wanted = expected("peaks")[:, :, :, :].reshape(-1, 2)[:-3]
    check("peaks.csv", rows[0] == ["Y [px]", "X [px]", "rank", "y [px]", "x [px]"]
          and np.array_equal(np.array(rows[1:], float)[:, 3:], wanted))
    with open(f"{folder}/object.csv") as lines:
        rows = list(csv.reader(lines))
    read = np.array([[complex(field) for field in row[1:]] for row in rows[1:]])
    check("object.csv", np.array_equal(read, expected("object"), equal_nan=True))
    with open(f"{folder}/info.json") as file:
        results = {entry["output"]: entry for entry in json.load(file)["results"]}
    for name, (shape, dtype, _, kind) in OUTPUTS.items():
        entry = results[name]
        check(f"info: {name}", (tuple(entry["shape"]), entry["element"], entry["kind"]) == (shape, dtype, kind))
    check("info: columns", results["peaks"]["columns"] == [{"name": "y", "unit": "px"}, {"name": "x", "unit": "px"}]
          and "columns" not in results["labels"])


stored() if task == "stored" else exported(sys.argv[3])
print("all checks passed")
