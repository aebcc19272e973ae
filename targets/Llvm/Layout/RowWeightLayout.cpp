#include "targets/Llvm/Layout/RowWeightLayout.h"

#include <cstring>
#include <fmt/format.h>

namespace llmc::target {

namespace {

constexpr uint32_t maxColumns =
    131072; // 128 * 128 * 131072 is the first sum that int32 cannot hold.

uint64_t aligned(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

std::string refusalOf(const WeightFormat &format, uint32_t columns) {
  const bool bytes = format.element == ElementType::I8;
  if (!bytes && format.element != ElementType::I4)
    return "weights must be i8 or i4";
  if (columns == 0 || columns > maxColumns)
    return fmt::format("{} columns of weights, 1 ... {} are possible: beyond, an int32 sum may "
                       "overflow",
                       columns, maxColumns);
  const bool one = format.group == 0 || format.group >= columns;
  const bool sized =
      format.group == RowWeightLayout::halfUnit || format.group % RowWeightLayout::unit == 0;
  if (format.scale > ScaleKind::F32Group || (!one && !sized) ||
      (format.scale == ScaleKind::MultiplierF32Row && bytes) ||
      (format.scale == ScaleKind::F32Row && format.group != 0))
    return fmt::format("groups of {}: a group is {} columns or a multiple of {}, multipliers need "
                       "i4 elements, and a scale per row has no groups",
                       format.group, RowWeightLayout::halfUnit, RowWeightLayout::unit);
  return "";
}

void packElements(const RowWeightLayout &layout, const int8_t *elements, uint8_t *row) {
  if (layout.format.element == ElementType::I8) {
    std::memcpy(row, elements, layout.columns);
    return;
  }
  constexpr uint32_t half = RowWeightLayout::halfUnit;
  for (uint32_t column = 0; column < layout.columns; ++column) {
    const uint32_t within = column % RowWeightLayout::unit;
    row[column / RowWeightLayout::unit * half + within % half] |=
        uint8_t((elements[column] & 15) << (within / half * 4));
  }
}

} // namespace

std::optional<RowWeightLayout> RowWeightLayout::of(const WeightFormat &format, uint32_t columns,
                                                   std::string &error) {
  error = refusalOf(format, columns);
  if (!error.empty())
    return std::nullopt;
  RowWeightLayout layout;
  layout.format = format;
  layout.columns = columns;
  layout.paddedColumns = uint32_t(aligned(columns, unit));
  const bool one = format.group == 0 || format.group >= columns;
  layout.groupSize = one ? layout.paddedColumns : format.group;
  layout.groups = one ? 1 : (columns - 1) / format.group + 1;
  layout.multipliers = uint64_t(layout.paddedColumns) / unit * layout.unitBytes();
  const uint64_t scaled =
      layout.multipliers + (layout.hasMultipliers() ? (layout.groups + 1) / 2 : 0);
  layout.scales = aligned(scaled, layout.scaleBytes());
  layout.rowBytes =
      aligned(layout.scales + (layout.scaledByGroup() ? layout.groups : 1) * layout.scaleBytes(),
              alignment);
  return layout;
}

void packRows(const RowWeightLayout &layout, const WeightRows &rows, std::vector<uint8_t> &out) {
  const size_t start = out.size(), groups = layout.groups;
  out.resize(start + layout.bytes(rows.rows), 0);
  for (size_t index = 0; index < rows.rows; ++index) {
    uint8_t *row = out.data() + start + index * layout.rowBytes;
    packElements(layout, rows.elements + index * layout.columns, row);
    for (size_t group = 0; layout.hasMultipliers() && group < groups; ++group)
      row[layout.multipliers + group / 2] |=
          uint8_t((rows.multipliers[index * groups + group] - 1) << (group % 2 * 4));
    if (layout.format.scale == ScaleKind::F16Group)
      std::memcpy(row + layout.scales, rows.halfScales + index * groups, groups * 2);
    else if (layout.format.scale == ScaleKind::F32Group)
      std::memcpy(row + layout.scales, rows.groupScales + index * groups, groups * 4);
    else
      std::memcpy(row + layout.scales, rows.rowScales + index, 4);
  }
}

} // namespace llmc::target
