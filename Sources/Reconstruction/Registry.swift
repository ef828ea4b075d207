import STEM

/// Every analysis with a stage after the pass; everything else about one follows from its declaration.
public let reconstructionRegistry: [any FrameAnalysis.Type] = [
  OriginFit.self,
  DifferentialPhaseContrast.self,
]
