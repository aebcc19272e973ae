#include "targets/Llvm/Layout/X86WeightLayout.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace llmc::target {

namespace {

constexpr uint32_t maxColumns =
    131072; // 128 * 128 * 131072 is the first sum that int32 cannot hold.

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Where the element of row `lane` and a column lies in a block, and the nibble's shift.
struct Place {
  uint64_t byte;
  uint32_t shift;
};

Place placeOf(const X86WeightLayout &layout, uint32_t lane, uint32_t column) {
  if (layout.format.element == ElementType::I8)
    return {uint64_t(column / 4) * 64 + lane * 4 + column % 4, 0};
  return {uint64_t(column / 8) * 64 + lane * 4 + column % 4, column % 8 / 4 * 4};
}

uint64_t multiplierByte(const X86WeightLayout &layout, uint32_t lane, uint32_t group) {
  return layout.multipliers + uint64_t(group / 2) * 16 + lane;
}

uint64_t scaleByte(const X86WeightLayout &layout, uint32_t lane, uint32_t group) {
  const uint64_t index = uint64_t(group) * 16 + lane;
  return layout.scales + index * (layout.format.scale == ScaleKind::F16Group ? 2 : 4);
}

void packRow(const X86WeightLayout &layout, const WeightRows &rows, uint32_t row, uint8_t *block) {
  const uint32_t lane = row % X86WeightLayout::blockRows;
  const size_t columns = layout.columns, groups = layout.groups;
  for (uint32_t column = 0; column < columns; ++column) {
    const Place place = placeOf(layout, lane, column);
    const uint32_t code = uint32_t(rows.elements[row * columns + column] + int32_t(layout.bias()));
    const uint32_t mask = layout.format.element == ElementType::I8 ? 255 : 15;
    block[place.byte] &= uint8_t(~(mask << place.shift));
    block[place.byte] |= uint8_t((code & mask) << place.shift);
  }
  for (uint32_t group = 0; layout.hasMultipliers() && group < groups; ++group)
    block[multiplierByte(layout, lane, group)] |=
        uint8_t((rows.multipliers[row * groups + group] - 1u) << group % 2 * 4);
  if (!layout.scaledByGroup()) {
    std::memcpy(block + scaleByte(layout, lane, 0), rows.rowScales + row, 4);
    return;
  }
  for (uint32_t group = 0; group < groups; ++group)
    if (layout.format.scale == ScaleKind::F16Group)
      std::memcpy(block + scaleByte(layout, lane, group), rows.halfScales + row * groups + group,
                  2);
    else
      std::memcpy(block + scaleByte(layout, lane, group), rows.groupScales + row * groups + group,
                  4);
}

void unpackRow(const X86WeightLayout &layout, const uint8_t *block, uint32_t lane,
               UnpackedRows &out) {
  for (uint32_t column = 0; column < layout.columns; ++column) {
    const Place place = placeOf(layout, lane, column);
    const uint32_t mask = layout.format.element == ElementType::I8 ? 255 : 15;
    const uint32_t code = uint32_t(block[place.byte]) >> place.shift & mask;
    out.elements.push_back(int8_t(int32_t(code) - int32_t(layout.bias())));
  }
  for (uint32_t group = 0; group < layout.groups; ++group) {
    const uint8_t *scale = block + scaleByte(layout, lane, group);
    if (layout.hasMultipliers())
      out.multipliers.push_back(
          uint8_t((block[multiplierByte(layout, lane, group)] >> group % 2 * 4 & 15) + 1));
    if (layout.format.scale == ScaleKind::F16Group) {
      out.halfScales.emplace_back();
      std::memcpy(&out.halfScales.back(), scale, 2);
    } else if (layout.scaledByGroup() || group == 0) {
      std::vector<float> &into = layout.scaledByGroup() ? out.groupScales : out.rowScales;
      into.emplace_back();
      std::memcpy(&into.back(), scale, 4);
    }
  }
}

} // namespace

bool X86WeightLayout::scaledByGroup() const {
  return format.scale == ScaleKind::F16Group || format.scale == ScaleKind::F32Group;
}

uint32_t X86WeightLayout::sizeOf(uint32_t index) const {
  return std::min(groupSize, paddedColumns - index * groupSize);
}

std::optional<X86WeightLayout> X86WeightLayout::of(const WeightFormat &format, uint32_t columns,
                                                   std::string &error) {
  const bool bytes = format.element == ElementType::I8;
  if (!bytes && format.element != ElementType::I4) {
    error = "weights must be i8 or i4";
    return std::nullopt;
  }
  if (columns == 0 || columns > maxColumns) {
    error = fmt::format("{} columns of weights, 1 ... {} are possible: beyond, an int32 sum may "
                        "overflow",
                        columns, maxColumns);
    return std::nullopt;
  }
  X86WeightLayout layout;
  layout.format = format;
  layout.columns = columns;
  layout.paddedColumns = (columns + columnUnit - 1) / columnUnit * columnUnit;
  const bool one = format.group == 0 || format.group >= columns;
  if ((layout.hasMultipliers() && bytes) ||
      (format.scale == ScaleKind::F32Row && format.group != 0) ||
      format.scale > ScaleKind::F32Group || (!one && format.group % groupUnit != 0)) {
    error =
        fmt::format("groups of {}: a group is a multiple of {}, multipliers need i4 elements, and "
                    "a scale per row has no groups",
                    format.group, groupUnit);
    return std::nullopt;
  }
  layout.groupSize = one ? layout.paddedColumns : format.group;
  layout.groups = one ? 1 : (columns - 1) / format.group + 1;
  layout.multipliers = uint64_t(layout.paddedColumns) * (bytes ? 16 : 8);
  layout.scales =
      layout.multipliers + (layout.hasMultipliers() ? aligned((layout.groups + 1) / 2 * 16) : 0);
  const uint64_t scaleBytes = format.scale == ScaleKind::F16Group ? 32 : 64;
  layout.blockBytes =
      layout.scales + aligned(scaleBytes * (layout.scaledByGroup() ? layout.groups : 1));
  return layout;
}

void packX86(const X86WeightLayout &layout, const WeightRows &rows, std::vector<uint8_t> &out) {
  const size_t start = out.size();
  out.resize(start + layout.bytes(rows.rows), 0);
  const uint8_t zero = layout.format.element == ElementType::I8 ? 0x80 : 0x88;
  for (size_t block = start; block < out.size(); block += layout.blockBytes)
    std::fill_n(out.begin() + ptrdiff_t(block), layout.multipliers, zero);
  for (uint32_t row = 0; row < rows.rows; ++row)
    packRow(layout, rows, row,
            out.data() + start + row / X86WeightLayout::blockRows * layout.blockBytes);
}

UnpackedRows unpackX86(const X86WeightLayout &layout, const uint8_t *packed, uint32_t rows) {
  UnpackedRows result;
  for (uint32_t row = 0; row < rows; ++row)
    unpackRow(layout, packed + row / X86WeightLayout::blockRows * layout.blockBytes,
              row % X86WeightLayout::blockRows, result);
  return result;
}

} // namespace llmc::target
