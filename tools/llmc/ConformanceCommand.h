// llmc conformance.
#pragma once

#include "tools/llmc/CommandLine.h"

namespace llmc {

void addConformanceCommand(CLI::App &app, Toolbox &tools);

} // namespace llmc
