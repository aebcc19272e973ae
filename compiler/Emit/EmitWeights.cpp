#include "compiler/Emit/EmitWeights.h"

#include "compiler/Emit/EmitProgram.h"
#include "compiler/Evaluate/Kernels.h"
#include "dialects/Lm/LmWeights.h"
#include "targets/Interface/RowRecords.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

/// One constant and where its numbers are.
struct Constant {
  std::string name;
  PlanDevice device; ///< That reads it.
  uint64_t offset = 0, bytes = 0;
  target::WeightFormat format;
  bool isPacked = false, isRecords = false, isRope = false;
  double ropeBase = 0;
  float ropeScaling = 1;
  uint32_t rows = 0, columns = 0;
  lm::WeightView elements, scales, multipliers;
};

class WeightsSegment : public SegmentSource {
public:
  explicit WeightsSegment(std::vector<Constant> constants) : constants(std::move(constants)) {}

  uint64_t size() const override {
    uint64_t end = 0;
    for (const Constant &constant : constants)
      end = std::max(end, constant.offset + constant.bytes);
    return end;
  }

  bool produce(const ByteSink &sink, std::string &error) const override {
    uint64_t position = 0;
    std::vector<uint8_t> bytes;
    for (const Constant &constant : constants) {
      bytes.assign(constant.offset - position, 0); // alignment
      if (constant.isRope)
        appendRope(constant, bytes);
      else if (constant.isPacked)
        appendPacked(constant, bytes);
      else
        appendVector(constant, bytes);
      if (bytes.size() != constant.offset - position + constant.bytes) {
        error = fmt::format(
            "internal error: constant '{}' was planned with {} bytes, target '{}' packed {}",
            constant.name, constant.bytes, constant.device.target->name(),
            bytes.size() - (constant.offset - position));
        return false;
      }
      if (!sink(bytes))
        return false;
      position = constant.offset + constant.bytes;
    }
    return true;
  }

private:
  static void append(std::vector<uint8_t> &bytes, const void *data, size_t size) {
    const auto *from = static_cast<const uint8_t *>(data);
    bytes.insert(bytes.end(), from, from + size);
  }

  static void appendRope(const Constant &constant, std::vector<uint8_t> &bytes) {
    evaluate::RopeTable table = evaluate::makeRopeTable(
        evaluate::ropeInverseFrequencies(constant.ropeBase, constant.columns), constant.rows,
        constant.ropeScaling);
    for (uint32_t row = 0; row < constant.rows; ++row)
      for (const std::vector<float> *part : {&table.cos, &table.sin})
        append(bytes, part->data() + size_t(row) * table.half, table.half * sizeof(float));
  }

  static void appendVector(const Constant &constant, std::vector<uint8_t> &bytes) {
    std::vector<float> floats = lm::floatsOf(constant.elements, 0, constant.columns);
    append(bytes, floats.data(), floats.size() * sizeof(float));
  }

  template <class T> static const T *row(const lm::WeightView &view, uint32_t index) {
    return view.data ? view.as<T>() + int64_t(index) * view.strides[0] : nullptr;
  }

  void appendPacked(const Constant &constant, std::vector<uint8_t> &bytes) const {
    // A bounded number of rows at a time keeps the copy small. They are packed by granules.
    const target::Target &target = *constant.device.target;
    const uint32_t granule = target.rowGranule(*constant.device.machine);
    const uint32_t perStep = std::max(256 / granule, 1u) * granule;
    std::vector<float> floats;
    for (uint32_t first = 0; first < constant.rows; first += perStep) {
      target::WeightRows rows;
      rows.format = constant.format;
      rows.rows = std::min(perStep, constant.rows - first);
      rows.columns = constant.columns;
      rows.elements = row<int8_t>(constant.elements, first);
      rows.multipliers = row<uint8_t>(constant.multipliers, first);
      if (constant.format.scale == target::ScaleKind::F16Group)
        rows.halfScales = row<uint16_t>(constant.scales, first);
      else
        floats = lm::floatsOf(constant.scales, first, rows.rows);
      if (constant.format.scale == target::ScaleKind::F32Group)
        rows.groupScales = floats.data();
      else if (!floats.empty())
        rows.rowScales = floats.data();
      if (constant.isRecords)
        target::packRowRecords(rows, bytes);
      else
        target.pack(*constant.device.machine, rows, bytes);
    }
  }

  std::vector<Constant> constants;
};

bool isDense(const lm::WeightView &view) {
  int64_t stride = 1;
  for (int64_t axis = int64_t(view.shape.size()) - 1; axis >= 0; --axis) {
    if (view.strides[axis] != stride)
      return false;
    stride *= view.shape[axis];
  }
  return true;
}

bool readConstant(npu::ConstantOp op, SymbolTable &symbols, Constant &constant,
                  std::string &error) {
  constant.name = op.getSymName().str();
  constant.offset = op.getOffset();
  constant.bytes = op.getBytes();
  if (auto rope = op.getRope()) {
    constant.isRope = true;
    constant.ropeBase = rope->getBase().getValueAsDouble();
    constant.ropeScaling = rope->getScaling().getValue().convertToFloat();
    constant.columns = rope->getDim();
    constant.rows = uint32_t(constant.bytes / (4 * uint64_t(rope->getDim())));
    return true;
  }
  lm::WeightView *views[] = {&constant.elements, &constant.scales, &constant.multipliers};
  for (auto [index, source] : llvm::enumerate(op.getSources().getAsRange<FlatSymbolRefAttr>())) {
    auto weight = symbols.lookup<lm::WeightOp>(source.getValue());
    FailureOr<lm::WeightView> view =
        weight ? lm::viewOf(weight) : FailureOr<lm::WeightView>(failure());
    if (failed(view)) {
      error = fmt::format("constant '{}': the bytes of weight '{}' are not at hand", constant.name,
                          source.getValue().str());
      return false;
    }
    if (op.getFormat() && !isDense(*view)) {
      error = fmt::format("internal error: quantized weight '{}' is not dense",
                          source.getValue().str());
      return false;
    }
    *views[index] = *view;
  }
  constant.columns = uint32_t(constant.elements.shape.back());
  constant.rows = op.getFormat() ? uint32_t(constant.elements.shape[0]) : 1;
  constant.isPacked = bool(op.getFormat());
  constant.isRecords = op.getRecords();
  if (op.getFormat() && !convertFormat(*op.getFormat(), constant.format)) {
    error = fmt::format("constant '{}': no target decodes its weight format yet", constant.name);
    return false;
  }
  return true;
}

uint64_t packedBytesOf(const Constant &constant) {
  return constant.isRecords
             ? target::rowRecordsBytes(constant.format, constant.rows, constant.columns)
             : constant.device.target->packedBytes(*constant.device.machine, constant.format,
                                                   constant.rows, constant.columns);
}

} // namespace

std::shared_ptr<SegmentSource> weightsSegment(ModuleOp module, bool paged,
                                              const PlanDevices &devices, std::string &error) {
  SymbolTable symbols(module);
  std::vector<Constant> constants;
  for (auto op : module.getOps<npu::ConstantOp>()) {
    if (op.getPaged() != paged)
      continue;
    Constant constant;
    constant.device = devices.of(op);
    if (!readConstant(op, symbols, constant, error))
      return nullptr;
    if (constant.isPacked && packedBytesOf(constant) != constant.bytes) {
      error = fmt::format(
          "internal error: constant '{}' was planned with {} bytes, target '{}' packs {}",
          constant.name, constant.bytes, constant.device.target->name(), packedBytesOf(constant));
      return nullptr;
    }
    constants.push_back(std::move(constant));
  }
  std::sort(constants.begin(), constants.end(),
            [](const Constant &a, const Constant &b) { return a.offset < b.offset; });
  return std::make_shared<WeightsSegment>(std::move(constants));
}

} // namespace llmc
