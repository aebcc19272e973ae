#include "runtime/plan/params.h"

namespace llmc::rt {

uint64_t derive(const Param &param, const uint32_t *values, bool most) {
  uint32_t x = values[param.a], second = param.b == none8 ? 0 : values[param.b];
  uint64_t sum = uint64_t(param.imm) + second;
  if (sum >> 32)
    return sum;
  uint32_t y = uint32_t(sum);
  switch (param.kind) {
  case ParamKind::Add:
    return uint64_t(x) + y;
  case ParamKind::Sub: {
    if (most)
      y = param.imm; // the difference is largest where the other is 0
    uint32_t difference = x > y ? x - y : 0;
    return difference < param.max ? difference : param.max;
  }
  case ParamKind::Shl:
    y = 1u << y;
    [[fallthrough]];
  case ParamKind::Mul:
    return uint64_t(x) * y;
  case ParamKind::Shr:
    return x >> y;
  case ParamKind::Mod:
    if (!most)
      return x % y;
    --y;
    break;
  case ParamKind::CeilDiv:
    return x / y + (x % y != 0);
  default:
    break;
  }
  return x < y ? x : y; // Min
}

} // namespace llmc::rt
