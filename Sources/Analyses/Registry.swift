import STEM

/// Every per-frame analysis; everything else about one follows from its declaration.
public let analysisRegistry: [any FrameAnalysis.Type] = [
  VirtualDetectors.self,
  CenterOfMass.self,
  FrameStatistics.self,
  RadialProfile.self,
  FluctuationMicroscopy.self,
  AngularSymmetry.self,
  RegionPatterns.self,
  LogRatio.self,
  PixelNoise.self,
]
