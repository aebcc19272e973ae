// Linear layers and embeddings.
#include "tools/conformance/CaseMemory.h"
#include "tools/conformance/Cases.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace llmc::conformance {

using namespace target;

namespace {

constexpr WeightFormat formats[] = {
    {ElementType::I8, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 16},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 32},
    {ElementType::I4, ScaleKind::F16Group, 32},
    {ElementType::I4, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::F16Group, 64},
    {ElementType::I4, ScaleKind::F16Group, 128},
    {ElementType::I8, ScaleKind::F16Group, 32},
    {ElementType::I4, ScaleKind::F32Group, 32},
    {ElementType::I4, ScaleKind::F16Group, 12},
};
/// These have decoders of their own; the others differ from one of them in a number.
constexpr size_t mainFormats = 4;

bool isMain(const WeightFormat &format) {
  return std::find(formats, formats + mainFormats, format) != formats + mainFormats;
}

/// Columns from which on an int32 sum might overflow.
constexpr uint32_t deepest = 131072;

struct LinearShape {
  uint32_t tokens, subRows, n, k;
  bool bound = false; ///< Tokens are an argument.
  uint32_t gap = 0;
};

uint64_t keyOf(uint64_t seed, const WeightFormat &format, unsigned kind) {
  return seed * 1000003 + unsigned(format.element) * 401 + unsigned(format.scale) * 101 +
         format.group * 7 + kind;
}

Case linearCase(const LinearShape &shape, const WeightFormat &format, Epilogue epilogue,
                Random &random) {
  Matmul matmul;
  matmul.tokens = {shape.tokens, shape.bound ? tokensArgument : noArgument};
  matmul.subRows = shape.subRows;
  matmul.n = {shape.n};
  matmul.k = {shape.k};
  matmul.format = format;
  matmul.epilogue = epilogue;
  const uint32_t outputs = epilogue == Epilogue::SiluMul ? shape.n / 2 : shape.n;
  Case data;
  data.shape =
      fmt::format("tokens {}{}{}, n {}, k {}", shape.tokens, shape.bound ? " (bound)" : "",
                  shape.subRows > 1 ? fmt::format(" x {}", shape.subRows) : "", shape.n, shape.k);
  data.work = matmul;
  data.weights = randomWeights(format, shape.n, shape.k, random);
  CaseMemory memory(data, random);
  memory.add(ElementType::I8, {shape.tokens, shape.subRows, shape.k, shape.gap});
  // Gates of a few units, where a sigmoid is neither 0 nor 1.
  memory.add(ElementType::F32, {shape.tokens, shape.subRows, 1},
             epilogue == Epilogue::SiluMul ? 0x1p-14f : 1.0f);
  memory.addNone(format.element);
  memory.add(ElementType::F32, {shape.tokens, shape.subRows, outputs, shape.gap}, 0x1p12f);
  std::fill_n(data.memory[matmul::A].begin(), shape.k, uint8_t(127)); // the largest sums
  data.most.tokens = shape.tokens;
  data.calls = {{0, shape.tokens}};
  if (shape.bound)
    data.calls.insert(data.calls.end(), {{0, 1}, {0, shape.tokens - 1}});
  return data;
}

std::vector<LinearShape> shapesOf(const CaseSizes &sizes, const WeightFormat &format,
                                  Random &random) {
  const uint32_t rows = std::max(2u, sizes.granule), group = std::max(8u, format.group);
  std::vector<LinearShape> shapes = {
      {1, 1, 1, 1},
      {1, 1, rows - 1, 3},
      {1, 1, rows, 15},
      {1, 1, rows + 1, 16},
      {1, 1, 2 * rows + 3, 17},
      {1, 1, 5, group - 1},
      {1, 1, 3, group + 1},
      {1, 2, 3, 31},
      {2, 1, rows, group},
      {3, 1, rows + 1, 3 * group - 5, true, 3},
      {1, 1, 2 * rows, 4 * group},
      {7, 3, 3, 33},
      {sizes.headRows, 1, rows + 3, 100},
      {sizes.chunk, 1, 5, 65, true},
  };
  for (int i = 0; i < 4; ++i)
    shapes.push_back({1 + random.below(20), 1, 1 + random.below(3 * rows), 1 + random.below(300),
                      false, random.below(2) * 5});
  if (format == formats[0])
    shapes.push_back({1, 1, 1, deepest});
  for (size_t i = 0; !isMain(format) && i + 2 < shapes.size(); ++i)
    shapes.erase(shapes.begin() + ptrdiff_t(i),
                 shapes.begin() + ptrdiff_t(i) + 2); // a third is left
  return shapes;
}

/// Halves of whole granules, and of one row.
std::vector<LinearShape> gatedShapes(const CaseSizes &sizes, const WeightFormat &format) {
  const uint32_t rows = 2 * sizes.granule, group = std::max(8u, format.group);
  return {{1, 1, 2, 17},
          {1, 1, rows, group + 1},
          {3, 1, 2 * rows, 3 * group - 5, true},
          {sizes.headRows, 1, rows, 65}};
}

uint64_t workOf(const LinearShape &shape) {
  return uint64_t(shape.tokens) * shape.subRows * shape.n * shape.k;
}

} // namespace

std::span<const WeightFormat> weightFormats() { return formats; }

std::vector<Case> linearCases(const CaseSizes &sizes, const WeightFormat &format,
                              Epilogue epilogue) {
  Random random(keyOf(sizes.seed, format, unsigned(epilogue)));
  std::vector<LinearShape> shapes =
      epilogue == Epilogue::SiluMul ? gatedShapes(sizes, format) : shapesOf(sizes, format, random);
  if (epilogue == Epilogue::Add)
    shapes = {shapes.front(), shapes[shapes.size() / 3], shapes[shapes.size() / 2], shapes.back()};
  if (epilogue != Epilogue::Store && !isMain(format))
    shapes = {shapes[2]};
  std::sort(shapes.begin(), shapes.end(), [](const LinearShape &a, const LinearShape &b) {
    return std::tuple(workOf(a), a.k, a.n, a.tokens) < std::tuple(workOf(b), b.k, b.n, b.tokens);
  });
  std::vector<Case> cases;
  for (const LinearShape &shape : shapes)
    cases.push_back(linearCase(shape, format, epilogue, random));
  return cases;
}

std::vector<Case> embedCases(const CaseSizes &sizes, const WeightFormat &format) {
  Random random(keyOf(sizes.seed, format, 77));
  const uint32_t group = std::max(8u, format.group);
  std::vector<Case> cases;
  for (const auto &[tokens, columns, gathered] : {std::tuple{1u, 1u, false},
                                                  {3u, 20u, false},
                                                  {2u, 5u, true},
                                                  {5u, group + 1, false},
                                                  {sizes.headRows, 64u, false},
                                                  {4u, 3 * group, true},
                                                  {9u, 203u, false}}) {
    const uint32_t tableRows = gathered ? tokens : 2 * sizes.granule + 3;
    Case data;
    data.shape =
        fmt::format("tokens {}{}, columns {}, table {}{}", tokens, tokens > 1 ? " (bound)" : "",
                    columns, tableRows, gathered ? " (gathered)" : "");
    data.work =
        EmbedRows{{tokens, tokens > 1 ? tokensArgument : noArgument}, columns, format, gathered};
    data.weights = randomWeights(format, tableRows, columns, random);
    CaseMemory memory(data, random);
    memory.addIds(tokens, tableRows);
    memory.addNone(format.element);
    memory.add(ElementType::F32, {tokens, 1, columns, tokens == 5 ? 3u : 0u});
    data.most.tokens = tokens;
    data.calls = {{0, tokens}};
    if (tokens > 1)
      data.calls.push_back({0, tokens - 1});
    cases.push_back(std::move(data));
  }
  return cases;
}

} // namespace llmc::conformance
