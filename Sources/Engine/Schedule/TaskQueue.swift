import Foundation
import STEM

/// Hands out the tasks `0 ..< count`, each to one rank, by messages: rank 0 counts, and answers whenever it passes through
/// the queue itself. No rank is spent on that, and nothing but sending and receiving is asked of MPI.
///
/// Rank r begins with task r, so it can begin before there is a queue. All ranks make a queue together and end it together,
/// with `finish`.
package final class TaskQueue {
  private static let tag = 32_600

  private let ranks: any Ranks
  private let taskCount: Int
  private let scheduling: Scheduling
  private let isInterrupted: () -> Bool
  /// Whether somebody has stopped, as far as this rank was told; after `finish` the same on all ranks.
  package private(set) var isStopped = false
  private var hasBegun = false
  /// The next task: of all ranks on rank 0, of this rank where tasks are dealt out.
  private var upcoming: Int
  private var isAsking = false
  private var answer: Answer?
  /// How many ranks have no more work, and how many have left; on rank 0.
  private var (arrived, left) = (0, 0)
  /// Whether all ranks have come to the end.
  private var isReleased = false
  private var sending: [Transfer<Int64>] = []

  private enum Answer { case task(Int), none }

  /// Collective, and waits for all ranks.
  /// - Parameter isInterrupted: asked by every call that waits, and by `checkStop`; true on one rank stops all
  package init(
    _ ranks: any Ranks, count: Int, _ scheduling: Scheduling = .dynamic, isInterrupted: @escaping () -> Bool
  ) throws {
    self.ranks = ranks
    taskCount = count
    self.scheduling = scheduling
    self.isInterrupted = isInterrupted
    upcoming = ranks.count + (scheduling == .static ? ranks.rank : 0)
    try ranks.barrier {}
  }

  /// The next task of this rank; nil where none is left and after a stop.
  package func next() throws -> Int? {
    guard hasBegun else {
      hasBegun = true
      return ranks.rank < taskCount ? ranks.rank : nil
    }
    if scheduling == .static || ranks.rank == 0 {
      try poll()
      return take(step: scheduling == .static ? ranks.count : 1)
    }
    try expectNext()
    try wait { answer != nil || isStopped }
    guard case .task(let task) = answer, !isStopped else { return nil }
    answer = nil
    return task
  }

  /// Asks for the task that `next` will give, so that it is there when it is wanted.
  package func expectNext() throws {
    guard scheduling == .dynamic, ranks.rank > 0, !isAsking, answer == nil, !isStopped else { return }
    isAsking = true
    try send(.ask, to: 0)
  }

  /// Ends the queue for everybody: the way in which a rank that failed tells the others.
  package func stop() throws {
    guard !isStopped, !isReleased else { return }
    isStopped = true
    if ranks.rank == 0 { try tellOthers(.stop) } else { try send(.stop, to: 0) }
  }

  /// Whether somebody has stopped, after hearing what the others say; cheap enough for every block.
  package func checkStop() throws -> Bool {
    try poll()
    if isInterrupted() { try stop() }
    return isStopped
  }

  /// Returns once every rank has come; until then rank 0 answers the others. Nothing is handed out afterwards. Collective.
  package func finish() throws {
    guard ranks.count > 1 else { return isReleased = true }
    if ranks.rank == 0 {
      try wait { arrived == ranks.count - 1 }
      isReleased = true
      try tellOthers(.release(isStopped: isStopped))
      // Who was interrupted on the way here may have sent a stop that comes too late: nothing is left behind.
      try wait { left == ranks.count - 1 }
    } else {
      try send(.arrive, to: 0)
      try wait { isReleased }
      try send(.leave, to: 0)
    }
    for transfer in sending { try transfer.wait() }
    sending = []
  }

  private func take(step: Int) -> Int? {
    guard !isStopped, upcoming < taskCount else { return nil }
    defer { upcoming += step }
    return upcoming
  }

  // MARK: messages

  /// What ranks tell each other.
  private enum Note {
    // To rank 0.
    case ask, arrive, leave
    // Either way.
    case stop
    // From rank 0.
    case task(Int), noTask
    case release(isStopped: Bool)

    private static let plain: [Note] = [
      .ask, .arrive, .leave, .stop, .noTask, .release(isStopped: false), .release(isStopped: true),
    ]

    /// Tasks as they are, the others as negative numbers.
    var number: Int {
      switch self {
      case .task(let task): task
      case .ask: -1
      case .arrive: -2
      case .leave: -3
      case .stop: -4
      case .noTask: -5
      case .release(let isStopped): isStopped ? -7 : -6
      }
    }

    init(number: Int) { self = number >= 0 ? .task(number) : Self.plain[-number - 1] }
  }

  private func send(_ note: Note, to rank: Int) throws {
    try sending.removeAll { try $0.isDone() }
    sending.append(try ranks.startSend([Int64(note.number)], to: rank, tag: Self.tag))
  }

  private func tellOthers(_ note: Note) throws {
    for rank in 1..<max(1, ranks.count) { try send(note, to: rank) }
  }

  private func poll() throws {
    guard ranks.count > 1 else { return }
    while !(ranks.rank > 0 && isReleased), let (from, bytes) = try ranks.takeMessage(tag: Self.tag) {
      try hear(Note(number: Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) })), from)
    }
  }

  private func hear(_ note: Note, _ from: Int) throws {
    switch note {
    case .ask: try send(take(step: 1).map { .task($0) } ?? .noTask, to: from)
    case .arrive: arrived += 1
    case .leave: left += 1
    case .stop: if ranks.rank == 0 { try stop() } else { isStopped = true }
    case .task(let task): (isAsking, answer) = (false, .task(task))
    case .noTask: (isAsking, answer) = (false, Answer.none)
    case .release(let wasStopped): (isReleased, isStopped) = (true, wasStopped)
    }
  }

  /// Sleeps longer and longer, at most a tenth of what it has waited.
  private func wait(until isDone: () -> Bool) throws {
    let began = ContinuousClock.now
    while true {
      try poll()
      if isDone() { return }
      if isInterrupted() { try stop() }
      let waited = (ContinuousClock.now - began).seconds
      if waited > 0.0001 { usleep(UInt32(min(5000, waited * 1e5))) }
    }
  }
}
