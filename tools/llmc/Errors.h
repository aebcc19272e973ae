// How a command ends early.
#pragma once

#include <stdexcept>
#include <string>

namespace llmc {

/// Something about the input is wrong. The message says what, where, the limit and what to do; it
/// is printed once and the exit code is 1.
class InputError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The command was another process, which has said what there is to say. Not an error by itself.
struct CommandEnded {
  int exitCode = 0;
};

} // namespace llmc
