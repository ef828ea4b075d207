import Preprocessing
import STEM

/// What is wrong with the detector, and how its frames are to be seen.
struct DetectorSection: JobSection {
  enum DeadPixelAction: String, ChoiceParameter { case exclude, interpolate }

  var dark: String?
  var offset: Double?
  var gain: String?
  var deadPixels: String?
  var deadPixelAction: DeadPixelAction?
  var saturation: Double?
  var transpose: Bool?
  var rotate: QuarterTurns?
  var flipY: Bool?
  var flipX: Bool?
  var crop: CropWindow?
  var bin: OneOrPair<Int>?

  private static let array = "(.npy, or an HDF5 dataset as file.h5:/dataset)"
  static let cropForm = ParameterForm.pair(.pair(.integer(0...Int(Int32.max))))
  static let binForm = ParameterForm.integer(1...65_535)
  private static let everyNumber = ParameterForm.number(CalibrationSection.everyNumber)

  static let declaration = Declaration<Self>(
    "detector", "Corrections of every frame on its way from the file, in the order of the keys.", source: "",
    parameters: [
      .init("dark", \.dark, .file, "A dark frame [detector y, detector x] \(array), which is subtracted."),
      .init("offset", \.offset, everyNumber, "A number that is subtracted from every pixel."),
      .init(
        "gain", \.gain, .file,
        "A gain reference [detector y, detector x]: the detector's response to even illumination, without dark. Frames "
          + "are divided by it and multiplied by its mean over the pixels that are not dead."),
      .init(
        "dead_pixels", \.deadPixels, .file,
        "An array [detector y, detector x] \(array), not 0 where a pixel is dead or hot; find: they are found in at most "
          + "4096 frames of the scan."),
      .init(
        "dead_pixel_action", \.deadPixelAction, DeadPixelAction.form,
        "exclude (default): analyses leave them out; interpolate: they take the mean of their good neighbors."),
      .init(
        "saturation", \.saturation, everyNumber,
        "Pixels of at least this value in the file are saturated; default: what the file says, or the largest value of "
          + "its type. Where pixels are summed (bin), a sum with such a pixel is NaN, only if the key is given."),
      .init("transpose", \.transpose, .flag, "Rows become columns."),
      .init("rotate", \.rotate, .integers([0, 90, 180, 270]), "Degrees, clockwise on screen."),
      .init("flip_y", \.flipY, .flag, "Upside down: the last row becomes the first."),
      .init("flip_x", \.flipX, .flag, "Left to right: the last column becomes the first."),
      .init(
        "crop", \.crop, cropForm,
        "Part of the detector that is kept, [[y begin, y end], [x begin, x end]] after the keys above, ends not included."
      ),
      .init("bin", \.bin, .pair(binForm), "Pixels that are summed into one, one number or [y, x]; a rest is left out."),
    ], outputs: [],
    example: """
      detector:
        dark: dark.npy
        gain: flat.npy
        dead_pixels: find
        dead_pixel_action: interpolate
        flip_y: true
        bin: 2

      """)

  static let alternatives: [String: [ParameterForm]] = ["dead_pixels": [.choice(["find"])], "bin": [binForm]]

  var findsDeadPixels: Bool { deadPixels == "find" }

  /// Array files beside the dead pixels', by key.
  var references: [(key: String, path: String)] {
    [("dark", dark), ("gain", gain)].compactMap { key, path in path.map { (key, $0) } }
  }

  func correction(_ arrays: [String: DenseArray]) -> DetectorCorrection {
    var correction = DetectorCorrection()
    correction.dark = dark.flatMap { arrays[$0] }
    correction.gain = gain.flatMap { arrays[$0] }
    correction.offset = offset ?? 0
    correction.findsDeadPixels = findsDeadPixels
    correction.interpolates = deadPixelAction == .interpolate
    correction.saturation = saturation
    correction.orientation = Orientation(
      transpose: transpose ?? false, quarterTurns: rotate?.count ?? 0, flipY: flipY ?? false, flipX: flipX ?? false)
    correction.crop = crop?.window
    correction.bin = bin?.pair ?? Shape(1, 1)
    return correction
  }
}

/// A rotation by whole quarters of a turn, given in degrees.
struct QuarterTurns: ParameterType {
  var count: Int

  init(_ setting: Setting, form: ParameterForm) throws {
    guard case .integer(let degrees) = setting, (0...270).contains(degrees), degrees.isMultiple(of: 90) else {
      throw Problem(.badConfiguration, "'\(setting.text)' given; 0, 90, 180 or 270 (degrees, clockwise) is allowed")
    }
    count = degrees / 90
  }

  var setting: Setting { .integer(90 * count) }
}

/// `[[y begin, y end], [x begin, x end]]`, ends not included.
struct CropWindow: ParameterType {
  let window: Window

  init(_ setting: Setting, form: ParameterForm) throws {
    let pairs = try Pair<Pair<Int>>(setting, form: form)
    guard pairs.y.y < pairs.y.x, pairs.x.y < pairs.x.x else {
      throw Problem(
        .badConfiguration,
        "\(setting.text) given; [[y begin, y end], [x begin, x end]] with begin < end is allowed")
    }
    window = Window(rows: pairs.y.y..<pairs.y.x, columns: pairs.x.y..<pairs.x.x)
  }

  var setting: Setting {
    .list([window.rows, window.columns].map { .list([.integer($0.lowerBound), .integer($0.upperBound)]) })
  }
}
