"""Reads Ronchi's files with python/ronchi.py and compares every output with plain h5py and with NumPy on the frames.

    read_with_ronchi.py xarray|plain SCAN.h5 RESULT.h5 TWO_MEASUREMENTS.h5 FOLDER

RESULT: of jobs/quickstart.yml, run twice, on a scan of `ronchi simulate` that is not square, with steps of 0.2 and 0.3 Å
and pixels of 1 mrad. TWO_MEASUREMENTS: holds results of two scans. FOLDER: the one of ronchi.py.
Prints one line a check; ends with an exception at the first that fails.
"""
import os
import shutil
import sys
import tempfile
import warnings

import h5py
import numpy as np

way, scan_path, result_path, two_path, folder = sys.argv[1:6]
sys.path.insert(0, folder)
if way == "plain":
    sys.modules["xarray"] = None  # As if it was not installed.
else:
    import xarray
import ronchi

CHANNEL = "Measurement_000/Channel_000/"


def check(name, condition):
    print(("ok    " if condition else "FAILED ") + name)
    assert condition, name


def message(kind, call):
    """What the exception says that the call must raise."""
    try:
        call()
    except kind as problem:
        return str(problem)
    raise AssertionError(f"no {kind.__name__}")


def compare_outputs(result):
    wanted = xarray.DataArray if way == "xarray" else ronchi.Array
    count = 0
    for group in result.groups:
        scan, detector = tuple(group.h5.attrs["scan_shape"]), tuple(group.h5.attrs["detector_shape"])
        shapes = {"map": scan, "pattern": detector, "profile": (-1,), "per_position_profile": scan + (-1,)}
        dims = {"map": ("Y", "X"), "pattern": ("Qy", "Qx"), "profile": ("Radius",),
                "per_position_profile": ("Y", "X", "Radius")}
        for name in group:
            array, stored = group[name], group.h5[name]
            kind = stored.attrs["kind"]
            same = np.array_equal(array.values, stored[()].reshape(shapes[kind]), equal_nan=True)
            check(f"{group.analysis} {group.number} {name}: values", same and array.values.dtype == stored.dtype)
            check(f"{name}: {type(array).__name__}, axes, unit", isinstance(array, wanted) and array.dims == dims[kind]
                  and array.attrs["units"] == array.units == stored.attrs["units"])
            count += 1
    check("every output was read", count == 2 * (4 + 6 + 8 + 3))


def compare_axes(result):
    total = result["frame_statistics"]["total"]
    for axis, step in (("Y", 0.2), ("X", 0.3)):
        along = total.coords[axis]
        check(f"axis {axis}", np.allclose(along.values, step * np.arange(total.shape["YX".index(axis)]))
              and along.units == "Å")
    mean = result["frame_statistics"]["mean"]
    for number, axis in enumerate("yx"):
        along = mean.coords["Q" + axis]
        angle = np.arange(mean.shape[number]) - result.calibration[f"center_{axis}_px"]
        check(f"axis Q{axis}", np.allclose(along.values, angle) and along.units == "mrad")
    profile = result["radial_profile"]["profile"]
    stored = result.h5[CHANNEL + "Profile_Radius_Values"][0]
    check("axis Radius", np.array_equal(profile.coords["Radius"].values, stored))


def compare_orientation(result, frames):
    everything = frames[:].astype(float)
    check("total is upright", np.array_equal(result["frame_statistics"]["total"].values, everything.sum((2, 3))))
    check("sum is upright", np.array_equal(result["frame_statistics"]["sum"].values, everything.sum((0, 1))))
    y = np.arange(everything.shape[2]) - result.calibration["center_y_px"]
    want = np.einsum("abcd,c->ab", everything, y) / everything.sum((2, 3))
    check("deflection_y is upright", np.allclose(result["center_of_mass"]["deflection_y"].values, want))


def check_numpy(result):
    bf = result["virtual_detectors"]["bf"]
    check("NumPy functions", np.isclose(np.mean(bf), bf.values.mean()) and np.array_equal(np.sqrt(bf), np.sqrt(bf.values)))
    check("operators", np.array_equal(bf - 2 * bf, -bf.values) and np.array_equal(bf > 0, bf.values > 0))
    check("asarray", np.asarray(bf) is not None and np.asarray(bf).shape == bf.shape)
    check("indexing", np.array_equal(np.asarray(bf[1, 2:]), bf.values[1, 2:]))


def check_facts(result):
    group = result["virtual_detectors"]
    stored = dict(group.h5.attrs)
    check("the last group", group.number == 1 and result["virtual_detectors", 0].number == 0)
    check("calibration", group.calibration["semiangle_mrad"] == stored["calibration_semiangle_mrad"]
          and result.calibration["energy_eV"] == 200000 and result.calibration_sources["energy"] == "file")
    check("job", group.job == result.job == stored["job"] and "virtual_detectors" in result.job)
    check("parameters", group.parameters["detectors"].source == "job"
          and result.parameters["input.path"].source == "command line")
    check("provenance", result.provenance["command_line"] == stored["command_line"]
          and result.provenance["ronchi_version"] == stored["ronchi_version"])
    check("status", result.status == group.status == "complete" and result.warnings == [])
    check("completed, bad_frames", bool(np.all(group.completed.values)) and not np.any(group.bad_frames.values)
          and group.completed.dims == ("Y", "X"))
    for shown in (result, group, group["bf"], result.measurements[0]):
        check(f"{type(shown).__name__}: repr", 10 < len(repr(shown)) < 4000)
    check("HTML", "<table>" in result._repr_html_() and "<td>bf</td>" in group._repr_html_())


def check_frames(scan):
    with h5py.File(scan_path) as h5:
        raw = h5[CHANNEL + "Raw_Data"][()].reshape(scan.frames.shape)
    frames = scan.frames
    keys = [(3, 4), (slice(None, None, -2), 1, Ellipsis, slice(3, 4)), slice(1, 3), (-1, -1, 0), (slice(1, 1),)]
    check("frames", frames.dtype == raw.dtype and all(np.array_equal(frames[k], raw[k]) for k in keys))
    check("frames: too far", "out of bounds" in message(IndexError, lambda: frames[99]))
    check("truth", scan["simulation_truth"]["phase"].dims == ("Y", "X") and scan.kind == "scan")
    check("frames of a result", scan_path in message(ValueError, lambda: ronchi.open(result_path).frames))


def check_errors(result):
    check("did you mean", "did you mean 'dpc'" not in message(KeyError, lambda: result["virtual_detector"])
          and "did you mean 'virtual_detectors'" in message(KeyError, lambda: result["virtual_detector"]))
    check("an output for an analysis", "['virtual_detectors']['bf']" in message(KeyError, lambda: result["bf"]))
    check("list of outputs", "abf, adf, bf, haadf" in message(KeyError, lambda: result["virtual_detectors"]["xyz"]))
    check("list of numbers", "0, 1" in message(KeyError, lambda: result["virtual_detectors", 7]))
    check("get", result.get("dpc") is None and "virtual_detectors" in result and len(result) == 4)


def check_foreign(folder):
    path = os.path.join(folder, "foreign.h5")
    with h5py.File(path, "w") as h5:
        h5["data"] = [1, 2]
    check("not of Ronchi", "did not write" in message(ValueError, lambda: ronchi.open(path)))
    text = os.path.join(folder, "text.h5")
    with open(text, "w") as file:
        file.write("no HDF5 at all")
    check("not HDF5", "not an HDF5 file" in message(ValueError, lambda: ronchi.open(text)))
    absent = os.path.join(folder, "absent.h5")
    check("no file", "no such file" in message(FileNotFoundError, lambda: ronchi.open(absent)))
    shutil.copy(result_path, absent + ".partial")
    check("unfinished run", ".partial" in message(FileNotFoundError, lambda: ronchi.open(absent)))


def check_partial(folder):
    """A file as a run leaves it that was killed after a third of the positions."""
    path = os.path.join(folder, "result.h5.partial")
    shutil.copy(result_path, path)
    with h5py.File(path, "r+") as h5:
        for group in (h5[CHANNEL + name] for name in h5[CHANNEL] if "-" in name):
            group.attrs["status"] = np.bytes_("running")
            group["completed_positions"][12:] = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ronchi.open(path) as partial:
            check("partial", partial.status == "partial" and "(partial)" in repr(partial))
            check("what is done", partial["center_of_mass"].completed.values.sum() == 12)
    check("a warning", len(caught) == 1 and "34 % of the positions" in str(caught[0].message))


def check_measurements():
    with ronchi.open(two_path) as two:
        shapes = [m.scan_shape for m in two.measurements]
        check("two measurements", len(shapes) == 2 and shapes[0] != shapes[1])
        said = message(ValueError, lambda: two["center_of_mass"])
        check("which one", "measurements[0]['center_of_mass']" in said and "measurements[1]" in said)
        for measurement, shape in zip(two.measurements, shapes):
            check("its map", measurement["center_of_mass"]["deflection_y"].shape == shape)


def check_types(folder):
    """Outputs of other types and more axes, as the model allows them: complex, integers, rows × columns × components."""
    path = os.path.join(folder, "types.h5")
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as h5:
        h5.attrs["file_type"] = "ronchi results"
        measurement = h5.create_group("Measurement_000")
        measurement.attrs.update({"scan_shape": [3, 4], "detector_shape": [5, 6]})
        channel = measurement.create_group("Channel_000")
        group = channel.create_group("Raw_Data-Other_000")
        rows = tables(channel, "Position", {"Y": 3, "X": 4}, True)
        grid = tables(channel, "Object", {"Component": 2, "Object_Y": 5, "Object_X": 7}, False)
        single = tables(channel, "Single_Position", {"arb": 1}, True)
        value = tables(channel, "Single_Value", {"arb": 1}, False)
        made = {
            "complex": (single, grid, rng.normal(size=(1, 70)) + 1j * rng.normal(size=(1, 70)), (2, 5, 7)),
            "labels": (rows, value, np.arange(12, dtype=np.int32)[:, None], (3, 4)),
            "flags": (rows, value, (np.arange(12) % 2).astype(np.uint8)[:, None], (3, 4)),
            "volume": (rows, grid, rng.normal(size=(12, 70)).astype(np.float32), (3, 4, 2, 5, 7)),
            "number": (single, value, np.array([[4.5]]), ()),
        }
        for name, (position, spectroscopic, values, _) in made.items():
            group[name] = values
            for key, table in zip(ronchi._ANCILLARY, position + spectroscopic):
                group[name].attrs[key] = table.ref
            group[name].attrs["units"] = "rad"
    with ronchi.open(path) as file:
        for name, (_, _, values, shape) in made.items():
            array = file["other"][name]
            check(f"{name} {shape}", array.shape == shape and array.dtype == values.dtype
                  and np.array_equal(array.values, values.reshape(shape)))
        check("axes", file["other"]["volume"].dims == ("Y", "X", "Component", "Object_Y", "Object_X"))


def tables(channel, name, axes, is_position):
    """Indices and values, the fastest axis first."""
    indices = np.indices(tuple(axes.values())).reshape(len(axes), -1)[::-1]
    made = []
    for suffix, values in (("Indices", indices.astype(np.uint32)), ("Values", (indices * 0.5).astype(np.float32))):
        table = channel.create_dataset(f"{name}_{suffix}", data=values.T if is_position else values)
        table.attrs["labels"], table.attrs["units"] = list(axes)[::-1], ["Å"] * len(axes)
        made.append(table)
    return made


with ronchi.open(result_path) as result, ronchi.open(scan_path) as scan, tempfile.TemporaryDirectory() as scratch:
    compare_outputs(result)
    compare_axes(result)
    compare_orientation(result, scan.frames)
    check_numpy(result)
    check_facts(result)
    check_frames(scan)
    check_errors(result)
    check_foreign(scratch)
    check_partial(scratch)
    check_types(scratch)
check_measurements()
check("closed", not result.h5)
print("all checks passed")
