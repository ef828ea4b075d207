import HDF5
import Testing

@Suite("HDF5 attributes")
struct AttributeTests {
  let scratch = Scratch()

  @Test(
    "a value is read as it was written",
    arguments: [
      .int(-3), .int(Int.max), .double(0.1), .string("Å⁻¹ µm"), .string(""), .bool(true), .bool(false),
      .ints([1, -2, 3]), .doubles([0.5, .infinity]), .strings(["Position_Y", "q"]), .reference("/group/data"),
    ] as [AttributeValue])
  func roundTrip(value: AttributeValue) throws {
    let path = scratch.path()
    do {
      let file = try File(path, .create)
      let data = try file.createDataset("/group/data", shape: [1], of: .u8)
      try file.setAttribute("value", value)
      try file.openGroup("group").setAttribute("value", value)
      try data.setAttribute("value", value)
    }
    let file = try File(path)
    #expect(try file.attribute("value") == value)
    #expect(try file.openGroup("group").attribute("value") == value)
    #expect(try file.openDataset("group/data").attribute("value") == value)
    #expect(try file.attribute("other") == nil)
  }

  @Test("writing again replaces the value, in place where type and shape are the same")
  func overwriting() throws {
    let path = scratch.path()
    let file = try File(path, .create)
    try file.setAttribute("status", "running", length: 16)
    try file.setAttribute("status", "done", length: 16)
    try file.setAttribute("count", 1)
    try file.setAttribute("count", 2)
    #expect(try file.attribute("status") == .string("done"))
    #expect(try file.attribute("count") == .int(2))
    try file.setAttribute("count", [1.5, 2.5])
    #expect(try file.attribute("count") == .doubles([1.5, 2.5]))
    #expect(try file.attributeNames() == ["count", "status"])
    try file.removeAttribute("count")
    #expect(try file.attributes().map(\.name) == ["status"])
  }

  @Test("a long text (a resolved job) fits in an attribute")
  func longText() throws {
    let file = try File(scratch.path(), .create)
    let job = String(repeating: "analyses: []\n", count: 20_000)
    try file.setAttribute("job", job)
    #expect(try file.attribute("job") == .string(job))
  }

  @Test("widening keeps the number: any type is read as int or double")
  func widening() throws {
    let file = try File(scratch.path(), .create)
    try file.setAttribute("byte", scalar: UInt8(200))
    try file.setAttribute("single", scalar: Float(0.5))
    try file.setAttribute("list", [UInt64.max])
    try file.setAttribute("small", scalar: UInt64(5))
    #expect(try file.attribute("byte") == .int(200))
    #expect(try file.attribute("single")?.double == 0.5)
    #expect(try file.attribute("list") == .doubles([Double(UInt64.max)]))
    #expect(try file.attribute("small")?.int == 5)
    #expect(try file.attribute("byte")?.string == nil)
  }
}
