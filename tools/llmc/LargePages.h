// Whether memory lies in large pages, as the system's own account says.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>

namespace llmc {

/// Bytes of this process's mapping at `from` that pages of 2 MiB translate: of a file those that
/// the system happens to hold in such pages. Nothing where the system does not say.
std::optional<uint64_t> largePageBytes(const void *from);

/// The same of the mapping at `address` in the text of a /proc/PID/smaps.
std::optional<uint64_t> largePageBytes(std::istream &smaps, uint64_t address);

} // namespace llmc
