import Foundation
import TestSupport
import Testing

/// The commands of the documentation do what the pages say; `CONTRIBUTING.md` explains how a page marks them.
@Suite(.serialized, .enabled(if: python != nil, "no .venv: run `make venv`")) struct DocsTests {
  /// README.md, CONTRIBUTING.md, the page of the Python reader, and every page below docs/, relative to the checkout.
  static let pages: [String] = {
    let found = FileManager.default.enumerator(atPath: packageRoot.appendingPathComponent("docs").path)?.allObjects
    let inDocs = (found as? [String] ?? []).filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }
    return ["README.md", "CONTRIBUTING.md", "python/README.md"] + inDocs.sorted()
  }()

  @Test("commands run", arguments: pages) func commandsRun(page: String) throws {
    let script = packageRoot.appendingPathComponent("Tests/InteropTests/run_docs.py").path
    let path = packageRoot.appendingPathComponent(page).path
    let outcome = try run(try #require(python), [script, path, packageRoot.path, ronchiBinary])
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    #expect(outcome.output.contains("all blocks passed"))
  }

  @Test("there are pages with commands") func pagesAreFound() throws {
    #expect(Self.pages.contains("docs/tutorial.md"))
    let texts = try Self.pages.map { try String(contentsOf: packageRoot.appendingPathComponent($0), encoding: .utf8) }
    #expect(texts.filter { $0.contains("```sh run") }.count >= 4)
  }
}
