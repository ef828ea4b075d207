import CCrypto
import Foundation

/// SHA-256 (FIPS 180-4).
public final class SHA256 {
  private let context = EVP_MD_CTX_new()

  /// The system's settings of OpenSSL, which take a millisecond to read, have no say in a digest.
  private static let isReady = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)

  public init() {
    _ = Self.isReady
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }

  deinit { EVP_MD_CTX_free(context) }

  public func update(_ bytes: some DataProtocol) {
    for region in bytes.regions {
      region.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }
  }

  /// The digest as lower-case hexadecimal text; the last call.
  public func finalize() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    EVP_DigestFinal_ex(context, &digest, nil)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
