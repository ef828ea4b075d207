/// Letters of 5 × 7 pixels with two rows for descenders, drawn for this program.
enum PixelFont {
  static let width = 5
  static let height = 9
  /// Rows above the base line.
  static let ascent = 7

  /// Rows of a character, each five bits, the leftmost the highest; a box for a character without a drawing.
  static func rows(_ character: Character) -> [UInt8] { glyphs[character] ?? glyphs["\u{FFFD}"]! }

  private static let glyphs: [Character: [UInt8]] = Dictionary(
    uniqueKeysWithValues: drawing.split(separator: "\n").flatMap { line in
      line.split(separator: " ").map { entry in
        let rows = entry.dropFirst().map { UInt8(String($0), radix: 32)! }
        let character: Character = entry.first! == "␣" ? " " : entry.first!
        return (character, rows + Array(repeating: 0, count: height - rows.count))
      }
    })

  /// A character followed by its rows from the top, each a digit of base 32: A is 01110 10001 … = EHH…
  private static let drawing = """
    ␣0000000 !4444404 "AA00000 #AAVAVAA $4FKE5U4 %OP248J3 &8KK8LID '4400000 (2488842 )8422248 *04LELI4 +044V44
    ,00000448 -000V000 .000000CC /0112448G 0EHJLPHE 14C4444E 2EH1248V 3V2421HE 426AIV22 5VGU11HE 668GUHHE
    7V124888 8EHHEHHE 9EHHF12C :0CC0CC0 ;0CC0C48 <2484842 =00V0V00 >8421248 ?EH12404 @EHNLNGE
    AEHHVHHH BUHHUHHU CEHGGGHE DSIHHHIS EVGGUGGV FVGGUGGG GEHGNHHF HHHHVHHH IE44444E J72222IC KHIKOKIH
    LGGGGGGV MHRLLHHH NHHPLJHH OEHHHHHE PUHHUGGG QEHHHLID RUHHUKIH SFGGE11U TV444444 UHHHHHHE VHHHHHA4
    WHHHLLLA XHHA4AHH YHHHA444 ZV1248GV [E88888E \\0G84210 ]E22222E ^4AH0000 _0000000V `8400000
    a00E1FHF bGGUHHHU c00EGGHE d11FHHHF e00EHVGE f698S888 g00FHHHF1E hGGUHHHH i40C4444E j2062222IC kGGIKOKI
    lC44444E m00QLLLL n00UHHHH o00EHHHE p00UHHHUGG q00FHHHF11 r00MPGGG s00FGE1U t88S8896 u00HHHHF
    v00HHHA4 w00HHLLA x00HA4AH y00HHHHF1E z00V248V {2448442 |4444444 }8442448 ~008L200 \u{FFFD}VHHHHHV
    Å4A4EHVH µ00HHHJTG μ00HHHJTG °CIIC000 ×00A4A000 ·000C000 ²CI24U00 ⁻00E00000 ¹4C4E000 −000V000 σ00FIIIC π00VAAAB
    Δ44AAHHV α00DIIID θ6996F996
    """
}
