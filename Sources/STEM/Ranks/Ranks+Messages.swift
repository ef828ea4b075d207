/// A message that was begun and owns its memory. It must be waited for; where an error makes that impossible, the memory
/// is never given back, as somebody may still write there.
public final class Transfer<Number: BitwiseCopyable> {
  private let memory: UnsafeMutableBufferPointer<Number>
  private var requests: [any TransferRequest] = []
  private var isComplete = false

  fileprivate init(count: Int) { memory = .allocate(capacity: count) }

  deinit { if isComplete { memory.deallocate() } }

  fileprivate func begin(
    pieceBytes: Int, _ beginPiece: (UnsafeMutableRawBufferPointer) throws -> any TransferRequest
  ) throws {
    let bytes = UnsafeMutableRawBufferPointer(memory)
    for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
      let piece = bytes[start..<min(start + pieceBytes, bytes.count)]
      requests.append(try beginPiece(UnsafeMutableRawBufferPointer(rebasing: piece)))
    }
  }

  fileprivate func fill(_ values: [Number]) { _ = memory.initialize(from: values) }

  /// Whether the message was sent or received as a whole; does not wait.
  public func isDone() throws -> Bool {
    while let request = requests.last {
      guard try request.isDone() else { return false }
      requests.removeLast()
    }
    isComplete = true
    return true
  }

  /// The values that were sent or received, once they were.
  @discardableResult
  public func wait() throws -> [Number] {
    while let request = requests.popLast() { try request.wait() }
    isComplete = true
    return Array(memory)
  }
}

/// Tags of what is built in; those below are free.
enum RankTag {
  static let allToAll = 32_700
  static let exchange = 32_701
  static let gather = 32_702
}

extension Ranks {
  /// Begins to send numbers; not collective. A message without numbers is none: nothing is sent.
  public func startSend<Number: BitwiseCopyable>(
    _ values: [Number], to other: Int, tag: Int = 0
  ) throws -> Transfer<Number> {
    let transfer = Transfer<Number>(count: values.count)
    transfer.fill(values)
    try transfer.begin(pieceBytes: pieceBytes) { try beginSend(UnsafeRawBufferPointer($0), to: other, tag: tag) }
    return transfer
  }

  /// Begins to receive as many numbers as the other rank sends; not collective.
  public func startReceive<Number: BitwiseCopyable>(
    _ count: Int, of type: Number.Type, from other: Int, tag: Int = 0
  ) throws -> Transfer<Number> {
    let transfer = Transfer<Number>(count: count)
    try transfer.begin(pieceBytes: pieceBytes) { try beginReceive($0, from: other, tag: tag) }
    return transfer
  }

  /// Sends numbers; may return before they are received, or wait for that. Not collective.
  public func send<Number: BitwiseCopyable>(_ values: [Number], to other: Int, tag: Int = 0) throws {
    try startSend(values, to: other, tag: tag).wait()
  }

  /// As many numbers as the other rank sends. Not collective.
  public func receive<Number: BitwiseCopyable>(
    _ count: Int, of type: Number.Type, from other: Int, tag: Int = 0
  ) throws -> [Number] {
    try startReceive(count, of: type, from: other, tag: tag).wait()
  }

  /// What the neighbors send, in the order in which they are given. Where two ranks exchange several messages, both list
  /// them in the same order. Every rank that is named must name this one in a call of its own.
  /// - Parameter neighbors: a rank, which can be this one; what it gets; and how many numbers it sends
  public func exchange<Number: BitwiseCopyable>(
    _ neighbors: [(rank: Int, send: [Number], receive: Int)]
  ) throws -> [[Number]] {
    try swap(neighbors, tag: RankTag.exchange)
  }

  func swap<Number: BitwiseCopyable>(
    _ neighbors: [(rank: Int, send: [Number], receive: Int)], tag: Int
  ) throws -> [[Number]] {
    let receiving = try neighbors.map { try startReceive($0.receive, of: Number.self, from: $0.rank, tag: tag) }
    let sending = try neighbors.map { try startSend($0.send, to: $0.rank, tag: tag) }
    let received = try receiving.map { try $0.wait() }
    for transfer in sending { try transfer.wait() }
    return received
  }
}
