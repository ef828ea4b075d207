import Testing

@testable import STEM

@Suite struct ParameterTests {
  @Test("a list is a list of its element, each with its own place in a message")
  func list() throws {
    let form = ParameterForm.list(.integer(1...12))
    #expect(try [Int](.list([.integer(2), .integer(6)]), form: form) == [2, 6])
    #expect(try [Int](.list([]), form: form) == [])
    #expect([3, 4].setting == .list([.integer(3), .integer(4)]))
    #expect { try [Int](.integer(3), form: form) } throws: { "\($0)".contains("a list is allowed") }
    #expect { try [Int](.list([.integer(2), .integer(13)]), form: form) } throws: {
      "\($0)" == "1: '13' given; a whole number from 1 to 12 is allowed"
    }
  }
}
