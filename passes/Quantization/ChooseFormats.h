// Pass llmc-choose-formats: the recipe's format for every weight.
#pragma once

#include "passes/Quantization/Recipe.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Quantization/ChooseFormats.h.inc"

std::unique_ptr<mlir::Pass> createChooseFormatsPass(Recipe recipe);

} // namespace llmc::passes
