// The wire form of a constant, and finding its bytes.
#pragma once

#include "compiler/Import/Onnx/OnnxReader.h"

#include <protozero/pbf_reader.hpp>
#include <stdexcept>

namespace llmc::onnx {

/// Thrown inside the reader, caught by OnnxFile::open.
struct ReadError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A text as messages show it: quoted, shortened, without control characters.
std::string quoted(std::string_view text);

/// Reads a TensorProto and makes `data` refer to its bytes, wherever they are.
Tensor readTensor(protozero::pbf_reader message, Storage &storage);

/// Field keys as they stand on the wire, for switch labels.
constexpr uint32_t varintField(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
constexpr uint32_t bytesField(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}
constexpr uint32_t fixed32Field(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed32);
}
constexpr uint32_t fixed64Field(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed64);
}

inline std::string_view text(protozero::pbf_reader &message) {
  protozero::data_view view = message.get_view();
  return {view.data(), view.size()};
}

} // namespace llmc::onnx
