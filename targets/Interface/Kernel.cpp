// Facts of element types and weight formats.
#include "targets/Interface/Kernel.h"

namespace llmc::target {

uint32_t bitsOf(ElementType type) {
  switch (type) {
  case ElementType::F32:
  case ElementType::I32:
    return 32;
  case ElementType::F16:
    return 16;
  case ElementType::I8:
  case ElementType::U8:
    return 8;
  case ElementType::I4:
  case ElementType::U4:
    return 4;
  }
  return 0;
}

RowRecord rowRecord(const WeightFormat &format, uint32_t columns) {
  RowRecord record;
  bool whole = format.group == 0 || format.group >= columns;
  record.groupSize = whole ? columns : format.group;
  record.groups = whole ? 1 : (columns - 1) / record.groupSize + 1;
  record.elements = (uint64_t(columns) * bitsOf(format.element) + 7) / 8;
  record.multipliers = record.elements;
  if (format.scale == ScaleKind::MultiplierF32Row)
    record.multiplierBytes = (uint64_t(record.groups) + 1) / 2;
  bool perRow = format.scale == ScaleKind::F32Row || format.scale == ScaleKind::MultiplierF32Row;
  uint64_t scaleSize = format.scale == ScaleKind::F16Group ? 2 : 4;
  uint64_t end = record.multipliers + record.multiplierBytes;
  record.scales = (end + scaleSize - 1) / scaleSize * scaleSize;
  record.scaleBytes = scaleSize * (perRow ? 1 : record.groups);
  record.bytes = (record.scales + record.scaleBytes + 15) / 16 * 16;
  return record;
}

} // namespace llmc::target
