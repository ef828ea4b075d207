import Foundation

/// How far a pass is.
public struct ProgressState: Sendable {
  /// Frames.
  public var done: Int
  public var total: Int
  public var frameBytes: Int
  public var seconds: Double

  var fraction: Double { total > 0 ? min(1, Double(done) / Double(total)) : 1 }
  private var rate: Double { seconds > 0 ? Double(done) / seconds : 0 }
  private var remaining: Double { rate > 0 ? Double(total - done) / rate : 0 }

  var text: String {
    let percent = Int(fraction * 100)
    let throughput = String(format: "%.2f", rate * Double(frameBytes) / 1e9)
    return "\(percent) %  \(Int(rate)) frames/s  \(throughput) GB/s  ETA \(clock(remaining))"
  }

  var fields: [String: String] {
    [
      "done": "\(done)", "total": "\(total)", "frames_per_second": "\(Int(rate))",
      "gigabytes_per_second": String(format: "%.3f", rate * Double(frameBytes) / 1e9),
      "eta_seconds": "\(Int(remaining))",
    ]
  }

  private func clock(_ seconds: Double) -> String {
    let s = Int(seconds.rounded(.up))
    return s < 3600
      ? String(format: "%d:%02d", s / 60, s % 60) : String(format: "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60)
  }
}
