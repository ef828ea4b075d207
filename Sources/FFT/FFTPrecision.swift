import CFFTW
import CFFTWFloat
import ComplexModule
import RealModule

/// The two precisions FFTW is linked in: `Float` (`fftwf_…`) and `Double` (`fftw_…`).
public protocol FFTPrecision: Real, BinaryFloatingPoint, BitwiseCopyable, Sendable {
  /// `fftw_malloc`
  static func _allocate(_ bytes: Int) -> UnsafeMutableRawPointer?
  /// `fftw_free`
  static func _free(_ memory: UnsafeMutableRawPointer)
  /// `fftw_plan_many_dft`
  static func _plan(_ request: PlanRequest<Self>) -> OpaquePointer?
  /// `fftw_execute_dft`
  static func _execute(
    _ plan: OpaquePointer, _ source: UnsafeMutablePointer<Complex<Self>>, _ target: UnsafeMutablePointer<Complex<Self>>)
  /// `fftw_destroy_plan`
  static func _destroy(_ plan: OpaquePointer)
  /// `fftw_alignment_of`
  static func _alignment(_ pointer: UnsafeMutablePointer<Complex<Self>>) -> Int32
}

/// What a planner is asked for.
public struct PlanRequest<Value: FFTPrecision> {
  let shape: [Int32]
  let batch: Int32
  let source: UnsafeMutablePointer<Complex<Value>>
  let target: UnsafeMutablePointer<Complex<Value>>
  let sign: Int32
  let flags: UInt32
  var distance: Int32 { shape.reduce(1, *) }
}

extension Float: FFTPrecision {
  public static func _allocate(_ bytes: Int) -> UnsafeMutableRawPointer? { fftwf_malloc(bytes) }
  public static func _free(_ memory: UnsafeMutableRawPointer) { fftwf_free(memory) }
  public static func _destroy(_ plan: OpaquePointer) { fftwf_destroy_plan(plan) }

  public static func _plan(_ request: PlanRequest<Float>) -> OpaquePointer? {
    let source = UnsafeMutableRawPointer(request.source).assumingMemoryBound(to: fftwf_complex.self)
    let target = UnsafeMutableRawPointer(request.target).assumingMemoryBound(to: fftwf_complex.self)
    return fftwf_plan_many_dft(
      Int32(request.shape.count), request.shape, request.batch, source, nil, 1, request.distance, target, nil, 1,
      request.distance, request.sign, request.flags)
  }

  public static func _execute(
    _ plan: OpaquePointer, _ source: UnsafeMutablePointer<Complex<Float>>,
    _ target: UnsafeMutablePointer<Complex<Float>>
  ) {
    fftwf_execute_dft(
      plan, UnsafeMutableRawPointer(source).assumingMemoryBound(to: fftwf_complex.self),
      UnsafeMutableRawPointer(target).assumingMemoryBound(to: fftwf_complex.self))
  }

  public static func _alignment(_ pointer: UnsafeMutablePointer<Complex<Float>>) -> Int32 {
    fftwf_alignment_of(UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Float.self))
  }
}

extension Double: FFTPrecision {
  public static func _allocate(_ bytes: Int) -> UnsafeMutableRawPointer? { fftw_malloc(bytes) }
  public static func _free(_ memory: UnsafeMutableRawPointer) { fftw_free(memory) }
  public static func _destroy(_ plan: OpaquePointer) { fftw_destroy_plan(plan) }

  public static func _plan(_ request: PlanRequest<Double>) -> OpaquePointer? {
    let source = UnsafeMutableRawPointer(request.source).assumingMemoryBound(to: fftw_complex.self)
    let target = UnsafeMutableRawPointer(request.target).assumingMemoryBound(to: fftw_complex.self)
    return fftw_plan_many_dft(
      Int32(request.shape.count), request.shape, request.batch, source, nil, 1, request.distance, target, nil, 1,
      request.distance, request.sign, request.flags)
  }

  public static func _execute(
    _ plan: OpaquePointer, _ source: UnsafeMutablePointer<Complex<Double>>,
    _ target: UnsafeMutablePointer<Complex<Double>>
  ) {
    fftw_execute_dft(
      plan, UnsafeMutableRawPointer(source).assumingMemoryBound(to: fftw_complex.self),
      UnsafeMutableRawPointer(target).assumingMemoryBound(to: fftw_complex.self))
  }

  public static func _alignment(_ pointer: UnsafeMutablePointer<Complex<Double>>) -> Int32 {
    fftw_alignment_of(UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Double.self))
  }
}
