// The wire form of a constant, and finding its bytes.
#include "compiler/Import/Onnx/OnnxTensor.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>

namespace llmc::onnx {

namespace {

/// A TensorProto before its bytes are found. Typed fields are kept as the file has them: packed
/// runs and single values in any mixture.
struct WireTensor {
  Tensor tensor;
  std::optional<std::span<const char>> raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> int32s, int64s;
  std::vector<uint64_t> uint64s;
  bool segmented = false;
  std::vector<std::pair<std::string_view, std::string_view>> externalData;
};

std::string count(uint64_t value, const char *unit) {
  return std::to_string(value) + " " + unit + (value == 1 ? "" : "s");
}

template <class T, class Range> void append(std::vector<T> &to, const Range &range) {
  for (auto value : range)
    to.push_back(value);
}

std::pair<std::string_view, std::string_view> readPair(protozero::pbf_reader message) {
  std::pair<std::string_view, std::string_view> entry;
  while (message.next()) {
    switch (message.tag_and_type()) {
    case bytesField(1):
      entry.first = text(message);
      break;
    case bytesField(2):
      entry.second = text(message);
      break;
    default:
      message.skip();
    }
  }
  return entry;
}

/// Fields that hold elements. False where the field is another one.
bool readElements(protozero::pbf_reader &message, WireTensor &wire) {
  switch (message.tag_and_type()) {
  case bytesField(4):
    append(wire.floats, message.get_packed_float());
    return true;
  case fixed32Field(4):
    wire.floats.push_back(message.get_float());
    return true;
  case bytesField(5):
    append(wire.int32s, message.get_packed_int32());
    return true;
  case varintField(5):
    wire.int32s.push_back(message.get_int32());
    return true;
  case bytesField(6):
    wire.tensor.strings.push_back(text(message));
    return true;
  case bytesField(7):
    append(wire.int64s, message.get_packed_int64());
    return true;
  case varintField(7):
    wire.int64s.push_back(message.get_int64());
    return true;
  case bytesField(10):
    append(wire.doubles, message.get_packed_double());
    return true;
  case fixed64Field(10):
    wire.doubles.push_back(message.get_double());
    return true;
  case bytesField(11):
    append(wire.uint64s, message.get_packed_uint64());
    return true;
  case varintField(11):
    wire.uint64s.push_back(message.get_uint64());
    return true;
  default:
    return false;
  }
}

WireTensor readWire(protozero::pbf_reader message) {
  WireTensor wire;
  while (message.next()) {
    switch (message.tag_and_type()) {
    case bytesField(1):
      append(wire.tensor.dims, message.get_packed_int64());
      break;
    case varintField(1):
      wire.tensor.dims.push_back(message.get_int64());
      break;
    case varintField(2):
      wire.tensor.type = ElementType(message.get_int32());
      break;
    case bytesField(3):
      wire.segmented = true;
      message.skip();
      break;
    case bytesField(8):
      wire.tensor.name = text(message);
      break;
    case bytesField(9): {
      std::string_view raw = text(message);
      wire.raw = std::span<const char>(raw.data(), raw.size());
      break;
    }
    case bytesField(13):
      wire.externalData.push_back(readPair(message.get_message()));
      break;
    case varintField(14):
      wire.tensor.external = message.get_int32() == 1;
      break;
    default:
      if (!readElements(message, wire))
        message.skip();
    }
  }
  return wire;
}

/// Bytes that the shape asks for.
uint64_t byteSize(Tensor &tensor) {
  uint64_t elements = 1;
  for (int64_t dim : tensor.dims) {
    if (dim < 0)
      throw ReadError("dimension " + std::to_string(dim) + " of the constant is negative");
    if (__builtin_mul_overflow(elements, uint64_t(dim), &elements) || elements > (1ull << 48))
      throw ReadError("the constant's dimensions multiply to more than 2^48 elements");
  }
  tensor.elements = int64_t(elements);
  if (tensor.type == ElementType::String)
    return 0;
  unsigned bits = elementBits(tensor.type);
  if (bits == 0)
    throw ReadError("the constant has element type " + std::to_string(int32_t(tensor.type)) +
                    ", which is not known; known are 1 to 23");
  return (elements * bits + 7) / 8;
}

/// Stores values one after the other as T. Each must fit.
template <class T, class V>
std::span<const char> narrow(const std::vector<V> &values, Storage &storage) {
  std::vector<char> &bytes = storage.decoded.emplace_back(values.size() * sizeof(T));
  for (size_t index = 0; index < values.size(); ++index) {
    T value = T(values[index]);
    if constexpr (std::is_integral_v<T>)
      if (V(value) != values[index])
        throw ReadError("value " + std::to_string(values[index]) + " at " + std::to_string(index) +
                        " of the constant does not fit its element type");
    std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

/// Elements from the field that the format prescribes for the type.
std::span<const char> decodeTyped(const WireTensor &wire, Storage &storage) {
  switch (wire.tensor.type) {
  case ElementType::Float:
  case ElementType::Complex64:
    return narrow<float>(wire.floats, storage);
  case ElementType::Double:
  case ElementType::Complex128:
    return narrow<double>(wire.doubles, storage);
  case ElementType::Int64:
    return narrow<int64_t>(wire.int64s, storage);
  case ElementType::Uint64:
    return narrow<uint64_t>(wire.uint64s, storage);
  case ElementType::Uint32:
    return narrow<uint32_t>(wire.uint64s, storage);
  case ElementType::Int32:
    return narrow<int32_t>(wire.int32s, storage);
  case ElementType::Int16:
    return narrow<int16_t>(wire.int32s, storage);
  case ElementType::Int8:
    return narrow<int8_t>(wire.int32s, storage);
  case ElementType::Uint16:
  case ElementType::Float16:
  case ElementType::Bfloat16:
    return narrow<uint16_t>(wire.int32s, storage);
  default: // Bytes, and bytes that hold two elements.
    return narrow<uint8_t>(wire.int32s, storage);
  }
}

uint64_t parseNumber(std::string_view key, std::string_view value) {
  uint64_t number = 0;
  auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (problem != std::errc() || end != value.data() + value.size())
    throw ReadError("the external data's " + std::string(key) + " is " + quoted(value) +
                    ", which is no number of bytes");
  return number;
}

/// A location names a file in the model's folder or below. Only what the model says is checked:
/// links in the folder are its owner's choice.
void checkLocation(std::string_view location) {
  std::filesystem::path path(location);
  bool climbs = path.is_absolute() || location.find('\0') != std::string_view::npos;
  for (const auto &part : path)
    climbs |= part == "..";
  if (climbs || location.empty())
    throw ReadError("external data at " + quoted(location) +
                    " lie outside the model's folder; put the file beside the model");
}

std::span<const char> mapExternal(std::string_view location, Storage &storage) {
  auto known = storage.external.find(location);
  if (known == storage.external.end()) {
    checkLocation(location);
    std::string error, path = (std::filesystem::path(storage.folder) / location).string();
    auto file = MappedFile::open(path, error);
    if (!file)
      throw ReadError("external data missing: " + error + "; put the file beside the model");
    known = storage.external.emplace(std::string(location), std::move(file)).first;
  }
  return known->second->bytes();
}

std::span<const char> findExternal(const WireTensor &wire, uint64_t size, Storage &storage) {
  std::string_view location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (auto [key, value] : wire.externalData) {
    if (key == "location")
      location = value;
    else if (key == "offset")
      offset = parseNumber(key, value);
    else if (key == "length")
      length = parseNumber(key, value);
  }
  std::span<const char> bytes = mapExternal(location, storage);
  if (length && *length != size)
    throw ReadError("external data in " + quoted(location) + " have " + count(*length, "byte") +
                    ", the constant's shape asks for " + std::to_string(size));
  if (offset > bytes.size() || size > bytes.size() - offset)
    throw ReadError("external data in " + quoted(location) + " end early: offset " +
                    std::to_string(offset) + " and " + count(size, "byte") +
                    " are asked for, the file has " + std::to_string(bytes.size()) +
                    "; fetch the complete file");
  return bytes.subspan(offset, size);
}

} // namespace

unsigned elementBits(ElementType type) {
  switch (type) {
  case ElementType::Uint4:
  case ElementType::Int4:
  case ElementType::Float4E2M1:
    return 4;
  case ElementType::Uint8:
  case ElementType::Int8:
  case ElementType::Bool:
  case ElementType::Float8E4M3Fn:
  case ElementType::Float8E4M3Fnuz:
  case ElementType::Float8E5M2:
  case ElementType::Float8E5M2Fnuz:
    return 8;
  case ElementType::Uint16:
  case ElementType::Int16:
  case ElementType::Float16:
  case ElementType::Bfloat16:
    return 16;
  case ElementType::Float:
  case ElementType::Int32:
  case ElementType::Uint32:
    return 32;
  case ElementType::Int64:
  case ElementType::Uint64:
  case ElementType::Double:
  case ElementType::Complex64:
    return 64;
  case ElementType::Complex128:
    return 128;
  default:
    return 0;
  }
}

std::string quoted(std::string_view text) {
  constexpr size_t longest = 120;
  std::string result = "'";
  for (char c : text.substr(0, longest))
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return result + (text.size() > longest ? "...'" : "'");
}

Tensor readTensor(protozero::pbf_reader message, Storage &storage) {
  WireTensor wire = readWire(message);
  Tensor &tensor = wire.tensor;
  if (wire.segmented)
    throw ReadError("the constant is stored in segments, which no exporter uses; export it whole");
  uint64_t size = byteSize(tensor);
  if (tensor.type == ElementType::String) {
    if (tensor.external || tensor.strings.size() != uint64_t(tensor.elements))
      throw ReadError("the constant holds " + count(tensor.strings.size(), "text") +
                      ", its shape asks for " + std::to_string(tensor.elements));
    return std::move(tensor);
  }
  if (tensor.external)
    tensor.data = findExternal(wire, size, storage);
  else
    tensor.data = wire.raw ? *wire.raw : decodeTyped(wire, storage);
  if (tensor.data.size() != size)
    throw ReadError("the constant holds " + count(tensor.data.size(), "byte") +
                    ", its shape asks for " + std::to_string(size));
  return std::move(tensor);
}

} // namespace llmc::onnx
