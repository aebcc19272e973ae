// Whether memory lies in large pages, as the system's own account says.
#pragma once

#include <cstdint>
#include <optional>

namespace llmc {

/// Bytes of the mapping at `from` that pages of 2 MiB translate: of a file those that the system
/// happens to hold in such pages. Nothing where the system does not say.
std::optional<uint64_t> largePageBytes(const void *from);

} // namespace llmc
