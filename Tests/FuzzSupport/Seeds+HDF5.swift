import Foundation
import HDF5

extension Seeds {
  /// HDF5 files of every format that is read, in the old and the new layout of the library, a few kilobytes each.
  public static func hdf5() throws -> [[UInt8]] {
    let folder = FuzzFolder()
    var files: [[UInt8]] = []
    for allowsNewFormat in [false, true] {
      for (number, write) in writers.enumerated() {
        let path = folder.path("seed-\(number)-\(allowsNewFormat).h5")
        var options = HDF5.File.Options()
        options.allowsNewFormat = allowsNewFormat
        do {
          let file = try HDF5.File(path, .create, options: options)
          try write(file)
          try file.close()
        }
        files.append(try folder.read(path))
      }
    }
    return files
  }

  private typealias Writer = @Sendable (borrowing HDF5.File) throws -> Void

  private static let writers: [Writer] = [
    { try plain($0) }, { try chunked($0) }, { try links($0) }, { try h5usid($0) }, { try emd($0) }, { try oldEMD($0) },
    { try hyperSpy($0) }, { try arrays($0) },
  ]

  /// Shape (3, 4, 5, 6).
  private static var pixels: [UInt16] { (0..<360).map { UInt16($0 * 7 % 251) } }
  private static let shape = [3, 4, 5, 6]

  private static func plain(_ file: borrowing HDF5.File) throws {
    try file.createDataset("/entry/frames", shape: shape, of: .u16).write(pixels)
    try file.setAttribute("energy_eV", 200_000.0)
    let group = try file.openGroup("/entry")
    try group.setAttribute("scan_step_A", [0.4, 0.4])
    try group.setAttribute("names", ["a", "longer", ""])
    try group.setAttribute("note", "text of fixed length", length: 24)
  }

  private static func chunked(_ file: borrowing HDF5.File) throws {
    let layout = DatasetLayout.chunked([1, 2, 5, 6], deflate: 4, shuffles: true)
    try file.createDataset("/data", shape: shape, of: .u16, layout: layout).write(pixels)
    try file.createDataset("/stack", shape: [2, 3, 3], type: .number(.f32, .big), layout: .chunked([1, 3, 3]))
      .write((0..<18).map { Float($0) })
  }

  private static func links(_ file: borrowing HDF5.File) throws {
    try file.createDataset("/deep/er/data", shape: shape, of: .u8).write(pixels.map { UInt8(truncatingIfNeeded: $0) })
    try file.createSoftLink("/soft", to: "/deep/er/data")
    try file.createSoftLink("/circle", to: "/circle")
    try file.createExternalLink("/out", to: "../../etc/passwd", "/data")
    try file.createExternalLink("/beside", to: "other.h5", "/data")
    try file.createHardLink("/again/and/again", to: "/deep")
    for number in 0..<20 { try file.createGroup("/many/group\(number)").setAttribute("number", number) }
  }

  private static func h5usid(_ file: borrowing HDF5.File) throws {
    try file.setAttribute("pyUSID_version", "0.0.12")
    let base = "/Measurement_000/Channel_000"
    let main = try file.createDataset("\(base)/Raw_Data", shape: [12, 30], of: .u16)
    try main.write(pixels)
    try main.setAttribute("quantity", "Intensity")
    try main.setAttribute("units", "counts")
    let tables: [(String, Int, [Int], Bool)] = [("Position", 12, [4, 3], true), ("Spectroscopic", 30, [6, 5], false)]
    for (kind, count, sizes, pointsFirst) in tables {
      let slow = (0..<count).map { UInt32($0 / sizes[0]) }
      let fast = (0..<count).map { UInt32($0 % sizes[0]) }
      let values = pointsFirst ? zip(fast, slow).flatMap { [$0, $1] } : fast + slow
      for (name, type) in [("Indices", NumberType.u32), ("Values", .f32)] {
        let path = "\(base)/\(kind)_\(name)"
        let table = try file.createDataset(path, shape: pointsFirst ? [count, 2] : [2, count], of: type)
        if type == .u32 { try table.write(values) } else { try table.write(values.map { Float($0) * 0.5 }) }
        try table.setAttribute("labels", ["X", "Y"])
        try table.setAttribute("units", ["nm", "nm"])
        try main.setAttribute("\(kind)_\(name)", referenceTo: path)
      }
    }
  }

  private static func emd(_ file: borrowing HDF5.File) throws {
    try file.setAttribute("emd_group_type", "file")
    try file.setAttribute("version_major", 1)
    let group = try file.createGroup("/root/datacube")
    try group.setAttribute("emd_group_type", "array")
    try group.setAttribute("python_class", "DataCube")
    try file.createDataset("/root/datacube/data", shape: shape, of: .u16, layout: .chunked([1, 4, 5, 6], deflate: 1))
      .write(pixels)
    for (number, name) in ["Rx", "Ry", "Qx", "Qy"].enumerated() {
      let axis = try file.createDataset("/root/datacube/dim\(number)", shape: [2], of: .f64)
      try axis.write([0, 0.25])
      try axis.setAttribute("name", name)
      try axis.setAttribute("units", number < 2 ? "A" : "A^-1")
    }
    let bundle = "/root/metadatabundle/calibration"
    try file.createDataset("\(bundle)/Q_pixel_size", shape: [], of: .f64).write([0.02])
    try file.createDataset("\(bundle)/Q_pixel_units", shape: [], type: .string(length: nil, isUTF8: true))
      .write(["A^-1"])
    try file.createDataset("\(bundle)/QR_flip", shape: [], type: .boolean)
  }

  private static func oldEMD(_ file: borrowing HDF5.File) throws {
    let path = "/4DSTEM_simulation/data/datacubes/CBED_array_depth0000"
    let group = try file.createGroup(path)
    try group.setAttribute("emd_group_type", 1)
    try file.createDataset("\(path)/datacube", shape: shape, type: .number(.f32, .little))
      .write(pixels.map { Float($0) })
    for (number, name) in ["R_x", "R_y", "Q_x", "Q_y"].enumerated() {
      let axis = try file.createDataset("\(path)/dim\(number + 1)", shape: [shape[number]], of: .f32)
      try axis.write((0..<shape[number]).map { Float($0) * 0.5 })
      try axis.setAttribute("name", name, length: 4)
      try axis.setAttribute("units", "[n_m]", length: 6)
    }
    let metadata = try file.createGroup("/4DSTEM_simulation/metadata/metadata_0/original/simulation_parameters")
    for (name, value) in [("E", 80.0), ("sa", 20), ("rx", 0.5), ("ry", 0.5), ("nqs", 2)] {
      try metadata.setAttribute(name, value)
    }
  }

  private static func hyperSpy(_ file: borrowing HDF5.File) throws {
    try file.setAttribute("file_format", "HyperSpy")
    let group = "/Experiments/scan"
    try file.createDataset("\(group)/data", shape: shape, of: .i32, layout: .chunked([3, 4, 1, 1], deflate: 3))
      .write(pixels.map { Int32($0) })
    for (number, name) in ["y", "x", "ky", "kx"].enumerated() {
      let axis = try file.createGroup("\(group)/axis-\(number)")
      try axis.setAttribute("name", name)
      try axis.setAttribute("units", number < 2 ? "nm" : "mrad")
      try axis.setAttribute("scale", 0.5)
      try axis.setAttribute("offset", -1.0)
      try axis.setAttribute("index_in_array", number)
      try axis.setAttribute("navigate", number < 2)
    }
    let tem = try file.createGroup("\(group)/metadata/Acquisition_instrument/TEM")
    try tem.setAttribute("beam_energy", 300.0)
    try tem.setAttribute("convergence_angle", 21.4)
    try file.createGroup("\(group)/metadata/General").setAttribute("title", "made here")
  }

  /// What masks are read from: `/mask`.
  private static func arrays(_ file: borrowing HDF5.File) throws {
    try file.createDataset("/mask", shape: [5, 6], of: .f32, layout: .chunked([5, 3], deflate: 9))
      .write((0..<30).map { Float($0 % 2) })
    try file.createDataset("/flags", shape: [5, 6], type: .boolean, layout: .chunked([2, 2]))
    try file.createDataset("/text", shape: [3], type: .string(length: 8, isUTF8: true)).write(["a", "b", "c"])
    try file.createDataset("/pairs", shape: [4], type: .complex(.f32, .little))
  }
}
