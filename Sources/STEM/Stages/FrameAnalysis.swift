/// A stage that looks at single frames: a kernel, and results that follow from its buffers. Analyses that need the same
/// facts share one pass. See `docs/architecture.md`, "a new analysis".
public protocol FrameAnalysis: Stage {
  /// Makes the kernel of one rank.
  func makeKernel(_ context: FrameContext) throws -> any FrameKernel
}
