import Foundation
import HDF5
import STEM
import Testing

@testable import USID

extension USIDTests {
  @Suite struct Structure {
    let folder: Folder
    let path: String

    init() throws {
      folder = try Folder()
      path = folder("out.h5")
      _ = try ResultFile.create(path, Example.layout())
    }

    @Test("every group and dataset carries the bookkeeping that h5USID asks for")
    func bookkeeping() throws {
      let file = try File(path)
      let stamp = /\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d/
      func check<Object: HDF5Object & ~Copyable>(_ object: borrowing Object) throws {
        let time = try #require(try object.attribute("timestamp")?.string)
        #expect(try stamp.wholeMatch(in: time) != nil)
        #expect(try object.attribute("pyUSID_version") == .string("0.0.12"))
        #expect(try object.attribute("ronchi_version") == .string("1.2.3"))
        #expect(try object.attribute("machine_id")?.string?.isEmpty == false)
        #expect(try object.attribute("platform")?.string?.hasPrefix("Linux-") == true)
      }
      try check(file)
      var count = 0
      try walk(file) { path, kind in
        count += 1
        if kind == .group { try check(file.openGroup(path)) } else { try check(file.openDataset(path)) }
      }
      #expect(count > 20)
    }

    @Test("results groups are named Source-Tool_NNN and say where the frames are")
    func resultsGroups() throws {
      let file = try File(path)
      let group = try file.openGroup("\(Example.channel)/frames-Center_Of_Mass_000")
      #expect(try group.attribute("tool") == .string("Center_Of_Mass"))
      #expect(try group.attribute("analysis") == .string("center_of_mass"))
      #expect(try group.attribute("algorithm") == .string("First moments"))
      #expect(try group.attribute("num_source_dsets") == .int(1))
      #expect(try group.attribute("source_file_path") == .string("/data/scan.h5"))
      #expect(try group.attribute("source_dataset_path") == .string("/entry/frames"))
      // A reference cannot reach into another file.
      #expect(try !group.hasAttribute("source_000"))
      #expect(try group.attribute("outer_radius") == .string("12 mrad"))
      #expect(try group.attribute("bins") == .ints([1, 2]))
      #expect(try group.attribute("job") == .string("analyses:\n  - center_of_mass: {}\n"))
      #expect(try group.attribute("ranks") == .int(2))
      #expect(try file.exists("\(Example.channel)/frames-Radial_Profile_000/mean_profile"))
    }

    @Test("a dash in the source's name is replaced, and its true path kept")
    func dashInSource() throws {
      let other = folder("dash.h5")
      let source = SourceReference(filePath: "/data/a-b.emd", datasetPath: "/my-group/data-cube")
      _ = try ResultFile.create(other, Example.layout(source: source))
      let group = try File(other).openGroup("\(Example.channel)/data_cube-Center_Of_Mass_000")
      #expect(try group.attribute("source_dataset_path") == .string("/my-group/data_cube"))
      #expect(try group.attribute("source_dataset_path_original") == .string("/my-group/data-cube"))
    }

    @Test("Main datasets are 2-D, contiguous and allocated, and refer to ancillary datasets that fit")
    func mains() throws {
      let file = try File(path)
      let expected = [
        "frames-Center_Of_Mass_000/deflection_y": [15, 1], "frames-Center_Of_Mass_000/deflection_x": [15, 1],
        "frames-Frame_Statistics_000/sum": [1, 24], "frames-Radial_Profile_000/profile": [15, 3],
        "frames-Radial_Profile_000/mean_profile": [1, 3],
      ]
      for (name, shape) in expected {
        let main = try file.openDataset("\(Example.channel)/\(name)")
        #expect(main.shape == shape)
        guard case .contiguous(.some) = try main.layout() else {
          Issue.record("\(name) is not contiguous and allocated")
          continue
        }
        #expect(try main.attribute("quantity")?.string?.isEmpty == false)
        #expect(try main.attribute("units")?.string != nil)
        for (side, axis) in [("Position", 0), ("Spectroscopic", 1)] {
          let indices = try #require(try main.attribute("\(side)_Indices")?.reference)
          let values = try #require(try main.attribute("\(side)_Values")?.reference)
          let index = try file.openDataset(indices)
          let value = try file.openDataset(values)
          let (size, otherSize) = (index.shape, value.shape)
          #expect(size == otherSize && size[axis] == shape[axis])
          let types = [index.elementType, value.elementType]
          #expect(types == [.number(.u32), .number(.f32)])
          let labels = try index.attribute("labels")?.strings
          let others = try value.attribute("labels")?.strings
          #expect(labels == others && labels?.count == size[1 - axis])
          let units = try index.attribute("units")?.strings
          #expect(units?.count == size[1 - axis])
        }
      }
    }

    @Test("the fastest dimension stands first, as the specification says; values carry the calibration")
    func ancillary() throws {
      let file = try File(path)
      let indices = try file.openDataset("\(Example.channel)/Position_Indices")
      let values = try file.openDataset("\(Example.channel)/Position_Values")
      #expect(try indices.attribute("labels") == .strings(["X", "Y"]))
      #expect(try indices.attribute("units") == .strings(["Å", "Å"]))
      let index = try indices.values(as: Int.self)
      let value = try values.values(as: Float.self)
      for position in 0..<15 {
        let (y, x) = (position / 5, position % 5)
        #expect(index[2 * position] == x && index[2 * position + 1] == y)
        #expect(value[2 * position] == Float(0.5 * Double(x)) && value[2 * position + 1] == Float(0.4 * Double(y)))
      }
      let detector = try file.openDataset("\(Example.channel)/Spectroscopic_Values")
      #expect(try detector.attribute("labels") == .strings(["Qx", "Qy"]))
      #expect(try detector.attribute("units") == .strings(["mrad", "mrad"]))
      let angles = try detector.values(as: Float.self)
      for pixel in 0..<24 {
        #expect(abs(angles[pixel] - Float((Double(pixel % 6) - 2.5) * 1.5)) < 1e-5)
        #expect(abs(angles[24 + pixel] - Float((Double(pixel / 6) - 1.25) * 1.2)) < 1e-5)
      }
    }

    @Test("one status for all groups of a pass, hard-linked, all zero at first")
    func completedIsShared() throws {
      let file = try File(path)
      let names = ["Center_Of_Mass", "Frame_Statistics", "Radial_Profile"]
      let identities = try names.map { name in
        try file.identity(of: "\(Example.channel)/frames-\(name)_000/completed_positions")
      }
      #expect(Set(identities).count == 1)
      let status = try file.openDataset("\(Example.channel)/frames-Center_Of_Mass_000/completed_positions")
      #expect(status.shape == [15] && status.elementType == .number(.u8))
      #expect(try status.values(as: UInt8.self) == [UInt8](repeating: 0, count: 15))
    }

    @Test("what nobody wrote is NaN, not zero")
    func unwrittenIsMissing() throws {
      let file = try File(path)
      for name in ["frames-Center_Of_Mass_000/deflection_x", "frames-Frame_Statistics_000/sum"] {
        let values = try file.openDataset("\(Example.channel)/\(name)").values(as: Double.self)
        #expect(values.allSatisfy { $0.isNaN })
      }
    }

    @Test("the calibration says value, unit and origin, for the measurement and for every group")
    func calibration() throws {
      let file = try File(path)
      let measurement = try file.openGroup("/Measurement_000")
      let group = try file.openGroup("\(Example.channel)/frames-Frame_Statistics_000")
      let expected: [(String, AttributeValue)] = [
        ("energy_eV", .double(300_000)), ("energy_origin", .string("file")), ("detector_pixel_y_mrad", .double(1.2)),
        ("detector_pixel_x_mrad", .double(1.5)), ("detector_pixel_origin", .string("command line")),
        ("scan_step_y_A", .double(0.4)), ("scan_step_origin", .string("job")), ("center_x_px", .double(2.5)),
        ("center_origin", .string("measured")), ("transpose", .bool(false)), ("transpose_origin", .string("default")),
      ]
      for (key, value) in expected {
        #expect(try measurement.attribute(key) == value)
        #expect(try group.attribute("calibration_\(key)") == value)
      }
      #expect(try !measurement.hasAttribute("semiangle_mrad"))
    }

    @Test("an attribute that the model needs is never overwritten by a parameter of the same name")
    func collisions() throws {
      let other = folder("collide.h5")
      var group = Example.groups[1]
      group.attributes = [("tool", .text("mine")), ("timestamp", .integer(3)), ("free", .bool(true))]
      _ = try ResultFile.create(other, Example.layout(groups: [group]))
      let stored = try File(other).openGroup("\(Example.channel)/frames-Frame_Statistics_000")
      #expect(try stored.attribute("tool") == .string("Frame_Statistics"))
      #expect(try stored.attribute("parameter_tool") == .string("mine"))
      #expect(try stored.attribute("parameter_timestamp") == .int(3))
      #expect(try stored.attribute("free") == .bool(true))
    }

    @Test("the same layout gives the same bytes")
    func deterministic() throws {
      let other = folder("again.h5")
      _ = try ResultFile.create(other, Example.layout())
      #expect(FileManager.default.contentsEqual(atPath: path, andPath: other))
    }
  }

  @Suite struct AxisUnits {
    private func axes(_ calibration: Calibration) -> RunAxes {
      RunAxes(scan: Pair(2, 3), detector: Pair(4, 4), calibration: calibration)
    }

    @Test("nothing known: indices in px")
    func uncalibrated() {
      let axes = axes(Calibration())
      #expect(axes.scan.axes.map(\.unit) == ["px", "px"] && axes.scan.axes[0].values == [0, 1, 2])
      #expect(axes.detector.axes.map(\.unit) == ["px", "px"] && axes.detector.axes[1].values == [0, 1, 2, 3])
    }

    @Test("reciprocal pixels without an energy stay reciprocal; with one they become angles")
    func reciprocal() {
      var known = Calibration()
      known.detectorPixel = Sourced(Pair(Quantity(0.5, .inverseNanometre), Quantity(0.1, .inverseAngstrom)), .file)
      #expect(axes(known).detector.axes.map(\.unit) == ["Å⁻¹", "Å⁻¹"])
      // No center known: zero in the detector's middle.
      let expected = [-0.075, -0.025, 0.025, 0.075]
      #expect(axes(known).detector.axes[1].values.elementsEqual(expected) { abs($0 - $1) < 1e-12 })
      known.energy = Sourced(300_000, .job)
      let step = axes(known).detector.axes[0].values[1] - axes(known).detector.axes[0].values[0]
      // 0.019687 Å × 0.1 Å⁻¹ = 1.9687 mrad
      #expect(axes(known).detector.axes[0].unit == "mrad" && abs(step - 1.9687) < 1e-4)
    }
  }
}
