import Digest
import Foundation
import STEM

/// The state that the files of an input are in: enough to notice an edit anywhere, at the cost of a few MiB of reading
/// whatever their size. Times notice every edit, samples of the content tell it from a mere copy.
struct InputState: Codable, Equatable {
  struct File: Codable, Equatable {
    /// Below the folder of the first file; absolute where it lies elsewhere.
    var name: String
    /// Bytes.
    var size: Int
    /// Nanoseconds since 1970.
    var modified: Int
    /// A checksum of each sample, 16 hexadecimal digits each.
    var samples: String
  }

  var files: [File]
  /// SHA-256 over the samples of all files.
  var digest: String
  /// SHA-256 over the first and the last MiB of each of the first 16 files; of the first file alone it is the digest that
  /// results have always carried. Over everything where a file is smaller than both.
  var ends: [String]

  /// Reads the files. Throws `Problem` (`.inputOutput`) naming the one that cannot be read.
  init(_ paths: [String]) throws {
    let folder = paths.first.map { URL(fileURLWithPath: absolute($0)).deletingLastPathComponent().path } ?? ""
    let count = FileSampler.samples(files: paths.count)
    let all = SHA256()
    (files, ends) = ([], [])
    for path in paths {
      let sampler = try FileSampler(path)
      let samples = try sampler.samples(count, into: all)
      let (name, status) = (absolute(path), sampler.status)
      let isBelow = name.hasPrefix(folder + "/")
      files.append(
        File(
          name: isBelow ? String(name.dropFirst(folder.count + 1)) : name, size: status.size,
          modified: status.modified, samples: samples))
      if ends.count < 16 { ends.append(try sampler.ends()) }
    }
    digest = all.finalize()
  }

  init(files: [File], digest: String, ends: [String]) {
    (self.files, self.digest, self.ends) = (files, digest, ends)
  }

  /// What has changed since `old`, in words.
  func changes(since old: InputState) -> InputChanges {
    var changes = InputChanges()
    for file in old.files where !files.contains(where: { $0.name == file.name }) {
      changes.content.append("\(file.name) was read and is not any more")
    }
    for file in files {
      guard let before = old.files.first(where: { $0.name == file.name }) else {
        changes.content.append("\(file.name) is read and was not")
        continue
      }
      changes.add(file, before)
    }
    if changes.content.isEmpty, digest != old.digest || zip(ends, old.ends).contains(where: { $0 != $1 }) {
      changes.content.append("the first or last MiB of \(files.map(\.name).joined(separator: " or ")) has changed")
    }
    return changes
  }
}

/// The differences between two states of an input.
struct InputChanges {
  /// What certainly makes it another input.
  var content: [String] = []
  /// Files with another time of modification whose samples are the same: touched, copied, or edited between the samples.
  var touched: [String] = []

  /// - Parameter acceptsTouched: whether equal samples are enough
  func differences(acceptsTouched: Bool) -> [String] {
    content + (acceptsTouched || touched.isEmpty ? [] : touched + [Self.advice])
  }

  private static let advice =
    "if it was only copied or touched, \(RunOptions.acceptTouchedOption) takes it for the same input"

  fileprivate mutating func add(_ file: InputState.File, _ before: InputState.File) {
    if file.size != before.size {
      content.append("\(file.name) has \(file.size) bytes, had \(before.size)")
    } else if file.samples != before.samples {
      content.append("the content of \(file.name) has changed \(Self.place(file.samples, before.samples))")
    } else if file.modified != before.modified {
      touched.append(
        "\(file.name) was modified at \(preciseTime(file.modified)) (was \(preciseTime(before.modified))), its size and "
          + "the samples of its content are equal")
    }
  }

  /// `at about 40 %`, `from about 12 to 88 %`.
  private static func place(_ samples: String, _ others: String) -> String {
    let pairs = Array(zip(Array(samples.utf8), Array(others.utf8)))
    let different = pairs.indices.filter { pairs[$0].0 != pairs[$0].1 }.map { $0 / 16 }
    guard let first = different.first, let last = different.last, pairs.count >= 32 else { return "" }
    let most = pairs.count / 16 - 1
    let (begin, end) = (100 * first / most, 100 * last / most)
    return begin == end ? "at about \(begin) %" : "from about \(begin) to \(end) %"
  }
}

/// `2026-01-31T12:00:00.123456789Z`
func preciseTime(_ nanoseconds: Int) -> String {
  let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
  let digits = String(rest)
  return timestamp(Date(timeIntervalSince1970: Double(seconds))).dropLast()
    + ".\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits)Z"
}

extension InputState {
  /// As attributes of a result.
  var attributes: [(key: String, value: Setting)] {
    [
      ("input_files", .list(files.map { .text($0.name) })),
      ("input_file_sizes", .list(files.map { .integer($0.size) })),
      ("input_modified", .list(files.map { .text(preciseTime($0.modified)) })),
      ("input_modified_ns", .list(files.map { .integer($0.modified) })),
      ("input_sample_checksums", .list(files.map { .text($0.samples) })),
      ("input_samples_sha256", .text(digest)),
      ("input_sha256_ends", .list(ends.map { .text($0) })),
    ]
  }

  /// From the attributes of a result; nil where it is from a version that recorded less.
  init?(attributes: [(key: String, value: Setting)]) {
    func list(_ key: String) -> [Setting] {
      switch attributes.first(where: { $0.key == key })?.value {
      case .list(let items): items
      case let value?: [value]
      case nil: []
      }
    }
    func numbers(_ key: String) -> [Int] {
      list(key).compactMap { if case .integer(let value) = $0 { value } else { nil } }
    }
    let (names, samples) = (list("input_files").map(\.text), list("input_sample_checksums").map(\.text))
    let (sizes, modified) = (numbers("input_file_sizes"), numbers("input_modified_ns"))
    guard !names.isEmpty, Set([names.count, samples.count, sizes.count, modified.count]).count == 1,
      let digest = list("input_samples_sha256").first?.text
    else { return nil }
    self.init(
      files: names.indices.map {
        File(name: names[$0], size: sizes[$0], modified: modified[$0], samples: samples[$0])
      }, digest: digest, ends: list("input_sha256_ends").map(\.text))
  }
}
