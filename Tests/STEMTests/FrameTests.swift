import STEM
import Testing

@Suite struct FrameTests {
  private struct Numbers: PixelVisitor {
    func visit<Stored: StoredPixel>(_ pixels: Pixels<Stored>) -> (type: PixelType, values: [Double]) {
      (Stored.pixelType, pixels.map(\.double))
    }
  }

  @Test("a visitor sees numbers in the frame's own type, wherever they lie", arguments: PixelType.inMemory, [0, 1])
  func visit(type: PixelType, offset: Int) {
    let values: [Double] = [0, 1, 2, 77, 100, 127]
    func memory<Stored: StoredPixel>(_: Stored.Type) -> [UInt8] {
      values.map { Stored(storing: Stored.Number(truncating: $0)) }.withUnsafeBytes { Array($0) }
    }
    let bytes = [UInt8](repeating: 9, count: offset) + memory(type.stored)
    bytes.withUnsafeBytes {
      let frame = Frame(FrameLayout(Shape(2, 3), type), $0.baseAddress! + offset)
      let seen = frame.visit(Numbers())
      #expect(seen.type == type && seen.values == values && frame.doubles() == values)
    }
  }

  @Test("swapped pixels lie in memory the other way round, and are no numbers themselves")
  func swapped() {
    let pixel = SwappedUInt16(storing: 0x1234)
    #expect(pixel.number == 0x1234)
    withUnsafeBytes(of: pixel) { swapped in
      withUnsafeBytes(of: UInt16(0x1234)) { native in #expect(Array(swapped) == native.reversed()) }
    }
    #expect(!((PixelType.u16Swapped.stored as Any) is any FramePixel.Type))
    #expect(PixelType.u16Swapped.number.pixelType == .u16 && PixelType.u16Swapped.stored.pixelType == .u16Swapped)
    for type in PixelType.allCases { #expect(type.stored.pixelType == type && type.number.pixelType == type) }
  }

  @Test("a group hands out its frames and smaller groups of them")
  func groups() {
    let pixels = (0..<12).map { UInt16($0) }
    pixels.withUnsafeBytes {
      let group = FrameGroup(FrameLayout(Shape(1, 2), .u16), 7..<11, first: $0.baseAddress!, strideBytes: 6)
      #expect(group[7].doubles() == [0, 1] && group[10].doubles() == [9, 10])
      #expect(group[8..<10].positions == 8..<10 && group[8..<10][9].doubles() == [6, 7])
    }
  }
}
