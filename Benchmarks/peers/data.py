"""The same frames in every layout that is timed."""
import os
import subprocess

import h5py
import hdf5plugin
import numpy as np

#: layout → what it is.
LAYOUTS = {
    "contiguous": "HDF5, contiguous",
    "frames": "HDF5, one frame per chunk",
    "bitshuffle": "HDF5, one frame per chunk, bitshuffle + LZ4",
    "gzip": "HDF5, one frame per chunk, gzip",
    "shuffle-gzip": "HDF5, one frame per chunk, shuffle + gzip",
    "zstd": "HDF5, one frame per chunk, zstd",
    "lz4": "HDF5, one frame per chunk, LZ4",
    "raw": "raw binary",
    "npy": ".npy",
    "big-endian": ".npy, big-endian",
    "mib": "Merlin .mib, 12 bit (big-endian, a header before every frame)",
}
FILTERS = {
    "frames": {},
    "bitshuffle": hdf5plugin.Bitshuffle(cname="lz4"),
    "gzip": {"compression": "gzip", "compression_opts": 4},
    "shuffle-gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "zstd": hdf5plugin.Zstd(clevel=3),
    "lz4": hdf5plugin.LZ4(),
}
DATASET = "data"
#: The simulated scan's dataset.
RAW_DATA = "Measurement_000/Channel_000/Raw_Data"
HEADER = 384
#: NumPy's names of pixel types and ours.
PIXELS = {"u1": "u8", "u2": "u16", "f4": "f32"}
#: Electrons per pattern: some ten counts a pixel in the disk, so that the codecs have something to do.
DOSE = "1000000"


class Scan:
    """A simulated scan and its copies in other layouts, in one folder."""

    def __init__(self, folder, scan, detector, simulate, pixel="u2"):
        self.folder, self.shape, self.pixel = folder, (*scan, *detector), np.dtype(pixel)
        self.source = os.path.join(folder, "scan.h5")
        if not os.path.exists(self.source):
            shape = ["--scan-shape", "{},{}".format(*scan), "--detector-shape", "{},{}".format(*detector)]
            subprocess.run([*simulate, self.source, *shape, "--dose", DOSE, "--quiet"], check=True,
                           stdout=subprocess.DEVNULL)

    @property
    def width(self):
        return self.shape[-1]

    @property
    def bytes(self):
        return self.pixel.itemsize * int(np.prod(self.shape))

    def path(self, layout):
        ending = {"raw": "raw", "npy": "npy", "big-endian": "npy", "mib": "mib"}.get(layout, "h5")
        return os.path.join(self.folder, f"{layout}-{self.pixel.str[1:]}.{ending}")

    def remove(self, layout):
        if os.path.exists(self.path(layout)):
            os.remove(self.path(layout))

    def rows(self):
        """Row after row of the scan, (scan x, detector y, detector x); counts beyond a type's largest are cut."""
        most = np.iinfo(self.pixel).max if self.pixel.kind == "u" else None
        with h5py.File(self.source) as file:
            data = file[RAW_DATA]
            for y in range(self.shape[0]):
                row = data[y * self.shape[1]:(y + 1) * self.shape[1]].reshape(self.shape[1:])
                yield y, (row if most is None else np.minimum(row, most)).astype(self.pixel)

    def make(self, layout):
        path = self.path(layout)
        if os.path.exists(path):
            return path
        part = path + ".part"
        if path.endswith(".h5"):
            self._hdf5(layout, part)
        elif layout == "mib":
            self._merlin(part)
        else:
            self._flat(layout, part)
        os.rename(part, path)
        self._forget(path)
        return path

    @staticmethod
    def _forget(path):
        """Out of the page cache, which keeps files in pages of the size in which they were written: read back, all
        layouts lie there alike."""
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)

    def _hdf5(self, layout, path):
        how = {} if layout == "contiguous" else {"chunks": (1, 1, *self.shape[2:]), **FILTERS[layout]}
        with h5py.File(path, "w") as file:
            data = file.create_dataset(DATASET, self.shape, self.pixel, **how)
            for y, row in self.rows():
                data[y] = row

    def _flat(self, layout, path):
        kind = self.pixel.newbyteorder(">" if layout == "big-endian" else "<")
        if layout == "raw":
            target = np.memmap(path, kind, "w+", shape=self.shape)
        else:
            target = np.lib.format.open_memmap(path, "w+", kind, self.shape)
        for y, row in self.rows():
            target[y] = row
        target.flush()

    def _merlin(self, path):
        """Frames of big-endian 16-bit words, each after a header, as the counter depth of 12 bits is stored."""
        height, width = self.shape[2:]
        number = 0
        with open(path, "wb") as file:
            for _, row in self.rows():
                for frame in row:
                    number += 1
                    text = f"MQ1,{number:06},{HEADER:05},01,{width:04},{height:04},U16,   1x1,0F," \
                        "2024-02-29 12:00:00.000000,0.001000,0,0,0,2.000000E+0,5.110000E+2," \
                        "MQ1A,2024-02-29T12:00:00.000000000Z,1000000ns,12,"
                    file.write(text.encode().ljust(HEADER, b"\0"))
                    file.write(frame.astype(">u2").tobytes())

    def input(self, layout):
        """How Ronchi is told to read a layout."""
        scan, detector = ("{},{}".format(*part) for part in (self.shape[:2], self.shape[2:]))
        options = {
            "raw": ["--format", "raw", "--scan-shape", scan, "--detector-shape", detector, "--pixel-type",
                    PIXELS[self.pixel.str[1:]]],
            "mib": ["--scan-shape", scan],
        }
        return ["--input", self.path(layout), *options.get(layout, [])]

    def warm(self, layout):
        """Into the page cache."""
        with open(self.path(layout), "rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
