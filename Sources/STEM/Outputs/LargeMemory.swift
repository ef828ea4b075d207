#if canImport(Glibc)
  import Glibc
#endif

private let hugePage = 2 << 20

extension UnsafeMutableRawBufferPointer {
  /// Allocates memory aligned to a cache line. Large buffers use pages of 2 MiB where the system has them: one page fault and
  /// one translation of an address where there would be 512.
  public static func allocateLarge(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    guard byteCount >= 2 * hugePage else { return .allocate(byteCount: byteCount, alignment: 64) }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: hugePage)
    #if os(Linux)
      madvise(bytes.baseAddress, byteCount, MADV_HUGEPAGE)
    #endif
    return bytes
  }
}
