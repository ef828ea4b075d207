import Foundation
import Logging
import STEM

public enum LogFormat: String, Sendable, CaseIterable { case text, json }

/// What a run says while it works, on standard error and on rank 0 only.
public final class Console: RunEvents {
  private let logger: Logger
  private let format: LogFormat
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var lastProgress = ContinuousClock.now
  private var barIsShown = false

  public init(format: LogFormat, isFirstRank: Bool, level: Logger.Level = .info) {
    self.format = format
    logger = Logger(label: "ronchi") { _ -> any LogHandler in
      isFirstRank ? LineHandler(format: format, logLevel: level) as any LogHandler : SwiftLogNoOpLogHandler()
    }
    isSilent = !isFirstRank
  }

  private let isSilent: Bool

  public func info(_ text: String) { log(.info, text, [:]) }
  public func warning(_ text: String) { log(.warning, text, [:]) }
  public func error(_ problem: Problem) {
    log(.error, problem.description, format == .json ? ["code": "\(problem.code.rawValue)"] : [:])
  }

  private func log(_ level: Logger.Level, _ text: String, _ fields: [String: String]) {
    endProgress()
    logger.log(level: level, "\(text)", metadata: fields.mapValues { .string($0) })
  }

  /// A bar five times a second on a terminal, otherwise a line every ten seconds.
  public func progress(_ state: ProgressState) {
    guard !isSilent else { return }
    let now = ContinuousClock.now
    let bar = isTerminal && format == .text
    guard now - lastProgress > (bar ? .milliseconds(200) : .seconds(10)) else { return }
    lastProgress = now
    if bar { draw(state) } else { log(.info, state.text, format == .json ? state.fields : [:]) }
  }

  /// A line every ten seconds.
  public func iteration(_ text: String) {
    guard !isSilent, ContinuousClock.now - lastProgress > .seconds(10) else { return }
    lastProgress = ContinuousClock.now
    log(.info, text, [:])
  }

  private func draw(_ state: ProgressState) {
    let width = 24
    let filled = Int(state.fraction * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    FileHandle.standardError.write(Data("\r\u{1B}[K\(bar) \(state.text)".utf8))
    barIsShown = true
  }

  public func endProgress() {
    if barIsShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    barIsShown = false
  }
}

/// One line an event: text for people, JSON for pipelines.
private struct LineHandler: LogHandler {
  let format: LogFormat
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(format: LogFormat, logLevel: Logger.Level) {
    self.format = format
    self.logLevel = logLevel
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }
    let line = format == .json ? json(event, fields) : text(event, fields)
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  private func text(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
    let extra = fields.sorted { $0.key < $1.key }.map { "  \($0.key)=\($0.value)" }.joined()
    switch event.level {
    case .warning: return "warning: \(event.message)\(extra)"
    case .error, .critical: return "error: \(event.message)\(extra)"
    default: return "\(event.message)\(extra)"
    }
  }

  private func json(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
    jsonLine(event.level, "\(event.message)", fields.mapValues { "\($0)" })
  }
}

private func jsonLine(_ level: Logger.Level, _ message: String, _ fields: [String: String]) -> String {
  var object = fields.mapValues { Int($0) ?? Double($0) ?? $0 as Any }
  object["time"] = timestamp(Date())
  object["level"] = level.rawValue
  object["message"] = message
  let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
  return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
}

extension Problem {
  /// One line of a log, for what goes wrong where there is no console.
  public func logLine(_ format: LogFormat, _ place: String = "") -> String {
    switch format {
    case .text: "error: \(self)\(place)\n"
    case .json: jsonLine(.error, description + place, ["code": "\(code.rawValue)"]) + "\n"
    }
  }
}
