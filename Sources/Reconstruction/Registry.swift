import STEM

/// Every stage that works on the whole scan; everything else about one follows from its declaration.
public let reconstructionRegistry: [any Stage.Type] = [
  OriginFit.self,
  DifferentialPhaseContrast.self,
]
