import CFFTW
import CFFTWFloat
import ComplexModule
import RealModule

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// FFTW's planner may be used by one thread at a time; executing plans needs no lock.
private final class PlannerLock: @unchecked Sendable {
  static let shared = PlannerLock()
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  private init() { pthread_mutex_init(mutex, nil) }

  func callAsFunction<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}

/// A planned complex Fourier transform, not normalized: forward then backward multiplies by the number of elements.
/// Forward is Σ f·exp(−2πi k·x/N).
///
/// May be executed by several threads at once, each with its own buffers.
/// The corresponding C functions are `fftw_plan_many_dft` and `fftw_execute_dft`.
public final class FourierTransform<Value: FFTPrecision>: @unchecked Sendable {
  public enum Direction: Sendable { case forward, backward }

  /// How long to look for a fast algorithm.
  public enum Effort: Sendable {
    /// By rule: the same algorithm, hence the same rounding, in every process on one kind of machine.
    /// For everything whose bits must not depend on the run or on the number of ranks.
    case estimate
    /// By timing: up to five times faster, but each process may choose another algorithm and round differently.
    case measure
    /// Like `measure`, with more candidates: seconds of planning for about a tenth.
    case patient
  }

  /// Elements along each dimension of one transform, slow first.
  public let shape: [Int]
  /// Transforms made at once, one behind the other in memory.
  public let batch: Int
  public let isInPlace: Bool
  /// Elements of a buffer: all transforms of the batch.
  public let count: Int
  private let plan: OpaquePointer
  private let alignment: Int32

  public init(
    shape: [Int], batch: Int = 1, _ direction: Direction, isInPlace: Bool = true, effort: Effort = .estimate
  ) {
    precondition(!shape.isEmpty && shape.allSatisfy { $0 > 0 } && batch > 0, "a transform has at least one element")
    let count = shape.reduce(batch, *)
    precondition(count <= Int(Int32.max), "FFTW counts in 32 bits: \(shape) × \(batch) is too much for one plan")
    // Planning overwrites its buffers: it gets its own.
    let source = ComplexBuffer<Value>(count: count)
    let target = isInPlace ? source : ComplexBuffer<Value>(count: count)
    let flags: UInt32 =
      switch effort {
      case .estimate: UInt32(FFTW_ESTIMATE)
      case .measure: UInt32(FFTW_MEASURE)
      case .patient: UInt32(FFTW_PATIENT)
      }
    let request = PlanRequest<Value>(
      shape: shape.map { Int32($0) }, batch: Int32(batch), source: source.pointer, target: target.pointer,
      sign: direction == .forward ? FFTW_FORWARD : FFTW_BACKWARD, flags: flags)
    guard let plan = PlannerLock.shared({ Value._plan(request) }) else {
      fatalError("FFTW has no plan for \(shape) × \(batch)")
    }
    self.shape = shape
    self.batch = batch
    self.isInPlace = isInPlace
    self.count = count
    self.plan = plan
    alignment = Value._alignment(source.pointer)
  }

  deinit { PlannerLock.shared { Value._destroy(plan) } }

  /// Transforms a buffer in place. The corresponding C function is `fftw_execute_dft`.
  public func callAsFunction(_ buffer: ComplexBuffer<Value>) {
    precondition(isInPlace && buffer.count == count, "an in-place plan for \(count) elements")
    Value._execute(plan, buffer.pointer, buffer.pointer)
  }

  /// Transforms `source` into `target`; `source` keeps its values.
  /// The corresponding C function is `fftw_execute_dft`.
  public func callAsFunction(_ source: ComplexBuffer<Value>, into target: ComplexBuffer<Value>) {
    precondition(!isInPlace && source !== target, "an out-of-place plan and two buffers")
    precondition(source.count == count && target.count == count, "a plan for \(count) elements")
    Value._execute(plan, source.pointer, target.pointer)
  }

  /// Transforms `count` elements in place, for parts of larger buffers: `pointer` must be aligned as `ComplexBuffer` is
  /// (16 bytes). The corresponding C function is `fftw_execute_dft`.
  public func callAsFunction(_ pointer: UnsafeMutablePointer<Complex<Value>>) {
    precondition(isInPlace, "an in-place plan")
    precondition(Value._alignment(pointer) == alignment, "the memory is not aligned for FFTW")
    Value._execute(plan, pointer, pointer)
  }
}

/// The FFTW library of this process.
public enum FFTLibrary {
  /// The version of the double-precision library: `fftw-3.3.10-sse2-avx`. `fftw_version`.
  public static var version: String { String(cString: ronchi_fftw_version()) }
  /// The version of the single-precision library. `fftwf_version`.
  public static var singleVersion: String { String(cString: ronchi_fftwf_version()) }
}
