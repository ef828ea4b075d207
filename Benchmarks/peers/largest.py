"""The largest value over all frames for LiberTEM, in a module so that its workers find it."""
import numpy as np
from libertem.udf.base import UDF


class MaxUDF(UDF):
    def get_result_buffers(self):
        return {"max": self.buffer(kind="sig", dtype=self.meta.input_dtype)}

    def process_tile(self, tile):
        np.maximum(self.results.max, tile.max(axis=0), out=self.results.max)

    def merge(self, dest, src):
        np.maximum(dest.max, src.max, out=dest.max)
