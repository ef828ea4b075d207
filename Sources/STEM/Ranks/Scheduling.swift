/// Who gets which task.
public enum Scheduling: String, Sendable, CaseIterable {
  /// The next one goes to whoever is free.
  case dynamic
  /// Task t is that of rank t modulo the number of ranks.
  case `static`
}
