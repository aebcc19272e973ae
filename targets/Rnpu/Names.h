// Names of everything a listing shows, beside those of steps: one table for all users.
#pragma once

#include "targets/Interface/Chain.h"
#include "targets/Interface/Program.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmc::rnpu {

/// Names as in listings: "sram", "f16", "m32" and so on.
std::string_view nameOf(target::Engine engine);
std::string_view nameOf(target::Space space);
std::string_view nameOf(target::ElementType type);
std::string_view nameOf(target::MatmulKind kind);
std::string_view nameOf(target::ScaleKind kind);
std::optional<target::Engine> engineNamed(std::string_view name);
std::optional<target::Space> spaceNamed(std::string_view name);
std::optional<target::ElementType> elementNamed(std::string_view name);
std::optional<target::MatmulKind> matmulNamed(std::string_view name);
std::optional<target::ScaleKind> scaleNamed(std::string_view name);

} // namespace llmc::rnpu
