import HDF5
import STEM

/// The filters of a chunk that are undone here, with the codecs' own libraries: bitshuffle (plain, with LZ4, with zstd),
/// shuffle, gzip, LZ4, zstd and their combinations. Everything else is left to HDF5.
///
/// Formats: the HDF5 filter registry (https://github.com/HDFGroup/hdf5_plugins, `docs/RegisteredFilterPlugins.md`); for
/// bitshuffle Masui et al., Astronomy and Computing 12:181 (2015).
struct HDF5Codec: Sendable, Equatable {
  /// What one filter did when the chunk was written.
  enum Stage: Sendable, Equatable {
    /// Bytes of equal significance put together; elements of so many bytes.
    case shuffle(Int)
    /// Bits of equal significance put together in blocks of so many elements (0: bitshuffle's own choice).
    case bitshuffle(Int, block: Int)
    /// The same with every block compressed.
    case bitshuffleLZ4(Int), bitshuffleZstd(Int)
    case gzip, lz4, zstd

    var isCompression: Bool {
      switch self {
      case .shuffle, .bitshuffle: false
      default: true
      }
    }
  }

  /// In the order in which they were applied: at most one compression, as the last.
  let stages: [Stage]

  /// nil where a filter is none of those, or is used in a way that is not known here.
  init?(_ filters: [Filter]) {
    var stages: [Stage] = []
    for filter in filters {
      guard let stage = Stage(filter), stages.last?.isCompression != true else { return nil }
      stages.append(stage)
    }
    self.stages = stages
  }
}

extension HDF5Codec.Stage {
  init?(_ filter: Filter) {
    let values = filter.parameters.map(Int.init)
    switch filter.number {
    case 1: self = .gzip
    case 2:
      guard let size = values.first, Self.sizes.contains(size) else { return nil }
      self = .shuffle(size)
    case 32004: self = .lz4
    case 32015: self = .zstd
    case 32008:
      // Version (two numbers), bytes of an element, elements of a block, compression.
      guard values.count >= 3, Self.sizes.contains(values[2]) else { return nil }
      let block = values.count > 3 ? values[3] : 0
      switch values.count > 4 ? values[4] : 0 {
      case 0:
        guard block % 8 == 0 else { return nil }
        self = .bitshuffle(values[2], block: block)
      case 2: self = .bitshuffleLZ4(values[2])
      case 3: self = .bitshuffleZstd(values[2])
      default: return nil
      }
    default: return nil
    }
  }

  /// Bytes of an element.
  private static let sizes = [1, 2, 4, 8]
}

/// Why a chunk cannot be decoded.
struct CodecFailure: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}
