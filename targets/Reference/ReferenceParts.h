// The kinds of kernels.
#pragma once

#include "targets/Reference/ReferenceKernel.h"

namespace llmc::target {

void runLinear(const KernelCall &call, const Matmul &matmul);
/// Scores and Values.
void runProducts(const KernelCall &call, const Matmul &matmul);
void runChain(const KernelCall &call, const VectorChain &chain);
void runEmbedRows(const KernelCall &call, const EmbedRows &embed);
void runAttention(const KernelCall &call, const Attention &attention);

} // namespace llmc::target
