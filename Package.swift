// swift-tools-version: 6.1
import PackageDescription

let system: [(name: String, pkgConfig: String, apt: String)] = [
  ("CMPI", "ompi-c", "libopenmpi-dev"),
  ("CHDF5", "hdf5-openmpi", "libhdf5-openmpi-dev"),
  ("CFFTW", "fftw3", "libfftw3-dev"),
  ("CFFTWFloat", "fftw3f", "libfftw3-dev"),
  ("CPNG", "libpng", "libpng-dev"),
  ("CDeflate", "libdeflate", "libdeflate-dev"),
  ("CLZ4", "liblz4", "liblz4-dev"),
  ("CZstd", "libzstd", "libzstd-dev"),
  ("CCrypto", "libcrypto", "libssl-dev"),
]

/// A room of the house: `Sources/<name>` and what it may import.
func room(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .target(name: name, dependencies: dependencies, exclude: ["README.md"])
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .testTarget(name: name, dependencies: dependencies + ["TestSupport"])
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let complex = Target.Dependency.product(name: "ComplexModule", package: "swift-numerics")

/// Has no `main` of its own, so it only links with `--sanitize fuzzer`: see docs/fuzzing.md.
let libFuzzer: [Target] =
  Context.environment["RONCHI_LIBFUZZER"] == nil
  ? [] : [.executableTarget(name: "ronchi-libfuzzer", dependencies: ["FuzzSupport"], path: "Tests/Fuzz/LibFuzzer")]

let package = Package(
  name: "ronchi",
  products: [.executable(name: "ronchi", targets: ["ronchi"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ],
  targets: system.map {
    .systemLibrary(name: $0.name, pkgConfig: $0.pkgConfig, providers: [.apt([$0.apt])])
  } + [
    .target(name: "CKernels", exclude: ["README.md"]),
    .target(name: "CCodecs", exclude: ["README.md"]),

    room("MPI", "CMPI"),
    room("HDF5", "CHDF5", "CMPI", "MPI"),
    room("FFT", "CFFTW", "CFFTWFloat", complex),
    room("Digest", "CCrypto"),

    room("STEM"),
    room("Kernels", "STEM", "FFT", "CKernels"),
    room("Analyses", "STEM", "Kernels"),
    room("Calibrating", "STEM", "Kernels"),
    room("Reconstruction", "STEM", "Kernels", "FFT"),
    room("Preprocessing", "STEM", "Kernels", "CKernels"),
    room("Formats", "STEM", "HDF5", "CCodecs", "CDeflate", "CLZ4", "CZstd"),
    room("USID", "STEM", "HDF5"),
    room("Jobs", "STEM", "Analyses", "Calibrating", "Reconstruction", "Preprocessing", "Formats", yams),
    room("Simulation", "STEM", "FFT", complex),
    room("Report", "STEM", "USID", "CPNG"),
    room("Engine", "STEM"),
    room(
      "Runner", "Engine", "STEM", "Calibrating", "Formats", "USID", "Jobs", "Simulation", "MPI", "HDF5", "FFT",
      "Digest",
      logging),

    .executableTarget(
      name: "ronchi",
      dependencies: [
        "STEM", "Engine", "Analyses", "Formats", "USID", "Jobs", "Runner", "Report", "Simulation", "MPI", "HDF5", "FFT",
        arguments, logging,
      ],
      exclude: ["README.md"]),

    .executableTarget(
      name: "ronchi-benchmarks", dependencies: ["STEM", "Kernels", "Analyses", "Formats", "CKernels", "CCodecs"],
      path: "Benchmarks/kernels"),

    .target(name: "TestSupport", dependencies: ["HDF5", "STEM"], path: "Tests/TestSupport"),
    .executableTarget(
      name: "ronchi-ranks-probe", dependencies: ["MPI", "Runner", "STEM", "USID", "TestSupport"],
      path: "Tests/RanksProbe"),
    tests("PlatformTests", "MPI", "HDF5", "FFT"),
    tests("STEMTests", "STEM"),
    tests("KernelsTests", "Kernels", "STEM"),
    tests("PreprocessingTests", "Preprocessing", "Kernels", "STEM"),
    tests("AnalysesTests", "Analyses", "Reconstruction", "Jobs", "Kernels", "STEM"),
    tests("FormatsTests", "Formats", "STEM", "HDF5", "Digest"),
    tests("USIDTests", "USID", "STEM", "HDF5"),
    tests("ReconstructionTests", "Reconstruction", "Kernels", "STEM", "Simulation"),
    tests("JobsTests", "Jobs", "STEM", "Analyses", "Formats"),
    tests("RunnerTests", "Engine", "Runner", "Jobs", "USID", "STEM", "Digest", "ronchi-ranks-probe"),
    tests("ReportTests", "Report", "STEM", "USID"),
    tests("SimulationTests", "Simulation", "STEM", "FFT", complex),
    .executableTarget(
      name: "ronchi-example-stage", dependencies: ["STEM", "Engine", "Jobs", "Runner", "MPI", "HDF5"],
      path: "Tests/ExampleStage"),
    tests("EndToEndTests", "ronchi", "ronchi-example-stage", "Formats", "HDF5", "STEM"),
    .testTarget(
      name: "InteropTests", dependencies: ["ronchi", "TestSupport", "STEM", "USID"],
      exclude: [
        "check_dpc.py", "open_with_peers.py", "read_every_element.py", "read_with_ronchi.py", "run_docs.py",
        "requirements.txt",
      ]),
    .target(
      name: "FuzzSupport", dependencies: ["STEM", "Formats", "HDF5", "Jobs"], path: "Tests/FuzzSupport",
      exclude: ["README.md"]),
    .executableTarget(name: "ronchi-fuzz", dependencies: ["FuzzSupport", "Formats"], path: "Tests/Fuzz/Driver"),
    tests("FuzzTests", "FuzzSupport", "ronchi-fuzz", "Formats", "Jobs", "HDF5", "STEM"),
  ] + libFuzzer,
  swiftLanguageModes: [.v6]
)
