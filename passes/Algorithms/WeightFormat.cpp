#include "passes/Algorithms/WeightFormat.h"

#include <array>
#include <charconv>

namespace llmc::passes {
namespace {

struct ElementFacts {
  WeightElement element;
  std::string_view name;
  double bits;
  bool smallInteger; ///< m * q with m <= 16 fits int8.
};

constexpr std::array<ElementFacts, 9> elementFacts = {{
    {WeightElement::I8, "w8", 8, false},
    {WeightElement::I4, "w4", 4, true},
    {WeightElement::I3, "w3", 3, true},
    {WeightElement::I2, "w2", 2, true},
    {WeightElement::Ternary, "ternary", 1.6, true},
    {WeightElement::Table16, "table16", 4, false},
    {WeightElement::E2M1, "e2m1", 4, false},
    {WeightElement::E4M3, "e4m3", 8, false},
    {WeightElement::E5M2, "e5m2", 8, false},
}};

const ElementFacts &factsOf(WeightElement element) {
  return elementFacts[static_cast<size_t>(element)];
}

struct ScaleFacts {
  WeightScale scale;
  char letter;
  uint32_t bits;
};

constexpr std::array<ScaleFacts, 4> scaleFacts = {{
    {WeightScale::F32, 'f', 32},
    {WeightScale::F16, 'g', 16},
    {WeightScale::E8M0, 'e', 8},
    {WeightScale::IntMultiplierTimesRow, 'm', 4},
}};

const ScaleFacts &factsOf(WeightScale scale) { return scaleFacts[static_cast<size_t>(scale)]; }

uint64_t elementBytesOfRow(WeightElement element, uint64_t columns) {
  switch (element) {
  case WeightElement::I8:
  case WeightElement::E4M3:
  case WeightElement::E5M2:
    return columns;
  case WeightElement::I4:
  case WeightElement::Table16:
  case WeightElement::E2M1:
    return (columns + 1) / 2;
  case WeightElement::I3:
    return (columns + 3) / 4 + (columns + 7) / 8;
  case WeightElement::I2:
    return (columns + 3) / 4;
  case WeightElement::Ternary:
    return (columns + 4) / 5;
  }
  return 0;
}

} // namespace

bool WeightFormat::decodesToInt8() const {
  if (scale == WeightScale::IntMultiplierTimesRow)
    return factsOf(element).smallInteger;
  return block == 0 && element <= WeightElement::Table16;
}

std::optional<std::string> checkWeightFormat(const WeightFormat &format) {
  if (format.scale == WeightScale::IntMultiplierTimesRow) {
    if (format.block == 0)
      return "integer multipliers need a block: one per row is the row scale itself";
    if (!factsOf(format.element).smallInteger)
      return "integer multipliers need an integer element of at most 4 bits, not " +
             std::string(factsOf(format.element).name);
  }
  if (format.scale != WeightScale::F32 && format.block == 0)
    return "a scale for the whole row is fp32";
  return std::nullopt;
}

std::optional<WeightFormat> parseWeightFormat(std::string_view name) {
  const size_t dash = name.find('-');
  const std::string_view head = name.substr(0, dash);
  for (const ElementFacts &facts : elementFacts) {
    if (facts.name != head)
      continue;
    WeightFormat format{facts.element, 0, WeightScale::F32};
    if (dash == std::string_view::npos)
      return format;
    const std::string_view tail = name.substr(dash + 1);
    for (const ScaleFacts &scale : scaleFacts) {
      if (tail.size() < 2 || tail[0] != scale.letter || tail[1] == '0')
        continue;
      auto [end, error] = std::from_chars(tail.data() + 1, tail.data() + tail.size(), format.block);
      if (error != std::errc() || end != tail.data() + tail.size())
        return std::nullopt;
      format.scale = scale.scale;
      return checkWeightFormat(format) ? std::nullopt : std::optional(format);
    }
  }
  return std::nullopt;
}

std::string printWeightFormat(const WeightFormat &format) {
  std::string name(factsOf(format.element).name);
  if (format.block == 0)
    return name;
  return name + '-' + factsOf(format.scale).letter + std::to_string(format.block);
}

uint64_t weightBytes(const WeightFormat &format, uint32_t rows, uint32_t columns) {
  const uint64_t scaleBits = uint64_t{format.groups(columns)} * factsOf(format.scale).bits;
  uint64_t row = elementBytesOfRow(format.element, columns) + (scaleBits + 7) / 8;
  if (format.scale == WeightScale::IntMultiplierTimesRow)
    row += sizeof(float);
  return row * rows + (format.element == WeightElement::Table16 ? 16 : 0);
}

double weightBits(const WeightFormat &format) {
  const double bits = factsOf(format.element).bits;
  return format.block == 0 ? bits
                           : bits + static_cast<double>(factsOf(format.scale).bits) / format.block;
}

} // namespace llmc::passes
