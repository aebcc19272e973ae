// The rules of one command, split over Validate.cpp and ValidateKernel.cpp.
#pragma once

#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Validate.h"

#include <optional>
#include <string>
#include <string_view>

namespace llmc::rnpu {

using Wide = unsigned __int128; ///< Sums of products of 64-bit fields, without overflow.

constexpr size_t maxNameLength = 65535;
constexpr std::string_view partNames[] = {"prologue", "body", "epilogue"};

bool isName(std::string_view text);

/// Why a weight format does not exist, or nothing.
std::optional<std::string> checkFormat(const target::WeightFormat &format);

/// Every function returns the broken rule, or nothing.
struct CommandRules {
  const target::Program &program;
  bool inBody = false;

  using Broken = std::optional<std::string>;
  Broken command(const target::Command &command) const;
  Broken waits(const target::Command &command) const;
  Broken dma(target::Engine engine, const target::Dma &dma) const;
  Broken matmul(const target::MatmulCommand &command) const;
  Broken chain(const target::ChainCommand &command) const;

  /// Sets the largest value that the address can take.
  Broken address(const target::Address &address, std::string_view what, Wide *worstCase) const;
  Broken extent(const target::Extent &extent, uint32_t unit, std::string_view what) const;
  Broken sramEnd(Wide end, std::string_view what) const;

  /// Rows that an operand is walked over, with extents at their maxima.
  struct Walk {
    uint64_t tokens = 1, subRows = 1, columns = 1;
  };
  /// Space, alignment, and that the walk stays within `bytes`.
  Broken operand(const target::Operand &operand, const Walk &walk, std::string_view what) const;
  Broken linear(const target::MatmulCommand &command) const;
  Broken attention(const target::MatmulCommand &command) const;
};

} // namespace llmc::rnpu
