/// `unknown key 'detectr'; did you mean 'detector'? allowed: …`
public func unknownKey(_ key: String, allowed: [String]) -> Problem {
  let synonym = synonyms[key].flatMap { allowed.contains($0) ? $0 : nil }
  let guess = (synonym ?? nearest(key, among: allowed)).map { "did you mean '\($0)'? " } ?? ""
  return Problem(.badConfiguration, at: key, "unknown key; \(guess)allowed: \(allowed.joined(separator: ", "))")
}

/// Names that users bring from other programs and what they are called here.
private let synonyms = [
  "convergence_angle": "semiangle", "convergence_semiangle": "semiangle", "alpha": "semiangle", "voltage": "energy",
  "accelerating_voltage": "energy", "beam_energy": "energy", "camera_length": "detector_pixel",
  "pixel_size": "detector_pixel", "step_size": "scan_step", "step": "scan_step", "rotation": "scan_rotation",
  "centre": "center", "origin": "center", "r_inner": "inner_radius", "r_outer": "outer_radius",
  "inner": "inner_radius", "outer": "outer_radius", "file": "path", "filename": "path", "shape": "scan_shape",
]

/// The candidate within an edit distance of a third of its length; nil when none is.
public func nearest(_ word: String, among candidates: [String]) -> String? {
  let scored = candidates.map { ($0, editDistance(Array(word.lowercased()), Array($0.lowercased()))) }
  guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(1, best.0.count / 3) else { return nil }
  return best.0
}

/// Levenshtein distance.
func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substitution = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
