// Linear layers, their activations and embeddings for CPUs whose products have no order of their
// own: one row of weights at a time, summed along its columns. See RowWeightLayout.h for what lies
// in memory.
//
// Products are vmladava on Helium, scalar multiply-adds where there are no vectors, and elsewhere
// written as what they are, sums of sign-extended vectors of 16.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Layout/RowWeightLayout.h"

#include <string>

namespace llmc::target {

/// Adds the function of a Linear. Errors: what RowWeightLayout::of reports, operands that are not
/// those of a Linear, an odd number of gates and ups.
bool emitRowLinear(llvm::Module &module, const IsaTable &isa, const std::string &name,
                   const Matmul &matmul, const std::vector<KernelOperand> &operands,
                   std::string &error);

/// Adds the function of PackRows. Errors: as above.
bool emitRowPack(llvm::Module &module, const IsaTable &isa, const std::string &name,
                 const PackRows &pack, const std::vector<KernelOperand> &operands,
                 std::string &error);

/// Adds the function of EmbedRows. Errors: as above.
bool emitRowEmbed(llvm::Module &module, const IsaTable &isa, const std::string &name,
                  const EmbedRows &rows, const std::vector<KernelOperand> &operands,
                  std::string &error);

} // namespace llmc::target
