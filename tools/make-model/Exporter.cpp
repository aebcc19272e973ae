#include "tools/make-model/Exporter.h"

namespace llmc::make {

const std::string &Exporter::gain(const std::string &name, const std::string &role, int64_t size) {
  const uint64_t offset = weights.align();
  const RandomGain values(role);
  for (int64_t i = 0; i < size; ++i)
    weights.put(values.at(i));
  graph.external(name, element, {size}, offset, weights.position() - offset);
  return name;
}

const std::string &Exporter::table(const std::string &name, const RandomMatrix &matrix) {
  const uint64_t offset = weights.align();
  for (int64_t output = 0; output < matrix.outputs; ++output)
    for (int64_t input = 0; input < matrix.inputs; ++input)
      weights.put(matrix.at(output, input));
  graph.external(name, element, {matrix.outputs, matrix.inputs}, offset,
                 weights.position() - offset);
  return name;
}

const std::string &Exporter::operand(const std::string &name,
                                     const std::vector<RandomMatrix> &matrices) {
  const uint64_t offset = weights.align();
  const int64_t inputs = matrices.front().inputs;
  int64_t outputs = 0;
  for (const RandomMatrix &matrix : matrices)
    outputs += matrix.outputs;
  for (int64_t input = 0; input < inputs; ++input)
    for (const RandomMatrix &matrix : matrices)
      for (int64_t output = 0; output < matrix.outputs; ++output)
        weights.put(matrix.at(output, input));
  graph.external(name, element, {inputs, outputs}, offset, weights.position() - offset);
  return name;
}

const std::string &Exporter::constants(const std::string &name, const std::vector<int64_t> &dims,
                                       const std::vector<float> &values) {
  const uint64_t offset = weights.align();
  for (const float value : values)
    weights.put(value);
  graph.external(name, element, dims, offset, weights.position() - offset);
  return name;
}

} // namespace llmc::make
