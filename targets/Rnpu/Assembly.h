// The text form of rnpu programs: one command a line. docs/format/rnpu.md has the grammar.
//
//   rnpu 1.0
//   entry "gemv"
//   trips 8
//   sram 8192
//   body
//   load   #1 wait=tensor>=-1+1*trip src=weights+0x0+trip*1024 dst=sram+0x0 run=1024 "slice"
//   tensor #2 wait=load>=1+1*trip linear tokens=1 sub=1 n=16 k=48 format=i8/row ... ; a comment
//
// Text, Image and blob carry the same: parse after print, and print after parse of printed text,
// are identities.
#pragma once

#include "targets/Rnpu/Encoding.h"

#include <optional>
#include <string>

namespace llmc::rnpu {

std::string printAssembly(const Image &image);

/// One command as its line of text, without the line end.
std::string printCommand(const target::Command &command);

/// Errors: "line 4, column 12: ..." for text, "line 4: ..." for a command that breaks a rule of
/// Validate.h.
std::optional<Image> parseAssembly(const std::string &text, std::string &error);

} // namespace llmc::rnpu
