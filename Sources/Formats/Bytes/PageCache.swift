import CCodecs
import Foundation
import STEM

/// How fast one process gets a file's bytes from the page cache: pieces of it are brought in and summed.
public enum PageCache {
  static let piece = 512 << 10

  /// Bytes a second, mapped or copied, whichever is faster, of a file that a run has just read; nil for small files, where
  /// reading fails, and where the page cache does not hold the file.
  public static func rate(_ path: String) -> Double? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let pieces = Int(lseek(descriptor, 0, SEEK_END)) / piece
    let sample = min(16, pieces)
    guard sample >= 4 else { return nil }
    let places = (0..<sample).map { $0 * pieces / sample * piece }
    guard places.allSatisfy({ ronchi_is_cached(descriptor, Int64($0)) == 1 }) else { return nil }
    guard let copying = copying(descriptor, places), let mapping = mapping(descriptor, places) else { return nil }
    return Double(piece) / min(copying.sorted()[sample / 2], mapping.sorted()[sample / 2]).seconds
  }

  /// Time of each piece of that many bytes; nil where reading fails.
  static func copying(_ descriptor: Int32, _ places: [Int], piece: Int = piece) -> [Duration]? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 4096)
    defer { buffer.deallocate() }
    // Its own pages do not count.
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    var times: [Duration] = []
    for place in places {
      let began = ContinuousClock.now
      guard pread(descriptor, buffer.baseAddress, piece, off_t(place)) == piece else { return nil }
      _ = ronchi_sum(buffer.baseAddress, Int64(piece))
      times.append(ContinuousClock.now - began)
    }
    return times
  }

  /// Places are multiples of the page size and ascend.
  static func mapping(_ descriptor: Int32, _ places: [Int]) -> [Duration]? {
    let size = (places.last ?? 0) + piece
    guard let base = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED else { return nil }
    defer { munmap(base, size) }
    var times: [Duration] = []
    for place in places {
      let began = ContinuousClock.now
      guard madvise(base + place, piece, MappedFile.populateRead) == 0 else { return nil }
      _ = ronchi_sum(base + place, Int64(piece))
      times.append(ContinuousClock.now - began)
    }
    return times
  }
}
