import STEM

/// Every stage that finds a fact before a result is laid out.
public let calibratingRegistry: [any CalibratingStage.Type] = [
  BadPixelSearch.self,
  BrightDiskStage.self,
  RingEllipse.self,
  DoseSample.self,
]
