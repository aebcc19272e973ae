// Parameters: their values at run time and their bounds at verification, from one description.
#ifndef LLMC_RUNTIME_PLAN_PARAMS_H
#define LLMC_RUNTIME_PLAN_PARAMS_H

#include "runtime/plan/records.h"

namespace llmc::rt {

constexpr bool isDerived(const Param &param) { return param.kind >= ParamKind::Add; }

/// y may be another parameter for these kinds.
constexpr bool takesSecond(ParamKind kind) {
  return kind == ParamKind::Add || kind == ParamKind::Sub || kind == ParamKind::Min;
}

/// The value of a derived parameter, from the values of those before it. Cannot overflow in an
/// opened plan.
inline uint32_t derivedValue(const Param &param, const uint32_t *values) {
  uint32_t x = values[param.a], y = param.imm + (param.b == none8 ? 0 : values[param.b]);
  switch (param.kind) {
  case ParamKind::Add:
    return x + y;
  case ParamKind::Sub: {
    uint32_t difference = x > y ? x - y : 0;
    return difference < param.max ? difference : param.max;
  }
  case ParamKind::Mul:
    return x * y;
  case ParamKind::Shl:
    return x << y;
  case ParamKind::Shr:
    return x >> y;
  case ParamKind::Mod:
    return x % y;
  case ParamKind::CeilDiv:
    return x / y + (x % y != 0);
  default: // Min
    return x < y ? x : y;
  }
}

/// The most a derived parameter can be when those before it are at most `bounds`; more than 32 bits
/// where it overflows.
inline uint64_t derivedBound(const Param &param, const uint32_t *bounds) {
  uint64_t x = bounds[param.a];
  uint64_t y = uint64_t(param.imm) + (param.b == none8 ? 0 : bounds[param.b]);
  if (y > 0xFFFFFFFFu)
    return ~uint64_t(0);
  switch (param.kind) {
  case ParamKind::Add:
    return x + y;
  case ParamKind::Sub: { // largest where P[b] is 0
    uint64_t difference = x > param.imm ? x - param.imm : 0;
    return difference < param.max ? difference : param.max;
  }
  case ParamKind::Mul:
    return x * y;
  case ParamKind::Shl:
    return x << y;
  case ParamKind::Shr:
    return x >> y;
  case ParamKind::Mod:
    return x < y - 1 ? x : y - 1;
  case ParamKind::CeilDiv:
    return x / y + (x % y != 0);
  default: // Min
    return x < y ? x : y;
  }
}

} // namespace llmc::rt

#endif
