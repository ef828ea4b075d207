import CHDF5

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The library is not thread-safe: one thread at a time, and callbacks of the library may come back in.
private final class LibraryLock: @unchecked Sendable {
  static let shared = LibraryLock()
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  private init() {
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
    H5open()
    // From now on the library keeps its complaints to itself; `check` collects them.
    H5Eset_auto2(ronchi_h5e_default(), nil, nil)
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }
}

/// Runs `body` as the only user of the library, with its error messages off.
func withLibrary<Result: ~Copyable, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  LibraryLock.shared.lock()
  defer { LibraryLock.shared.unlock() }
  return try body()
}

/// The one funnel: a negative result of a C function becomes an error that says which call, on what, and why.
@discardableResult
func check<Code: SignedInteger>(
  _ call: StaticString, on object: @autoclosure () -> String, _ body: () -> Code
) throws(HDF5Error) -> Code {
  try withLibrary { () throws(HDF5Error) in
    let code = body()
    if code < 0 { throw HDF5Error("\(call)", on: object(), stack: errorStack()) }
    return code
  }
}

/// Descriptions on the library's error stack, the innermost (where it went wrong) first.
private func errorStack() -> [String] {
  var descriptions: [String] = []
  withUnsafeMutablePointer(to: &descriptions) { target in
    _ = H5Ewalk2(
      ronchi_h5e_default(), H5E_WALK_UPWARD,
      { _, entry, target in
        guard let target, let text = entry?.pointee.desc else { return 0 }
        target.assumingMemoryBound(to: [String].self).pointee.append(String(cString: text))
        return 0
      }, target)
  }
  H5Eclear2(ronchi_h5e_default())
  return descriptions
}

/// An id of the library and how it is given back.
struct OwnedID: ~Copyable {
  let id: hid_t
  private let closing: @convention(c) (hid_t) -> herr_t

  init(_ id: hid_t, _ closing: @escaping @convention(c) (hid_t) -> herr_t) {
    self.id = id
    self.closing = closing
  }

  /// Gives the id back now and reports what goes wrong.
  consuming func close(_ call: StaticString, on object: String) throws(HDF5Error) {
    let (id, closing) = (id, closing)
    discard self
    try check(call, on: object) { Self.closed(closing(id)) }
  }

  deinit { withLibrary { _ = Self.closed(closing(id)) } }

  private static func closed(_ status: herr_t) -> herr_t {
    if status < 0 { HDF5Library.leftOpen.store(true, ordering: .relaxed) }
    return status
  }
}
