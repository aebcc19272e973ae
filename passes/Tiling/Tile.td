// Pass llmc-tile.
include "mlir/Pass/PassBase.td"

def TilePass : Pass<"llmc-tile", "::mlir::ModuleOp"> {
  let summary = "Turn entries into programs of transfers, matrix tiles and vector chains";
  let description = [{
    Requires: a specialized, quantized and fused module with laid out weights; `npu.target`, and `npu.packing` for a direct machine
              or weights in a layout of the target's own.
    Ensures:  each entry is one `npu.program` in a valid sequential order; layers are one `npu.trips` region. Weights, cached keys and values,
              tables and ids come by `npu.dma` into stream buffers cut to the target's on-chip memory; every kernel addresses buffers
              only. The entry functions and layer functions are gone. `npu.chunk_rows` on the module is the number of hidden rows with
              which Io begins, whichever entries are left out later.
              Where a program needs more than on-chip memory has, rows leave it: the largest value at the fullest command that its producer
              can send off in parts and that is read row by row is kept in scratch, and so on until the rest fits or nothing there
              can be staged. `scratch` of the program is what it uses, values that do not live together sharing bytes. What fits is tiled
              as if scratch did not exist.
    Fails:    no `npu.target`; an operation without a kernel (not quantized, a bias, a rotation by an explicit table, an f32 cache); a weight
              or table without a place, weights or packed rows whose size `npu.packing` does not give, or layers without a
              constant stride; a group that yields more than its last operation's results.
  }];
  let statistics = [Statistic<"numStaged", "num-staged", "Values whose rows are kept in scratch">];
  let dependentDialects = ["::llmc::npu::NpuDialect"];
}
