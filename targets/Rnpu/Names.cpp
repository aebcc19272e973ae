// The tables behind Names.h.
#include "targets/Rnpu/Names.h"

namespace llmc::rnpu {

using namespace target;

namespace {

constexpr std::string_view engineNames[] = {"load", "store", "tensor", "vector"};
constexpr std::string_view spaceNames[] = {"weights", "state", "ids", "io", "scratch", "sram"};
constexpr std::string_view elementNames[] = {"f32", "f16", "i8", "i4", "i32", "u8", "u4"};
constexpr std::string_view matmulNames[] = {"linear", "scores", "values"};
constexpr std::string_view scaleNames[] = {"row", "multiplier", "f16", "f32"};

template <typename Enum, size_t count>
std::optional<Enum> find(const std::string_view (&names)[count], std::string_view name) {
  for (size_t i = 0; i < count; ++i)
    if (names[i] == name)
      return Enum(i);
  return std::nullopt;
}

} // namespace

std::string_view nameOf(Engine engine) { return engineNames[size_t(engine)]; }
std::string_view nameOf(Space space) { return spaceNames[size_t(space)]; }
std::string_view nameOf(ElementType type) { return elementNames[size_t(type)]; }
std::string_view nameOf(MatmulKind kind) { return matmulNames[size_t(kind)]; }
std::string_view nameOf(ScaleKind kind) { return scaleNames[size_t(kind)]; }

std::optional<Engine> engineNamed(std::string_view name) { return find<Engine>(engineNames, name); }
std::optional<Space> spaceNamed(std::string_view name) { return find<Space>(spaceNames, name); }
std::optional<ElementType> elementNamed(std::string_view name) {
  return find<ElementType>(elementNames, name);
}
std::optional<MatmulKind> matmulNamed(std::string_view name) {
  return find<MatmulKind>(matmulNames, name);
}
std::optional<ScaleKind> scaleNamed(std::string_view name) {
  return find<ScaleKind>(scaleNames, name);
}

} // namespace llmc::rnpu
