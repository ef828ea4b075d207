import ComplexModule
import RealModule

/// Complex numbers in memory aligned for FFTW, all zero at first. One thread at a time.
/// The corresponding C functions are `fftw_malloc` and `fftw_free`.
public final class ComplexBuffer<Value: FFTPrecision>: @unchecked Sendable {
  public let count: Int
  /// The memory; valid as long as the buffer lives.
  public let pointer: UnsafeMutablePointer<Complex<Value>>

  public init(count: Int) {
    precondition(count > 0, "a buffer holds at least one element")
    guard let memory = Value._allocate(count * MemoryLayout<Complex<Value>>.stride) else {
      fatalError("no memory for \(count) complex numbers")
    }
    self.count = count
    pointer = memory.bindMemory(to: Complex<Value>.self, capacity: count)
    pointer.initialize(repeating: .zero, count: count)
  }

  /// A copy of an array.
  public convenience init(_ values: [Complex<Value>]) {
    self.init(count: values.count)
    for (index, value) in values.enumerated() { pointer[index] = value }
  }

  deinit { Value._free(pointer) }

  /// The elements, to read and write.
  public var elements: UnsafeMutableBufferPointer<Complex<Value>> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// A copy as an array.
  public var array: [Complex<Value>] { Array(elements) }

  @inlinable public subscript(index: Int) -> Complex<Value> {
    get {
      precondition(index >= 0 && index < count)
      return pointer[index]
    }
    set {
      precondition(index >= 0 && index < count)
      pointer[index] = newValue
    }
  }

  /// Sets every element to zero.
  public func clear() { pointer.update(repeating: .zero, count: count) }
}

extension ComplexBuffer where Value == Double {
  /// The memory as real and imaginary parts, for loops in which the operators of `Complex` are slow.
  @inlinable public var samples: UnsafeMutablePointer<SIMD2<Double>> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: SIMD2<Double>.self)
  }
}
