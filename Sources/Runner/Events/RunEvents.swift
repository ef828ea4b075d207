/// What happens in a run, for whoever shows or records it. Called on every rank; what reaches a user comes from rank 0.
public protocol RunEvents: AnyObject {
  func info(_ text: String)
  func warning(_ text: String)
  /// How far a pass is; comes often, and is for the one who listens to thin out.
  func progress(_ state: ProgressState)
  /// A line about an iteration; comes as often as iterations do.
  func iteration(_ text: String)
  /// No progress comes for a while.
  func endProgress()
}
