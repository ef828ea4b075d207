import CCrypto
import Foundation

/// SHA-256 (FIPS 180-4).
public final class SHA256 {
  private var context = SHA256_CTX()

  public init() { SHA256_Init(&context) }

  public func update(_ bytes: some DataProtocol) {
    for region in bytes.regions {
      region.withUnsafeBytes { _ = SHA256_Update(&context, $0.baseAddress, $0.count) }
    }
  }

  /// The digest as lower-case hexadecimal text; the last call.
  public func finalize() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    SHA256_Final(&digest, &context)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
