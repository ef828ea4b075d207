import STEM
import Testing

@testable import Engine
@testable import Runner

@Suite struct MemoryTests {
  @Test("the smallest of what Slurm, the control group and the node leave counts")
  func limits() {
    let free = MachineMemory.limit([:], ranksOnNode: 1)
    let shared = MachineMemory.limit([:], ranksOnNode: 4)
    #expect(abs(free.bytes - 4 * shared.bytes) <= 4)
    let perCPU = MachineMemory.limit(["SLURM_MEM_PER_CPU": "100", "SLURM_CPUS_PER_TASK": "2"], ranksOnNode: 8)
    #expect(perCPU.bytes == min(200 << 20, MachineMemory.limit([:], ranksOnNode: 8).bytes))
    let perNode = MachineMemory.limit(["SLURM_MEM_PER_NODE": "400"], ranksOnNode: 4)
    #expect(perNode.bytes == 100 << 20 && perNode.origin.contains("SLURM_MEM_PER_NODE"))
  }
}
