import Formats
import Foundation
import STEM
import Synchronization

/// What the files that a plan needs have said, so that the same plan can be made where nobody opens them.
public struct PlanRecord: Sendable {
  private struct Input: Codable {
    var request: InputRequest
    /// nil where the input could not be opened so, which a plan may try.
    var opened: OpenedInput?
  }

  private struct Index: Codable {
    var inputs: [Input] = []
    var arrays: [String] = []
    var shapes: [[Int]] = []
  }

  private var inputs: [Input] = []
  private var arrays: [(path: String, array: DenseArray)] = []

  /// The same answers for whoever asks for the same files; no file is opened.
  public var environment: JobEnvironment {
    var environment = JobEnvironment.standard
    environment.openInput = { request in
      guard let opened = inputs.first(where: { $0.request == request })?.opened else {
        throw Problem(.internalError, at: request.path, "rank 0 did not open this input")
      }
      return opened.source
    }
    environment.loadArray = { path in
      guard let known = arrays.first(where: { $0.path == path }) else {
        throw Problem(.internalError, at: path, "rank 0 did not read this array")
      }
      return known.array
    }
    return environment
  }

  // MARK: - bytes for other ranks

  /// The length of the index, the index as JSON, the values of the arrays one after the other.
  public func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let index = try encoder.encode(
      Index(inputs: inputs, arrays: arrays.map(\.path), shapes: arrays.map(\.array.shape)))
    var bytes = withUnsafeBytes(of: index.count) { Array($0) } + index
    for (_, array) in arrays { array.values.withUnsafeBytes { bytes += $0 } }
    return bytes
  }

  /// What `encoded` gave. Throws where it is something else.
  public init(_ bytes: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let begin = MemoryLayout<Int>.size
    let end = begin + bytes.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
    let index = try decoder.decode(Index.self, from: Data(bytes[begin..<end]))
    inputs = index.inputs
    var place = end
    for (path, shape) in zip(index.arrays, index.shapes) {
      let count = shape.reduce(1, *)
      let values = bytes.withUnsafeBytes { bytes in
        [Double](unsafeUninitializedCapacity: count) { values, filled in
          UnsafeMutableRawBufferPointer(values).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[place..<place + 8 * count]))
          filled = count
        }
      }
      arrays.append((path, DenseArray(shape: shape, values: values)))
      place += 8 * count
    }
  }

  fileprivate init() {}

  fileprivate mutating func add(_ request: InputRequest, _ opened: OpenedInput?) {
    inputs.append(Input(request: request, opened: opened))
  }

  fileprivate mutating func add(_ path: String, _ array: DenseArray) { arrays.append((path, array)) }
}

/// Opens files as `JobEnvironment.standard` does and keeps what they said.
public final class PlanRecorder: Sendable {
  private let kept = Mutex(PlanRecord())

  public init() {}

  public var record: PlanRecord { kept.withLock { $0 } }

  public var environment: JobEnvironment {
    var environment = JobEnvironment.standard
    environment.openInput = { request in
      do {
        let opened = try inspectInput(request)
        self.kept.withLock { $0.add(request, opened) }
        return opened.source
      } catch {
        self.kept.withLock { $0.add(request, nil) }
        throw error
      }
    }
    environment.loadArray = { path in
      let array = try Formats.loadArray(path)
      self.kept.withLock { $0.add(path, array) }
      return array
    }
    return environment
  }
}
