// Memory of a benchmark: large, filled once, executable where it holds code.
#pragma once

#include "targets/Interface/Blob.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace llmc::bench {

using Kernel = void(void *const *, const uint32_t *, uint32_t, uint32_t);

constexpr size_t poolBytes = size_t(1) << 30;

[[noreturn]] void fail(const std::string &what);
uint8_t *mapped(size_t bytes);
/// Any bytes are weights; these are ordinary numbers where they are scales, keys or values.
uint8_t *pool();
/// Where a blob can run; entries are offsets from here.
uint8_t *placed(const target::Blob &blob);

} // namespace llmc::bench
