import Foundation
import STEM

/// Keeps a second job from writing the same output. The lock ends with the process, also on file
/// systems that several machines share.
final class OutputLock {
  private let path: String
  private var descriptor: Int32 = -1

  /// - Parameter path: a file of its own, beside the output
  init(_ path: String) { self.path = path }

  deinit { release() }

  /// Throws `Problem` 73 naming the owner when somebody else holds the lock.
  func acquire() throws(Problem) {
    while true {
      descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else {
        throw Problem(
          .cannotCreate, at: path,
          "the lock file cannot be created in this folder: \(String(cString: strerror(errno))); choose another output.path"
        )
      }
      var lock = flock()
      lock.l_type = Int16(F_WRLCK)
      lock.l_whence = Int16(SEEK_SET)
      if fcntl(descriptor, F_SETLK, &lock) != 0 {
        let reason = errno
        guard reason == EACCES || reason == EAGAIN else { return }  // A file system without locks: nothing to be had.
        // Not ours to remove.
        defer {
          close(descriptor)
          descriptor = -1
        }
        throw Problem(
          .cannotCreate, at: path,
          "another job is writing this output (\(owner())); wait for it or choose another output")
      }
      // The owner before may have removed the file between our opening and locking it.
      if isStillThere() { break }
      close(descriptor)
    }
    let text = "\(ProcessInfo.processInfo.hostName) process \(getpid())\n"
    ftruncate(descriptor, 0)
    _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
  }

  func release() {
    guard descriptor >= 0 else { return }
    unlink(path)
    close(descriptor)
    descriptor = -1
  }

  private func owner() -> String {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.isEmpty ? "unknown owner" : text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func isStillThere() -> Bool {
    var ours = stat()
    var there = stat()
    return fstat(descriptor, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino
  }
}
