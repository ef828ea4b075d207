import Foundation
import FuzzSupport

/// One reader, named by the environment, for libFuzzer: `RONCHI_FUZZ_TARGET=npy ronchi-libfuzzer corpus`.
private nonisolated(unsafe) let run: FuzzRun = {
  let name = ProcessInfo.processInfo.environment["RONCHI_FUZZ_TARGET"] ?? "npy"
  guard let target = FuzzTarget(rawValue: name), target != .hdf5 else {
    fatalError("RONCHI_FUZZ_TARGET=\(name): one of npy, raw, mib, yaml, mask is allowed; hdf5 has its own driver")
  }
  return FuzzRun(target)
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func feed(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  guard size > 0 else { return 0 }
  do {
    _ = try run.feed(Array(UnsafeBufferPointer(start: data, count: size)))
  } catch {
    fatalError("\(error)")
  }
  return 0
}
