// The commands that compile, and the evaluation of models: the part of `llmc` that loads the
// compiler.
#pragma once

#include "tools/llmc/CommandLine.h"

namespace llmc {

/// Adds `compile` and `recipe`, and gives `tools` the way to open models.
void addCompileCommands(CLI::App &app, Toolbox &tools);

/// A model in the reference evaluator.
std::unique_ptr<Evaluable> openReferenceModel(const ModelChoice &choice);

} // namespace llmc
