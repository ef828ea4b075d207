import Foundation
import Synchronization

/// USR1, USR2, TERM and INT ask a run to stop at the next block; a second INT ends the process at once.
///
/// A launcher may deliver a signal twice: only INT counts its arrivals.
public enum StopSignals {
  private static let requests = Atomic<Int>(0)
  private static let interrupts = Atomic<Int>(0)
  private static let grace = Atomic<Int>(20)

  /// - Parameter seconds: after a request the process ends by itself after this time, with what was saved until then
  public static func install(grace seconds: Int) {
    grace.store(max(1, seconds), ordering: .relaxed)
    // Handlers must not be the first to touch a lazily made global.
    _ = requests.load(ordering: .relaxed) + interrupts.load(ordering: .relaxed)
    for number in [SIGUSR1, SIGUSR2, SIGTERM] { handle(number) { _ in StopSignals.request() } }
    handle(SIGINT) { _ in
      if StopSignals.interrupts.wrappingAdd(1, ordering: .relaxed).newValue > 1 { _exit(130) }
      StopSignals.request()
    }
    handle(SIGALRM) { _ in _exit(75) }
    // Whoever started the program may have blocked them.
    var ours = sigset_t()
    sigemptyset(&ours)
    for number in [SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGALRM] { sigaddset(&ours, number) }
    pthread_sigmask(SIG_UNBLOCK, &ours, nil)
  }

  public static var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }

  private static func request() {
    if requests.wrappingAdd(1, ordering: .relaxed).newValue == 1 { alarm(UInt32(grace.load(ordering: .relaxed))) }
  }

  private static func handle(_ number: Int32, _ action: @escaping @convention(c) (Int32) -> Void) {
    var request = sigaction()
    request.__sigaction_handler.sa_handler = action
    request.sa_flags = SA_RESTART
    sigaction(number, &request, nil)
  }
}
