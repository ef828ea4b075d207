import Foundation
import STEM

/// The attributes that h5USID requires on every group and dataset.
public struct Bookkeeping: Sendable, Equatable {
  /// `YYYY_MM_DD-HH_mm_ss`, local time.
  public var timestamp: String
  /// The host that laid out the file.
  public var machine: String
  /// As Python's `platform.platform()` begins: `Linux-6.1.0-x86_64`.
  public var platform: String
  /// Of Ronchi.
  public var version: String

  /// pyUSID is not what writes these files: its version names the model that they follow and were checked against.
  static let modelVersion = "0.0.12"

  public init(version: String, date: Date = Date()) {
    timestamp = Self.timestamp(date)
    let host = ProcessInfo.processInfo.hostName
    machine = host.isEmpty ? "unknown" : host
    platform = Self.platformName()
    self.version = version
  }

  private static func timestamp(_ date: Date) -> String {
    var (seconds, local) = (time_t(date.timeIntervalSince1970), tm())
    localtime_r(&seconds, &local)
    return text(&local, "%Y_%m_%d-%H_%M_%S")
  }

  /// `2026-01-31T12:00:00Z`
  public static func universalTime(_ date: Date) -> String {
    var (seconds, universal) = (time_t(date.timeIntervalSince1970), tm())
    gmtime_r(&seconds, &universal)
    return text(&universal, "%Y-%m-%dT%H:%M:%SZ")
  }

  /// The C library's: Foundation's formatters take as long as laying out a group.
  private static func text(_ time: inout tm, _ format: String) -> String {
    var text = [CChar](repeating: 0, count: 32)
    let length = strftime(&text, text.count, format, &time)
    return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func platformName() -> String {
    var system = utsname()
    guard uname(&system) == 0 else { return "unknown" }
    func text<Field>(_ field: Field) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    return "\(text(system.sysname))-\(text(system.release))-\(text(system.machine))"
  }

  var attributes: [(key: String, value: Setting)] {
    [
      ("timestamp", .text(timestamp)), ("machine_id", .text(machine)), ("platform", .text(platform)),
      ("pyUSID_version", .text(Self.modelVersion)), ("ronchi_version", .text(version)),
    ]
  }
}
