import Testing

/// HDF5 is used by one test at a time.
@Suite(.serialized) struct USIDTests {}
