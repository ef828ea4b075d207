/// A stage that looks at single frames: a kernel, and results that follow from its buffers. Analyses that need the same
/// facts share one pass. See `docs/architecture.md`, "a new analysis".
public protocol FrameAnalysis: Stage {
  /// Makes the kernel of one rank. It takes the place of every output from `outputs`, which knows what `outputs(context)`
  /// gave; `BoundKernel` calls it and checks that none is left.
  func makeKernel(_ context: FrameContext, _ outputs: OutputBinding) throws -> any FrameKernel
}
