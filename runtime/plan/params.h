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

/// The value of a derived parameter from those before it, in an opened plan never more than its
/// max. With `most`, the most it can be when those before it are at most `values`: beyond 32 bits
/// where it overflows.
uint64_t derive(const Param &param, const uint32_t *values, bool most);

} // namespace llmc::rt

#endif
