"""Reads the results of Ronchi into labeled arrays.

    import ronchi

    with ronchi.open("result.h5") as result:
        bf = result["virtual_detectors"]["bf"]     # axes Y, X with values and units

Needs NumPy and h5py. An output is an ``xarray.DataArray`` where xarray is installed, otherwise an :class:`Array`.
The layout of the files is described in docs/output-format.md.
"""
from __future__ import annotations

import builtins
import difflib
import html
import importlib
import os
import re
import warnings as _warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import h5py
import numpy as np

__version__ = "0.1.0"
__all__ = ["open", "Array", "File", "Frames", "Group", "Measurement", "Missing", "Setting"]

_ANCILLARY = ("Position_Indices", "Position_Values", "Spectroscopic_Indices", "Spectroscopic_Values")
_BOOKKEEPING = {"timestamp", "machine_id", "platform", "pyUSID_version", "ronchi_version"}


def open(path: str | os.PathLike, xarray: bool | None = None) -> File:
    """Opens a result of ``ronchi run`` or a scan of ``ronchi simulate`` for reading.

    path: The file; the ``.partial`` file of an unfinished run is read too, with a Python warning.
    xarray: True gives ``xarray.DataArray``, False gives :class:`Array`; by default xarray is used where it is installed.
    Raises FileNotFoundError, or ValueError for a file that Ronchi did not write.
    """
    return File(path, xarray)


class Setting(NamedTuple):
    """A value of a job and where it came from: job, command line, file, instrument, measured, or default."""

    value: Any
    source: str


class Missing(KeyError):
    """A name that a file does not have. The message lists the names that it has."""

    def __init__(self, kind: str, name: object, known: list[str], hint: str = ""):
        close = difflib.get_close_matches(str(name), known, 1)
        meant = f"; did you mean {close[0]!r}?" if close else "."
        listed = ", ".join(known) if known else "none"
        self.message = f"no {kind} is named {name!r}{meant} There are: {listed}.{' ' + hint if hint else ''}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class Array(np.lib.mixins.NDArrayOperatorsMixin):
    """An array with named axes, for use without xarray. NumPy functions and operators accept it and give plain arrays.

    values: numpy.ndarray. dims: names of its axes. coords: a one-dimensional Array for every axis that has values.
    attrs: attributes of the output, among them ``units``.
    """

    def __init__(self, values: np.ndarray, dims: tuple[str, ...], coords: dict[str, Array], attrs: dict, name: str):
        self.values, self.dims, self.coords, self.attrs, self.name = values, tuple(dims), coords, attrs, name

    @property
    def units(self) -> str:
        """Unit of the values; empty for pure numbers."""
        return self.attrs.get("units", "")

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)
    dtype = property(lambda self: self.values.dtype)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        values = self.values if dtype is None else self.values.astype(dtype, copy=False)
        return values.copy() if copy else values

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        plain = [x.values if isinstance(x, Array) else x for x in inputs]
        if any(isinstance(x, Array) for x in options.get("out", ())):
            return NotImplemented
        return getattr(ufunc, method)(*plain, **options)

    def __getitem__(self, key):
        return self.values[key]

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        axes = " × ".join(f"{d} {n}" for d, n in zip(self.dims, self.shape)) or "single value"
        unit = f" [{self.units}]" if self.units else ""
        return f"<ronchi.Array {self.name}: {axes}, {self.dtype}{unit}>\n{self.values!r}"


class _Names(Mapping):
    """A mapping that equals only itself: comparing two would read and compare all arrays."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class File(_Names):
    """An open file of Ronchi: a mapping from names of analyses to their results groups. A context manager.

    ``file["dpc"]`` is the last results group of the analysis (as ``ronchi export`` chooses it), ``file["dpc", 0]`` the
    one with this number. In a file with several measurements, go through ``file.measurements``.
    """

    def __init__(self, path: str | os.PathLike, xarray: bool | None = None):
        self.path = os.fspath(path)
        self._labels = _choose_labels(xarray)
        self.h5 = _open_hdf5(self.path)
        self._grids: dict[tuple, _Grid] = {}
        try:
            self.attrs = _attributes(self.h5)
            self.kind = _kind(self.path, self.attrs)
            names = sorted(n for n, v in self.h5.items() if re.fullmatch(r"Measurement_\d+", n) and "Channel_000" in v)
            self.measurements = [Measurement(self, self.h5[n]) for n in names]
        except BaseException:
            self.h5.close()
            raise
        if self.status == "partial":
            _warnings.warn(f"{self.path}: {self._progress()}; the rest is NaN", stacklevel=3)

    def close(self) -> None:
        """Closes the file. Arrays that were read stay valid, ``frames`` does not."""
        self.h5.close()

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getitem__(self, key: str | tuple[str, int]) -> Group:
        name = key[0] if isinstance(key, tuple) else key
        holders = [m for m in self.measurements if name in m]
        if len(holders) > 1:
            numbers = ", ".join(f"measurements[{self.measurements.index(m)}]" for m in holders)
            raise ValueError(f"{name} is in {numbers}; choose one, for example .{numbers.split(',')[0]}[{name!r}]")
        if holders:
            return holders[0][key]
        owners = [g.analysis for g in self.groups if name in g]
        hint = f"It is an output: [{owners[-1]!r}][{name!r}]." if owners else ""
        raise Missing("analysis", name, list(self), hint)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({name for m in self.measurements for name in m}))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @property
    def groups(self) -> list[Group]:
        """All results groups of all measurements."""
        return [g for m in self.measurements for g in m.groups]

    @property
    def status(self) -> str:
        """``partial`` where a group has not been finished, otherwise ``complete``."""
        return "complete" if all(g.status == "complete" for g in self.groups) else "partial"

    @property
    def warnings(self) -> list[str]:
        """What the runs warned about, each text once."""
        return list(dict.fromkeys(text for g in self.groups for text in g.warnings))

    @property
    def job(self) -> str:
        """The resolved job of the last run as YAML; each group has its own."""
        return self._last.job

    @property
    def parameters(self) -> dict[str, Setting]:
        """Every value of the last run's job by its path, with its source."""
        return self._last.settings

    @property
    def provenance(self) -> dict[str, Any]:
        """Who, when, where, and with what the last run was made; each group has its own."""
        return self._last.provenance

    @property
    def calibration(self) -> dict[str, Any]:
        """Calibration of the measurement; each group has the one that it was computed with."""
        return self._only.calibration

    @property
    def calibration_sources(self) -> dict[str, str]:
        """Where each value of the calibration came from."""
        return self._only.calibration_sources

    @property
    def frames(self) -> Frames:
        """Frames of a simulated scan, read when they are indexed."""
        return self._only.frames

    @property
    def _last(self) -> Group:
        if not self.groups:
            raise ValueError(f"{self.path} holds no results group")
        return max(self.groups, key=lambda g: (str(g.attrs.get("start_time", "")), g.number))

    @property
    def _only(self) -> Measurement:
        if len(self.measurements) != 1:
            raise ValueError(f"{self.path} holds {len(self.measurements)} measurements; choose one of .measurements")
        return self.measurements[0]

    def _grid_pair(self, dataset: h5py.Dataset, shapes: Mapping[str, Any]) -> _GridPair:
        """Axes of a Main dataset. shapes: holds scan_shape and detector_shape."""
        tables = [self.h5[dataset.attrs[name]] for name in _ANCILLARY]
        rows = self._grid(tables[0], tables[1], True, _shape(shapes, "scan_shape"))
        return _GridPair(rows, self._grid(tables[2], tables[3], False, _shape(shapes, "detector_shape")))

    def _grid(self, indices: h5py.Dataset, values: h5py.Dataset, is_position: bool, full: tuple) -> _Grid:
        key = (indices.name, values.name, full)
        if key not in self._grids:
            tables = [t[()].T if is_position else t[()] for t in (indices, values)]
            attrs = _attributes(values)
            self._grids[key] = _Grid(*tables, list(attrs["labels"]), list(attrs["units"]), full)
        return self._grids[key]

    def _progress(self) -> str:
        done = [g.h5["completed_positions"][()] for g in self.groups
                if g.status == "partial" and "completed_positions" in g.h5]
        share = min((float(np.mean(d != 0)) for d in done), default=0.0)
        return f"the run that writes it is not finished, {100 * share:.0f} % of the positions are done"

    def __repr__(self) -> str:
        lines = [f"<ronchi.File {self.path}: {self.kind}, {self.status}>"]
        for number, m in enumerate(self.measurements):
            prefix = f"measurements[{number}] " if len(self.measurements) > 1 else ""
            lines.append(f"{prefix}scan {m._shape_text('scan')}, detector {m._shape_text('detector')}")
            lines += [f"  {g._title()}: {', '.join(g)}" for g in m.groups]
        return "\n".join(lines + [f"  warning: {text}" for text in self.warnings])

    def _repr_html_(self) -> str:
        rows = [row for g in self.groups for row in g._rows()]
        notes = "".join(f"<li>{html.escape(text)}</li>" for text in self.warnings)
        head = html.escape(f"{self.path}: {self.kind}, {self.status}")
        return f"<b>{head}</b>{_table(('analysis', 'output', 'axes', 'unit', 'summary'), rows)}<ul>{notes}</ul>"


class Measurement(_Names):
    """One source, a dataset of one file with its scan and detector shape: a mapping from analyses to results groups."""

    def __init__(self, file: File, h5: h5py.Group):
        self.file, self.h5, self.attrs = file, h5, _attributes(h5)
        channel = h5["Channel_000"]
        names = [n for n, kind in _members(channel, h5py.Group) if re.fullmatch(r".+-.+_\d{3,}", n)]
        self.groups = [Group(self, channel[n]) for n in sorted(names)]

    @property
    def scan_shape(self) -> tuple[int, ...]:
        """Positions (y, x)."""
        return _shape(self.attrs, "scan_shape")

    @property
    def detector_shape(self) -> tuple[int, ...]:
        """Detector pixels (y, x)."""
        return _shape(self.attrs, "detector_shape")

    @property
    def calibration(self) -> dict[str, Any]:
        """Values by name, the unit at the end of the name: ``energy_eV``."""
        return _calibration(self._calibrating)[0]

    @property
    def calibration_sources(self) -> dict[str, str]:
        """Where each value came from: job, command line, file, instrument, measured, or default."""
        return _calibration(self._calibrating)[1]

    @property
    def _calibrating(self) -> dict[str, Any]:
        return {k: v for k, v in self.attrs.items() if k not in _BOOKKEEPING
                and not k.startswith(("source_", "dose_")) and k not in ("scan_shape", "detector_shape")}

    @property
    def frames(self) -> Frames:
        """Frames of a simulated scan, read when they are indexed."""
        raw = self.h5["Channel_000"].get("Raw_Data")
        if raw is None:
            source = self.attrs.get("source_file_path", "the input file")
            raise ValueError(f"{self.file.path} is a result and holds no frames; they are in {source}")
        return Frames(raw, self.file._grid_pair(raw, self.attrs))

    def __getitem__(self, key: str | tuple[str, int]) -> Group:
        name, number = key if isinstance(key, tuple) else (key, None)
        groups = [g for g in self.groups if g.analysis == name]
        if not groups:
            raise Missing("analysis", name, list(self))
        if number is None:
            return max(groups, key=lambda g: g.number)
        for g in groups:
            if g.number == number:
                return g
        raise Missing(f"group of {name}", number, [str(g.number) for g in groups])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({g.analysis for g in self.groups}))

    def __len__(self) -> int:
        return len({g.analysis for g in self.groups})

    def _shape_text(self, grid: str) -> str:
        return " × ".join(map(str, _shape(self.attrs, grid + "_shape"))) or "unknown"

    def __repr__(self) -> str:
        lines = [f"<ronchi.Measurement {self.h5.name} of {self.file.path}>"]
        return "\n".join(lines + [f"  {g._title()}: {', '.join(g)}" for g in self.groups])


class Group(_Names):
    """Results of one run of one analysis: a mapping from names of outputs to labeled arrays, read at access."""

    def __init__(self, measurement: Measurement, h5: h5py.Group):
        self.measurement, self.h5, self.attrs = measurement, h5, _attributes(h5)
        tool, number = re.fullmatch(r".+-(.+)_(\d{3,})", h5.name.rsplit("/", 1)[1]).groups()
        self.analysis: str = self.attrs.get("analysis", tool.lower())
        self.number = int(number)
        self._outputs = [n for n, _ in _members(h5, h5py.Dataset) if all(a in h5[n].attrs for a in _ANCILLARY)]

    @property
    def status(self) -> str:
        """``complete``, or ``partial`` where the run has not ended."""
        return "complete" if self.attrs.get("status", "complete") == "complete" else "partial"

    @property
    def warnings(self) -> list[str]:
        """What the run warned about."""
        found = self.attrs.get("warnings", [])
        texts = found.split("; ") if isinstance(found, str) else [str(text) for text in found]
        return [text for text in texts if text]

    @property
    def job(self) -> str:
        """The resolved job as YAML; saved as a file it gives the same results again."""
        return self.attrs.get("job", "")

    @property
    def parameters(self) -> dict[str, Setting]:
        """Parameters of the analysis, with their sources."""
        return {k[len("parameter_"):]: _setting(v) for k, v in self.attrs.items() if k.startswith("parameter_")}

    @property
    def settings(self) -> dict[str, Setting]:
        """Every value of the job by its path, with its source."""
        pairs = (line.split(" = ", 1) for line in self.attrs.get("parameters", []))
        return {pair[0]: _setting(pair[1]) for pair in pairs if len(pair) == 2}

    @property
    def calibration(self) -> dict[str, Any]:
        """The calibration that the group was computed with, the unit at the end of each name."""
        return _calibration(self._calibrating)[0]

    @property
    def calibration_sources(self) -> dict[str, str]:
        """Where each value of the calibration came from."""
        return _calibration(self._calibrating)[1]

    @property
    def _calibrating(self) -> dict[str, Any]:
        return {k[len("calibration_"):]: v for k, v in self.attrs.items() if k.startswith("calibration_")}

    @property
    def provenance(self) -> dict[str, Any]:
        """Attributes of the run: command line, times, hosts, versions, input; and numbers that belong to the whole scan."""
        left_out = {"job", "parameters", "warnings"}
        return {k: v for k, v in self.attrs.items()
                if k not in left_out and not k.startswith(("calibration_", "parameter_"))}

    @property
    def completed(self) -> Any:
        """Positions that are done: a map (Y, X) of booleans."""
        return self._map("completed_positions")

    @property
    def bad_frames(self) -> Any:
        """Positions whose frame could not be read: a map (Y, X) of booleans."""
        return self._map("bad_frames")

    def _map(self, name: str) -> Any:
        shape = self._shape("scan_shape")
        stored = self.h5[name][()] if name in self.h5 else np.zeros(shape)
        axes = next((p.axes for p in map(self._grids, self._outputs) if p and len(p.axes) >= 2
                     and p.axes[0].name == "Y" and p.axes[1].name == "X"), None)
        axes = axes[:2] if axes else [_Axis("Y", "", None), _Axis("X", "", None)]
        return self.measurement.file._labels(stored.reshape(shape) != 0, axes, {"units": ""}, name)

    def _shape(self, key: str) -> tuple[int, ...]:
        return _shape(self.attrs, key) or _shape(self.measurement.attrs, key)

    def _grids(self, name: str) -> _GridPair:
        shapes = {key: self._shape(key) for key in ("scan_shape", "detector_shape")}
        return self.measurement.file._grid_pair(self.h5[name], shapes)

    def __getitem__(self, name: str) -> Any:
        if name not in self._outputs:
            raise Missing(f"output of {self.analysis}", name, list(self))
        grids = self._grids(name)
        values = grids.arrange(self.h5[name][()])
        hidden = _BOOKKEEPING | set(_ANCILLARY)
        attrs = {k: v for k, v in _attributes(self.h5[name]).items() if k not in hidden}
        return self.measurement.file._labels(values, grids.axes, attrs, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    def _title(self) -> str:
        several = sum(g.analysis == self.analysis for g in self.measurement.groups) > 1
        unfinished = "" if self.status == "complete" else f" ({self.status})"
        return f"{self.analysis}{f', {self.number}' if several else ''}{unfinished}"

    def _rows(self) -> list[tuple[str, ...]]:
        rows = []
        for name in self._outputs:
            attrs = _attributes(self.h5[name])
            axes = " × ".join(f"{a.name} {n}" for a, n in zip(self._grids(name).axes, self._grids(name).shape))
            rows.append((self._title(), name, axes, attrs.get("units", ""), attrs.get("summary", "")))
        return rows

    def __repr__(self) -> str:
        rows = [f"  {n}: {axes or 'single value'}{f' [{unit}]' if unit else ''}  {summary}"
                for _, n, axes, unit, summary in self._rows()]
        return "\n".join([f"<ronchi.Group {self._title()}: {self.status}>", *rows])

    def _repr_html_(self) -> str:
        rows = [row[1:] for row in self._rows()]
        return f"<b>{html.escape(self._title())}</b>{_table(('output', 'axes', 'unit', 'summary'), rows)}"


class Frames:
    """Frames of a scan, shape (Y, X, Qy, Qx). Indexing as in NumPy (integers and slices) reads only what it needs."""

    def __init__(self, dataset: h5py.Dataset, grids: _GridPair):
        self._dataset, self._grids = dataset, grids
        if not grids.is_raster or len(grids.shape) != 4:
            raise ValueError(f"{dataset.name}: its rows are no raster of a scan and its columns none of a detector")
        self.shape, self.dims, self.dtype = grids.shape, tuple(a.name for a in grids.axes), dataset.dtype
        self.coords = {a.name: a.array() for a in grids.axes}
        self.attrs = {k: v for k, v in _attributes(dataset).items() if k not in _BOOKKEEPING | set(_ANCILLARY)}

    ndim = 4
    units = property(lambda self: self.attrs.get("units", ""))
    size = property(lambda self: int(np.prod(self.shape)))
    nbytes = property(lambda self: self.size * self.dtype.itemsize)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        key = key if isinstance(key, tuple) else (key,)
        if Ellipsis in [k for k in key if k is Ellipsis]:
            at = next(i for i, k in enumerate(key) if k is Ellipsis)
            key = key[:at] + (slice(None),) * (4 - len(key) + 1) + key[at + 1:]
        if len(key) > 4 or not all(isinstance(k, (int, np.integer, slice)) for k in key):
            raise IndexError("frames take up to four integers or slices: [y, x, qy, qx]")
        key += (slice(None),) * (4 - len(key))
        rows = np.arange(self.shape[0] * self.shape[1]).reshape(self.shape[:2])[key[:2]]
        frames = self._read(np.ravel(rows)).reshape(np.shape(rows) + self.shape[2:])
        return frames[(slice(None),) * np.ndim(rows) + key[2:]]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Rows in the order given; consecutive ones are read at once."""
        frames = np.empty((len(rows), self._dataset.shape[1]), self.dtype)
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        for begin, end in zip(starts, [*starts[1:], len(rows)]):
            frames[begin:end] = self._dataset[rows[begin]:rows[begin] + end - begin]
        return frames

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        frames = self[:]
        return frames if dtype is None else frames.astype(dtype, copy=False)

    def __repr__(self) -> str:
        axes = " × ".join(f"{d} {n}" for d, n in zip(self.dims, self.shape))
        return f"<ronchi.Frames {axes}, {self.dtype}, {self.nbytes / 1e9:.3g} GB; nothing is read before it is indexed>"


class _Axis(NamedTuple):
    """One named axis. values: None where the file has none."""

    name: str
    unit: str
    values: np.ndarray | None

    def array(self) -> Array:
        return Array(self.values, (self.name,), {}, {"units": self.unit}, self.name)


class _Grid:
    """Axes of the rows or the columns of a Main dataset, slow first, from its two ancillary datasets."""

    def __init__(self, indices: np.ndarray, values: np.ndarray, labels: list[str], units: list[str], full: tuple):
        """indices, values: axes × points, the fastest axis first. full: the shape to restore (y, x), or empty."""
        order = range(len(indices))[::-1]
        axes = [(labels[i], units[i], indices[i], values[i]) for i in order]
        if len(axes) == 1 and axes[0][0] == "arb" and indices.shape[1] == 1:
            axes = []
        self.shape = tuple(int(index.max()) + 1 for _, _, index, _ in axes)
        places = np.ravel_multi_index([a[2].astype(np.intp) for a in axes], self.shape) if axes else np.zeros(1, int)
        self.is_raster = np.array_equal(places, np.arange(len(places)))
        if not np.array_equal(np.sort(places), np.arange(np.prod(self.shape, dtype=int))):
            raise ValueError("the index table names a point twice or leaves one out; the file is damaged")
        self.order = None if self.is_raster else np.argsort(places)
        self.axes = [_Axis(name, unit, _along(index, value)) for name, unit, index, value in axes]
        if len(self.axes) == 1 and len(full) == 2 and np.prod(full) == len(places):
            self._widen(full)

    def _widen(self, full: tuple) -> None:
        """One or two points have a single axis in the file; gives back the other one."""
        known = self.axes[0]
        names = {"X": ("Y", "X"), "Y": ("Y", "X"), "Qx": ("Qy", "Qx"), "Qy": ("Qy", "Qx")}.get(known.name)
        if names is None:
            return
        values = known.values
        self.axes = [_Axis(n, known.unit, values if len(values) == size else np.zeros(size))
                     for n, size in zip(names, full)]
        self.shape = tuple(full)


class _GridPair:
    """Axes of a Main dataset: those of its rows, then those of its columns."""

    def __init__(self, rows: _Grid, columns: _Grid):
        self.rows, self.columns = rows, columns
        self.axes = rows.axes + columns.axes
        self.shape = rows.shape + columns.shape
        self.is_raster = rows.is_raster and columns.is_raster

    def arrange(self, stored: np.ndarray) -> np.ndarray:
        """The stored rows × columns as an array of `shape`."""
        if self.rows.order is not None:
            stored = stored[self.rows.order]
        if self.columns.order is not None:
            stored = stored[:, self.columns.order]
        return stored.reshape(self.shape)


def _along(index: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values of one axis in the order of its indices."""
    return values[np.unique(index, return_index=True)[1]]


def _choose_labels(wanted: bool | None):
    """The function that makes a labeled array of values, axes, attributes, and a name."""
    if wanted is not False:
        try:
            return _xarray_labels(importlib.import_module("xarray"))
        except ImportError:
            if wanted:
                raise ImportError("xarray is not installed; install it, or leave xarray=True out") from None
    return _own_labels


def _xarray_labels(module):
    def label(values, axes, attrs, name):
        coords = {a.name: ((a.name,), a.values, {"units": a.unit}) for a in axes if a.values is not None}
        return module.DataArray(values, dims=[a.name for a in axes], coords=coords, attrs=attrs, name=name)

    return label


def _own_labels(values, axes, attrs, name) -> Array:
    coords = {a.name: a.array() for a in axes if a.values is not None}
    return Array(values, tuple(a.name for a in axes), coords, attrs, name)


def _open_hdf5(path: str) -> h5py.File:
    if not os.path.exists(path):
        if os.path.exists(path + ".partial"):
            raise FileNotFoundError(
                f"{path}: there is no such file, but {path}.partial of an unfinished run is there; the same `ronchi run` "
                f"command finishes it, or open {path}.partial for what is done")
        raise FileNotFoundError(f"{path}: there is no such file; check the path (it is relative to {os.getcwd()})")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path}: a folder; give the .h5 file that `ronchi run` wrote")
    with builtins.open(path, "rb"):
        pass  # An unreadable file gives the system's own error.
    if not h5py.is_hdf5(path):
        raise ValueError(f"{path}: not an HDF5 file; ronchi.open reads results of `ronchi run` and scans of `ronchi simulate`")
    try:
        return h5py.File(path, "r")
    except OSError:  # A file system without locks; reading needs none, as finished files do not change.
        return h5py.File(path, "r", locking=False)


def _kind(path: str, attrs: dict) -> str:
    kind = str(attrs.get("file_type", ""))
    if not kind.startswith("ronchi "):
        raise ValueError(
            f"{path}: an HDF5 file that Ronchi did not write (its attribute file_type is {kind or 'missing'!r}); "
            "h5py, pyUSID, or HyperSpy may open it")
    return kind[len("ronchi "):]


def _members(group: h5py.Group, kind: type) -> list[tuple[str, Any]]:
    """Names of the children of a kind, without following links out of the file."""
    found = ((name, group.get(name, getclass=True)) for name in group
             if isinstance(group.get(name, getlink=True), h5py.HardLink))
    return [(name, cls) for name, cls in found if cls is kind]


def _attributes(h5: Any) -> dict[str, Any]:
    return {name: _plain(value) for name, value in h5.attrs.items()}


def _plain(value: Any) -> Any:
    """Bytes as text, arrays of texts as lists, single numbers as Python's."""
    if isinstance(value, bytes):
        return value.decode().rstrip("\0 ")
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return [_plain(v) for v in value.ravel()]
    return value.item() if isinstance(value, np.generic) else value


def _shape(attrs: Mapping[str, Any], name: str) -> tuple[int, ...]:
    return tuple(int(n) for n in np.ravel(attrs.get(name, ())))


def _calibration(attrs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values and sources. Older files name a source `…_origin`."""
    marks = ("_source", "_origin")
    values = {k: v for k, v in attrs.items() if not k.endswith(marks)}
    return values, {k[:-len("_source")]: v for k, v in attrs.items() if k.endswith(marks)}


def _setting(text: Any) -> Setting:
    """`12 (default)` → 12 and `default`. What is not a single number, boolean, or null stays text."""
    match = re.fullmatch(r"(.*) \(([a-z ]+)\)", str(text), re.S)
    value, source = match.groups() if match else (str(text), "")
    words = {"true": True, "false": False, "null": None}
    if value in words:
        return Setting(words[value], source)
    for number in (int, float):
        try:
            return Setting(number(value), source)
        except ValueError:
            pass
    return Setting(value, source)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["<tr>" + "".join(f"<{tag}>{html.escape(str(c))}</{tag}>" for c in row) + "</tr>"
             for tag, row in [("th", head), *(("td", row) for row in rows)]]
    return f"<table>{''.join(lines)}</table>"
