import Formats
import Foundation
import Jobs
@_spi(StoredPixels) import STEM

/// A reader that mutants are fed to.
public enum FuzzTarget: String, CaseIterable, Sendable {
  case npy, raw, mib, yaml, mask, hdf5

  /// What became of a mutant; anything but these is a finding.
  public enum Outcome: Int, Sendable {
    /// Opened, and every frame read.
    case accepted
    /// A `Problem` said why not.
    case refused
    /// The HDF5 library crashed, hung or took all memory in the child process, which became a `Problem`.
    case crashed, hung, hungry

    init(caught problem: Problem) {
      self =
        problem.message.contains("crashed") ? .crashed : problem.message.contains("MiB of memory") ? .hungry : .hung
    }
  }

  public func seeds() throws -> [[UInt8]] {
    switch self {
    case .npy: Seeds.npy
    case .raw: Seeds.raw
    case .mib: Seeds.mib
    case .yaml: Seeds.jobs
    case .mask: Seeds.masks
    case .hdf5: try Seeds.hdf5()
    }
  }
}

/// Feeds mutants to one reader; what it must survive, it survives in this process.
public struct FuzzRun {
  private let target: FuzzTarget
  private let folder = FuzzFolder()
  private let environment: JobEnvironment

  public init(_ target: FuzzTarget) {
    self.target = target
    let scan = folder.write(Seeds.npy[0], to: "scan.npy")
    let mask = folder.write(Seeds.masks[0], to: "mask.npy")
    let scanMask = folder.write(Seeds.npy("(3, 4)", "|b1", bytes: 12), to: "scan_mask.npy")
    var environment = JobEnvironment.standard
    // Whatever path a mutant names, it gets a file that exists.
    environment.openInput = { request in
      var request = request
      request.path = scan
      return try openInput(request)
    }
    environment.loadArray = { try loadArray($0.contains("scan_mask") ? scanMask : mask) }
    self.environment = environment
  }

  /// Throws `FuzzFinding` for an outcome that is wrong; a crash or a hang ends the process.
  public func feed(_ bytes: [UInt8]) throws -> FuzzTarget.Outcome {
    do {
      switch target {
      case .npy: try open(folder.write(bytes, to: "fuzz.npy"))
      case .raw: try raw(bytes)
      case .mib: try merlin(bytes)
      case .yaml: try job(bytes)
      case .mask: try mask(bytes)
      case .hdf5: return try hdf5(bytes)
      }
      return .accepted
    } catch let problem as Problem {
      return try judge([problem])
    } catch let problems as Problems {
      return try judge(problems.list)
    }
  }

  private func judge(_ problems: [Problem]) throws -> FuzzTarget.Outcome {
    guard !problems.isEmpty else { throw FuzzFinding("no problem in Problems") }
    for problem in problems {
      guard problem.code != .internalError else { throw FuzzFinding("internal error: \(problem)") }
      guard problem.description.utf8.count < 100_000 else {
        throw FuzzFinding("a message of \(problem.description.utf8.count) bytes: \(problem.description.prefix(200))")
      }
    }
    return .refused
  }

  // MARK: - readers

  private func open(_ path: String, _ change: (inout InputRequest) -> Void = { _ in }) throws {
    var request = InputRequest(path: path)
    change(&request)
    let source = try openInput(request)
    let about = source.description
    let reader = try source.makeReader()
    var (next, sum) = (0, 0)
    try reader.forEachFrame(in: 0..<min(about.frameCount, 100_000)) { position, frame in
      guard position == next else { throw FuzzFinding("position \(position), \(next) was due") }
      next += 1
      // Touches the first and the last byte, which a sanitizer watches.
      sum &+= Int(frame.memory.load(as: UInt8.self))
      sum &+= Int(frame.memory.load(fromByteOffset: about.frameBytes - 1, as: UInt8.self))
    }
  }

  private func raw(_ bytes: [UInt8]) throws {
    let end = bytes.prefix(200).firstIndex(of: 0x0a) ?? 0
    let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ").map(String.init)
    func number(_ index: Int) -> Int? { index < words.count ? Int(words[index]) : nil }
    func shape(_ index: Int) -> Shape? {
      guard let y = number(index), let x = number(index + 1) else { return nil }
      return Shape(y, x)
    }
    try open(folder.write(bytes[end...].dropFirst(), to: "fuzz.raw")) { request in
      request.format = "raw"
      request.scanShape = shape(0)
      request.options["detector_shape"] = shape(2)?.setting
      request.options["pixel_type"] = words.count > 4 ? .text(words[4]) : nil
      request.options["byte_order"] = words.count > 5 ? .text(words[5]) : nil
      request.options["offset"] = number(6).map { .integer($0) }
      request.options["gap"] = number(7).map { .integer($0) }
    }
  }

  private func merlin(_ bytes: [UInt8]) throws {
    var data = bytes[...]
    let header = folder.path("fuzz.hdr")
    unlink(header)
    if let mark = bytes.firstRange(of: Seeds.hdrMark) {
      data = bytes[..<mark.lowerBound]
      folder.write(bytes[mark.upperBound...], to: "fuzz.hdr")
    }
    try open(folder.write(data, to: "fuzz.mib"))
  }

  private func job(_ bytes: [UInt8]) throws {
    let path = folder.write(bytes, to: "fuzz.yml")
    // The first line serves as a value of the command line too.
    let line = String(decoding: bytes.prefix { $0 != 0x0a }.prefix(300), as: UTF8.self)
    _ = try? Override.set(line)
    _ = try? Override.set("calibration.center=" + line)
    for key in ["scan_shape", "pixel_type", "offset"] { _ = try? Override.input(key, line) }
    let job = try JobFile.load(path: path)
    let plan = try Plan.make(job, in: environment)
    // What a plan says of itself is a job again.
    do { _ = try JobFile.parse(plan.resolvedJob, name: "resolved") } catch {
      throw FuzzFinding("the resolved job is no job: \(error)")
    }
  }

  private func mask(_ bytes: [UInt8]) throws {
    let array = try loadArray(folder.write(bytes, to: "fuzz-mask.npy"))
    guard array.shape.reduce(1, *) == array.values.count else {
      throw FuzzFinding("\(array.values.count) values for the shape \(array.shape)")
    }
  }

  private func hdf5(_ bytes: [UInt8]) throws -> FuzzTarget.Outcome {
    // A name of its own: what passed once is not looked at again.
    let path = folder.write(bytes, to: "fuzz-\(UUID().uuidString).h5")
    defer { unlink(path) }
    do { try HDF5Probe.check(InputRequest(path: path)) } catch { return .init(caught: error) }
    var outcome = FuzzTarget.Outcome.accepted
    do { try open(path) } catch let problem as Problem { outcome = try judge([problem]) } catch let all as Problems {
      outcome = try judge(all.list)
    }
    // Masks come from anywhere: half of the mutants are asked for one.
    guard bytes.count % 2 == 0 else { return outcome }
    let array = "\(path):/mask"
    do { try HDF5Probe.check(array: array) } catch { return .init(caught: error) }
    do { _ = try loadArray(array) } catch let problem as Problem { _ = try judge([problem]) }
    return outcome
  }
}

/// Something that hostile input must not do.
public struct FuzzFinding: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
