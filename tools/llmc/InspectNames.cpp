#include "tools/llmc/InspectNames.h"

#include <cstddef>

namespace llmc {

/// `open` proved that the values are in range, but for kinds that it does not use.
template <class Enum, size_t N> static std::string pick(const char *const (&names)[N], Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < N ? names[index] : "kind " + std::to_string(index);
}

std::string nameOf(rt::RegionKind kind) {
  return pick({"flash-xip", "flash-paged", "dram", "sram", "tcm", "npu-local", "host-shared"},
              kind);
}

std::string nameOf(rt::Lifetime lifetime) {
  return pick({"constant", "session", "call", "scratch"}, lifetime);
}

std::string nameOf(rt::SegmentKind kind) {
  return pick({"weights", "kernels", "table", "tokenizer", "digests", "golden", "debug", "other"},
              kind);
}

std::string nameOf(rt::StateKind kind) { return pick({"kv-flat"}, kind); }

std::string nameOf(rt::StateRole role) {
  return pick({"none", "key", "value", "key-scale", "value-scale"}, role);
}

std::string nameOf(rt::EntryKind kind) {
  return pick({"generic", "init", "prefill", "decode", "head", "verify", "embed"}, kind);
}

std::string nameOf(rt::TensorRole role) { return pick({"other", "ids", "hidden", "logits"}, role); }

std::string nameOf(rt::DType type) {
  return pick({"f32", "f16", "i32", "i16", "i8", "u8", "i4", "u4"}, type);
}

std::string nameOf(rt::ParamKind kind) {
  return pick(
      {"input", "kv-length", "loop", "add", "sub", "mul", "shl", "shr", "mod", "ceil-div", "min"},
      kind);
}

std::string nameOf(rt::StepOp op) {
  return pick({"end", "dispatch", "dma", "prefetch", "wait", "barrier", "cache-clean",
               "cache-invalidate", "loop-begin", "loop-end", "kv-commit", "gather", "host-call",
               "yield", "mark", "loop-param"},
              op);
}

} // namespace llmc
