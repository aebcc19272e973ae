// Probe rules of operators that build, reduce or multiply tensors, and of contributed ones.
#include "passes/Raising/Node.h"
#include "passes/Raising/Probe.h"

#include <algorithm>

using namespace mlir;

namespace llmc::passes {

using Element = HostTensor::Element;

static NodeResults range(const NodeInputs &in) {
  const HostTensor *start = in.dataAt(0), *limit = in.dataAt(1), *delta = in.dataAt(2);
  if (!start || !limit || !delta || !start->isInteger() || !limit->isInteger() ||
      !delta->isInteger() || start->size() != 1 || limit->size() != 1 || delta->size() != 1 ||
      delta->ints[0] == 0)
    return std::nullopt;
  int64_t step = delta->ints[0], span = 0;
  constexpr int64_t largest = int64_t(1) << 40;
  if (__builtin_sub_overflow(limit->ints[0], start->ints[0], &span) || std::abs(span) > largest ||
      step > largest || step < -largest)
    return std::nullopt;
  int64_t count = std::max<int64_t>(0, (span + step - (step > 0 ? 1 : -1)) / step);
  HostTensor out = HostTensor::shapeOnly(start->element, {count});
  out.hasData = count <= in.limit;
  for (int64_t i = 0; out.hasData && i < count; ++i)
    out.ints.push_back(start->ints[0] + i * step);
  return oneResult(std::move(out));
}

static NodeResults constantOfShape(const NodeInputs &in) {
  const HostTensor *shape = in.dataAt(0);
  if (!shape || !shape->isInteger())
    return std::nullopt;
  HostTensor out = HostTensor::shapeOnly(Element::Float32, shape->ints);
  auto value = in.node.getNodeAttributes().getAs<DenseElementsAttr>("value");
  if (value && value.getNumElements() != 1)
    return std::nullopt;
  if (value)
    out.element = elementOf(value.getElementType());
  if (out.element == Element::Other || out.size() > in.limit)
    return oneResult(std::move(out));
  out.hasData = true;
  if (out.isFloat()) {
    out.floats.assign(out.size(), value ? *value.value_begin<float>() : 0.0F);
  } else {
    APInt element = *value.value_begin<APInt>();
    int64_t fill =
        out.element == Element::Bool ? int64_t(!element.isZero()) : element.getSExtValue();
    out.ints.assign(out.size(), fill);
  }
  return oneResult(std::move(out));
}

static NodeResults trilu(const NodeInputs &in) {
  const HostTensor *x = in.at(0), *k = in.dataAt(1);
  if (!x || x->rank() < 2 || (inputOf(in.node, 1) && (!k || !k->isInteger() || k->size() != 1)))
    return std::nullopt;
  bool upper = intAttribute(in.node, "upper", 1) != 0;
  int64_t diagonal = k ? k->ints[0] : 0;
  HostTensor out = *x;
  if (out.hasData)
    forEachIndex(out.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
      int64_t distance = index[index.size() - 1] - index[index.size() - 2] - diagonal;
      if (upper ? distance >= 0 : distance <= 0)
        return;
      if (out.isFloat())
        out.floats[linear] = 0;
      else
        out.ints[linear] = 0;
    });
  return oneResult(std::move(out));
}

/// Which axes a reduction runs over: an input or an attribute names them, otherwise all.
static std::optional<SmallVector<bool>> reducedAxes(const NodeInputs &in, int64_t rank) {
  SmallVector<bool> reduced(rank, true);
  std::optional<SmallVector<int64_t>> axes = intsAttribute(in.node, "axes");
  if (const HostTensor *tensor = in.dataAt(1); tensor && tensor->isInteger())
    axes.emplace(tensor->ints.begin(), tensor->ints.end());
  if (axes && !axes->empty()) {
    reduced.assign(rank, false);
    for (int64_t axis : *axes) {
      if (axis < -rank || axis >= rank)
        return std::nullopt;
      reduced[axis < 0 ? axis + rank : axis] = true;
    }
  }
  return reduced;
}

/// Sum or mean over axes; integers and floats, in row-major order.
static NodeResults reduce(const NodeInputs &in, bool mean) {
  const HostTensor *x = in.at(0);
  if (!x || x->element == Element::Other || (inputOf(in.node, 1) && !in.dataAt(1)))
    return std::nullopt;
  auto reduced = reducedAxes(in, x->rank());
  if (!reduced)
    return std::nullopt;
  SmallVector<int64_t> kept, shape;
  bool keepDims = intAttribute(in.node, "keepdims", 1) != 0;
  for (auto [axis, size] : llvm::enumerate(x->shape)) {
    kept.push_back((*reduced)[axis] ? 1 : size);
    if (!(*reduced)[axis] || keepDims)
      shape.push_back(kept.back());
  }
  HostTensor out = HostTensor::shapeOnly(x->element, shape);
  out.hasData = x->hasData;
  if (!out.hasData)
    return oneResult(std::move(out));
  std::vector<float> floats(x->isFloat() ? out.size() : 0);
  std::vector<int64_t> ints(x->isFloat() ? 0 : out.size());
  forEachIndex(x->shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    int64_t at = broadcastIndex(kept, index);
    if (x->isFloat())
      floats[at] += x->floats[linear];
    else
      ints[at] += x->ints[linear];
  });
  int64_t count = std::max<int64_t>(1, x->size() / std::max<int64_t>(1, out.size()));
  for (float &value : floats)
    value = mean ? value / float(count) : value;
  for (int64_t &value : ints)
    value = mean ? value / count : value;
  out.floats = std::move(floats);
  out.ints = std::move(ints);
  return oneResult(std::move(out));
}

static NodeResults reduceSum(const NodeInputs &in) { return reduce(in, false); }
static NodeResults reduceMean(const NodeInputs &in) { return reduce(in, true); }

static NodeResults matmul(const NodeInputs &in) {
  const HostTensor *a = in.at(0), *b = in.at(1);
  if (!a || !b || a->rank() < 2 || b->rank() < 2 || !a->isFloat() || !b->isFloat())
    return std::nullopt;
  ArrayRef<int64_t> left(a->shape), right(b->shape);
  auto batch = broadcastShape(left.drop_back(2), right.drop_back(2));
  int64_t depth = left.back();
  if (!batch || right[right.size() - 2] != depth)
    return std::nullopt;
  SmallVector<int64_t, 4> shape(*batch);
  shape.push_back(left[left.size() - 2]);
  shape.push_back(right.back());
  HostTensor out = HostTensor::shapeOnly(Element::Float32, shape);
  out.hasData = a->hasData && b->hasData && out.size() * depth <= in.limit;
  if (!out.hasData)
    return oneResult(std::move(out));
  forEachIndex(out.shape, [&](ArrayRef<int64_t> index, int64_t) {
    int64_t i = broadcastIndex(left.drop_back(2), index.drop_back(2)) * left[left.size() - 2] +
                index[index.size() - 2];
    int64_t j = broadcastIndex(right.drop_back(2), index.drop_back(2)) * depth;
    float sum = 0;
    for (int64_t k = 0; k < depth; ++k)
      sum += a->floats[i * depth + k] * b->floats[(j + k) * right.back() + index.back()];
    out.floats.push_back(sum);
  });
  return oneResult(std::move(out));
}

//===-- Contributed operators: shapes alone -------------------------------===//

static NodeResults normalized(const NodeInputs &in) {
  if (!in.at(0))
    return std::nullopt;
  llvm::SmallVector<HostTensor, 1> results;
  for (size_t i = 0; i < in.node.getNumResults(); ++i)
    results.push_back(HostTensor::shapeOnly(Element::Float32, in.at(0)->shape));
  return results;
}

static NodeResults matmulNBits(const NodeInputs &in) {
  if (!in.at(0) || in.at(0)->rank() < 1)
    return std::nullopt;
  HostTensor out = HostTensor::shapeOnly(Element::Float32, in.at(0)->shape);
  out.shape.back() = intAttribute(in.node, "N", 0);
  return oneResult(std::move(out));
}

static NodeResults gatherBlockQuantized(const NodeInputs &in) {
  const HostTensor *table = in.at(0), *ids = in.at(1);
  if (!table || !ids || table->rank() != 2)
    return std::nullopt;
  SmallVector<int64_t, 4> shape(ids->shape);
  shape.push_back(table->shape[1] * 8 / std::max<int64_t>(1, intAttribute(in.node, "bits", 4)));
  return oneResult(HostTensor::shapeOnly(Element::Float32, shape));
}

static NodeResults groupQueryAttention(const NodeInputs &in) {
  const HostTensor *query = in.at(0);
  int64_t heads = intAttribute(in.node, "num_heads", 0);
  int64_t kvHeads = intAttribute(in.node, "kv_num_heads", 0);
  constexpr int64_t mostHeads = 1 << 20;
  if (!query || query->rank() != 3 || heads <= 0 || kvHeads <= 0 || heads > mostHeads ||
      kvHeads > mostHeads)
    return std::nullopt;
  SmallVector<int64_t, 4> shape(query->shape);
  if (!inputOf(in.node, 1)) // Packed: queries, keys and values side by side.
    shape[2] = shape[2] / (heads + 2 * kvHeads) * heads;
  return oneResult(HostTensor::shapeOnly(Element::Float32, shape));
}

void addTensorRules(NodeRules &rules) {
  rules.insert({{"Range", range},
                {"ConstantOfShape", constantOfShape},
                {"Trilu", trilu},
                {"ReduceSum", reduceSum},
                {"ReduceMean", reduceMean},
                {"MatMul", matmul},
                {"SimplifiedLayerNormalization", normalized},
                {"RMSNormalization", normalized},
                {"com.microsoft::SkipSimplifiedLayerNormalization", normalized},
                {"com.microsoft::MatMulNBits", matmulNBits},
                {"com.microsoft::GatherBlockQuantized", gatherBlockQuantized},
                {"com.microsoft::GroupQueryAttention", groupQueryAttention}});
}

} // namespace llmc::passes
