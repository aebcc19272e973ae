// Decoding of one command, for Decode.cpp alone.
#pragma once

#include "targets/Interface/Program.h"
#include "targets/Rnpu/WordReader.h"

namespace llmc::rnpu {

/// The next command of an engine's list. Errors stay in the reader.
target::Command decodeCommand(WordReader &in, target::Engine engine);

} // namespace llmc::rnpu
