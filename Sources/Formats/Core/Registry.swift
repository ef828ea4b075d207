import STEM

/// Every input format, in the order of recognition: specific ones first.
public let formatRegistry: [any InputFormat.Type] = [
  H5USIDFormat.self,
  EMDFormat.self,
  HyperSpyFormat.self,
  HDF5Format.self,
  MerlinFormat.self,
  NpyFormat.self,
  RawFormat.self,
]

/// Opens the input of a job. Throws `Problem` or `Problems`.
public func openInput(_ request: InputRequest) throws -> any FrameSource { try inspectInput(request).source }

/// Finds out how an input is to be read: finds the format from the content, honors `request.format`.
/// Throws `Problem` or `Problems`.
public func inspectInput(_ request: InputRequest) throws -> OpenedInput {
  let probe = try FileProbe(path: request.path)
  return try withFileKept(probe) { try inputFormat(of: probe, for: request).open(request, probe: probe) }
}

/// The format in which a file will be read. Throws `Problem`.
public func inputFormat(of probe: FileProbe, for request: InputRequest) throws -> any InputFormat.Type {
  if let wanted = request.format {
    guard let format = formatRegistry.first(where: { $0.name == wanted.lowercased() }) else {
      let names = formatRegistry.map { $0.name }.joined(separator: ", ")
      throw Problem(.badConfiguration, at: InputKey.format.place, "\(wanted) is no known format; use one of \(names)")
    }
    return format
  }
  if let format = formatRegistry.first(where: { $0.recognizes(probe) }) { return format }
  // Bytes without a header mean something only when the user says what.
  if let format = formatRegistry.first(where: { $0.isDescribed(by: request) }) { return format }
  throw unknownContent(probe)
}

private func unknownContent(_ probe: FileProbe) -> Problem {
  let known = formatRegistry.map { format in
    format.name + (format.suffixes.isEmpty ? "" : " (." + format.suffixes.joined(separator: ", .") + ")")
  }
  let expected = formatRegistry.first { $0.suffixes.contains(probe.suffix) && $0.name != "raw" }
  let misleading = expected.map { "; the name says .\(probe.suffix), but it does not start like \($0.name)" } ?? ""
  return Problem(
    .badData, at: probe.path,
    "the content is of no known format\(misleading); known are \(known.joined(separator: ", ")); for headerless binary "
      + "give input.format: raw with detector_shape, pixel_type and scan_shape")
}
