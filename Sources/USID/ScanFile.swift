import HDF5
import STEM

/// Files with a whole scan: `/Measurement_000/Channel_000/Raw_Data`, positions × pixels, contiguous.
public enum ScanFile {
  /// Whether Ronchi wrote the file to hold a scan.
  public static func isScanFile(_ path: String) -> Bool {
    guard (try? File.isHDF5(path)) == true, let file = try? File(path) else { return false }
    return (try? file.attribute("file_type")?.string) == Names.scanFile
  }

  /// Lays out a new file on one rank, as `ResultFile.create` does; the frames have their place but no values yet.
  /// The results that come with it refer to the scan as their `source_000`.
  public static func create(_ path: String, _ layout: ScanFileLayout) throws -> ResultPlaces {
    try layout.check()
    return try ResultFile.createFile(path, bytes: layout.bytes) { file in
      try ResultFile.describeRoot(file, type: Names.scanFile, layout.bookkeeping)
      let writer = LayoutWriter(
        scan: layout.scan, detector: layout.detector, calibration: layout.calibration,
        source: SourceReference(filePath: nil, datasetPath: "/Raw_Data"), bookkeeping: layout.bookkeeping,
        measurement: Names.numbered("/Measurement", 0))
      try writer.createMeasurement(in: file)
      var places = ResultPlaces(measurement: writer.measurement)
      places.frames = try writer.createFrames(layout, in: file)
      for group in layout.groups { try writer.createGroup(group, run: RunAttributes(), in: file, &places) }
      return places
    }
  }
}
