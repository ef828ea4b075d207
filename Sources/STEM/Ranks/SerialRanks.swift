/// A job on one rank, without MPI.
public final class SerialRanks: Ranks {
  public let pieceBytes: Int
  /// What the rank has sent to itself and not received, and where it waits for something; by tag.
  private var sent: [Int: [[UInt8]]] = [:]
  private var waiting: [Int: [Reception]] = [:]

  /// - Parameter pieceBytes: longer messages are cut
  public init(pieceBytes: Int = 1 << 30) { self.pieceBytes = pieceBytes }

  public var rank: Int { 0 }
  public var count: Int { 1 }
  public func barrier(meanwhile: () throws -> Void) {}

  public func beginSend(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) -> any TransferRequest {
    if let first = waiting[tag]?.first {
      waiting[tag]?.removeFirst()
      first.fill(bytes)
    } else {
      sent[tag, default: []].append(Array(bytes))
    }
    return Reception(nil)
  }

  public func beginReceive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int) -> any TransferRequest {
    let reception = Reception(bytes)
    if let message = takeMessage(tag: tag) {
      message.bytes.withUnsafeBytes { reception.fill($0) }
    } else {
      waiting[tag, default: []].append(reception)
    }
    return reception
  }

  public func takeMessage(tag: Int) -> (from: Int, bytes: [UInt8])? {
    guard let oldest = sent[tag]?.first else { return nil }
    sent[tag]?.removeFirst()
    return (0, oldest)
  }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}

  public func allGather(_ mine: UnsafeRawBufferPointer, counts: [Int], into all: UnsafeMutableRawBufferPointer) {
    all.copyMemory(from: mine)
  }

  public func combine(_ values: UnsafeMutableBufferPointer<Int64>, _ combination: IntegerCombination) {}

  private final class Reception: TransferRequest {
    private let bytes: UnsafeMutableRawBufferPointer?
    private var isFilled: Bool

    /// - Parameter bytes: nil where nothing has to come
    init(_ bytes: UnsafeMutableRawBufferPointer?) { (self.bytes, isFilled) = (bytes, bytes == nil) }

    func fill(_ message: UnsafeRawBufferPointer) {
      bytes?.copyMemory(from: message)
      isFilled = true
    }

    func isDone() -> Bool { isFilled }
    func wait() throws {
      if !isFilled { throw Problem(.internalError, "the only rank waits for a message that it has not sent to itself") }
    }
  }
}
