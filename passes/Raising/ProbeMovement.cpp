// Probe rules of operators that move elements without computing.
#include "passes/Raising/Node.h"
#include "passes/Raising/Probe.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace llmc::passes {

using Element = HostTensor::Element;

/// The same elements in another shape.
static NodeResults reshaped(const HostTensor &x, ArrayRef<int64_t> shape) {
  HostTensor result = x;
  result.shape.assign(shape.begin(), shape.end());
  // A size that is no number equals no other.
  return result.size() == x.size() && !llvm::any_of(shape, [](int64_t size) { return size < 0; })
             ? oneResult(std::move(result))
             : NodeResults();
}

/// A non-negative axis, or nothing where it is out of range.
static std::optional<int64_t> axisOf(int64_t axis, int64_t rank) {
  axis = axis < 0 ? axis + rank : axis;
  return axis >= 0 && axis < rank ? std::optional(axis) : std::nullopt;
}

/// Integers that newer versions of an operator take as an input and older ones as an attribute.
static std::optional<SmallVector<int64_t>> intsOf(const NodeInputs &in, unsigned index,
                                                  StringRef attribute) {
  if (const HostTensor *tensor = in.dataAt(index); tensor && tensor->isInteger())
    return SmallVector<int64_t>(tensor->ints.begin(), tensor->ints.end());
  return intsAttribute(in.node, attribute);
}

static NodeResults shape(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x)
    return std::nullopt;
  auto bound = [&](int64_t value) {
    return std::clamp<int64_t>(value < 0 ? value + x->rank() : value, 0, x->rank());
  };
  int64_t begin = bound(intAttribute(in.node, "start", 0));
  int64_t end = std::max(begin, bound(intAttribute(in.node, "end", x->rank())));
  std::vector<int64_t> sizes(x->shape.begin() + begin, x->shape.begin() + end);
  return oneResult(HostTensor::ofInts(Element::Int64, {end - begin}, std::move(sizes)));
}

static NodeResults sizeOf(const NodeInputs &in) {
  return in.at(0) ? oneResult(HostTensor::ofInts(Element::Int64, {}, {in.at(0)->size()}))
                  : NodeResults();
}

static NodeResults reshape(const NodeInputs &in) {
  const HostTensor *x = in.at(0), *to = in.dataAt(1);
  if (!x || !to || !to->isInteger())
    return std::nullopt;
  SmallVector<int64_t> shape(to->ints.begin(), to->ints.end());
  bool keepZero = intAttribute(in.node, "allowzero", 0) != 0;
  int64_t known = 1, open = -1;
  for (auto [axis, size] : llvm::enumerate(shape)) {
    if (size == 0 && !keepZero && int64_t(axis) < x->rank())
      size = x->shape[axis];
    if (size == -1 && open >= 0)
      return std::nullopt;
    if (size == -1)
      open = int64_t(axis);
    else if (size < 0 || __builtin_mul_overflow(known, size, &known))
      return std::nullopt;
  }
  if (open >= 0)
    shape[open] = known == 0 ? 0 : x->size() / known;
  return reshaped(*x, shape);
}

static NodeResults flatten(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x)
    return std::nullopt;
  int64_t axis = intAttribute(in.node, "axis", 1);
  axis = axis < 0 ? axis + x->rank() : axis;
  if (axis < 0 || axis > x->rank())
    return std::nullopt;
  int64_t rows =
      std::accumulate(x->shape.begin(), x->shape.begin() + axis, int64_t(1), std::multiplies<>());
  return reshaped(*x, {rows, rows == 0 ? 0 : x->size() / rows});
}

static NodeResults unsqueeze(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  auto axes = intsOf(in, 1, "axes");
  if (!x || !axes)
    return std::nullopt;
  int64_t rank = x->rank() + int64_t(axes->size());
  SmallVector<int64_t> shape(rank, -1);
  for (int64_t axis : *axes) {
    auto at = axisOf(axis, rank);
    if (!at || shape[*at] == 1)
      return std::nullopt;
    shape[*at] = 1;
  }
  auto next = x->shape.begin();
  for (int64_t &size : shape)
    if (size == -1)
      size = *next++;
  return reshaped(*x, shape);
}

static NodeResults squeeze(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x)
    return std::nullopt;
  auto axes = intsOf(in, 1, "axes");
  if (!axes && inputOf(in.node, 1))
    return std::nullopt;
  SmallVector<int64_t> shape;
  for (auto [axis, size] : llvm::enumerate(x->shape)) {
    bool drop = size == 1;
    if (axes)
      drop = llvm::any_of(*axes, [&](int64_t value) {
        return axisOf(value, x->rank()) == std::optional(int64_t(axis));
      });
    if (!drop)
      shape.push_back(size);
  }
  return reshaped(*x, shape);
}

static NodeResults transpose(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x)
    return std::nullopt;
  SmallVector<int64_t> order(x->rank());
  std::iota(order.begin(), order.end(), 0);
  std::reverse(order.begin(), order.end());
  if (auto perm = intsAttribute(in.node, "perm"))
    order.assign(perm->begin(), perm->end());
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  for (auto [axis, value] : llvm::enumerate(sorted))
    if (int64_t(sorted.size()) != x->rank() || value != int64_t(axis))
      return std::nullopt;
  auto strides = rowMajorStrides(x->shape);
  SmallVector<int64_t> shape, moved;
  for (int64_t axis : order) {
    shape.push_back(x->shape[axis]);
    moved.push_back(strides[axis]);
  }
  return oneResult(remap(*x, shape, in.limit, [&](ArrayRef<int64_t> index) {
    return std::inner_product(index.begin(), index.end(), moved.begin(), int64_t(0));
  }));
}

static NodeResults expand(const NodeInputs &in) {
  const HostTensor *x = in.at(0), *to = in.dataAt(1);
  if (!x || !to || !to->isInteger())
    return std::nullopt;
  auto shape = broadcastShape(x->shape, to->ints);
  if (!shape)
    return std::nullopt;
  return oneResult(remap(*x, *shape, in.limit,
                         [&](ArrayRef<int64_t> index) { return broadcastIndex(x->shape, index); }));
}

static NodeResults concat(const NodeInputs &in) {
  if (in.inputs.empty() || llvm::is_contained(in.inputs, nullptr))
    return std::nullopt;
  const HostTensor *first = in.at(0);
  auto axis = axisOf(intAttribute(in.node, "axis", 0), first->rank());
  if (!axis)
    return std::nullopt;
  HostTensor out = HostTensor::shapeOnly(first->element, first->shape);
  out.shape[*axis] = 0;
  bool data = true;
  for (const HostTensor *part : in.inputs) {
    if (part->rank() != first->rank() || part->element != first->element)
      return std::nullopt;
    for (int64_t other = 0; other < first->rank(); ++other)
      if (other != *axis && part->shape[other] != first->shape[other])
        return std::nullopt;
    out.shape[*axis] += part->shape[*axis];
    // A part without elements, such as an empty cache, brings none that would be unknown.
    data &= part->hasData || part->size() == 0;
  }
  if (!data || out.size() > in.limit)
    return oneResult(std::move(out));
  out.hasData = true;
  int64_t outer = std::accumulate(out.shape.begin(), out.shape.begin() + *axis, int64_t(1),
                                  std::multiplies<>());
  for (int64_t block = 0; block < outer; ++block)
    for (const HostTensor *part : in.inputs) {
      int64_t length = part->size() / std::max<int64_t>(outer, 1);
      for (int64_t i = block * length; i < (block + 1) * length; ++i)
        if (out.isFloat())
          out.floats.push_back(part->floats[i]);
        else
          out.ints.push_back(part->ints[i]);
    }
  return oneResult(std::move(out));
}

static NodeResults gather(const NodeInputs &in) {
  const HostTensor *x = in.at(0), *at = in.at(1);
  if (!x || !at || (at->hasData && !at->isInteger()))
    return std::nullopt;
  auto axis = axisOf(intAttribute(in.node, "axis", 0), x->rank());
  if (!axis)
    return std::nullopt;
  SmallVector<int64_t> shape(x->shape.begin(), x->shape.begin() + *axis);
  shape.append(at->shape.begin(), at->shape.end());
  shape.append(x->shape.begin() + *axis + 1, x->shape.end());
  if (!at->hasData || !x->hasData)
    return oneResult(HostTensor::shapeOnly(x->element, shape));
  int64_t length = x->shape[*axis];
  for (int64_t index : at->ints)
    if (index < -length || index >= length)
      return std::nullopt;
  auto strides = rowMajorStrides(x->shape);
  auto atStrides = rowMajorStrides(at->shape);
  return oneResult(remap(*x, shape, in.limit, [&](ArrayRef<int64_t> index) {
    int64_t row = 0, linear = 0;
    for (int64_t i = 0; i < at->rank(); ++i)
      row += index[*axis + i] * atStrides[i];
    row = at->ints[row] < 0 ? at->ints[row] + length : at->ints[row];
    for (int64_t i = 0; i < x->rank(); ++i)
      linear += strides[i] * (i == *axis ? row : index[i < *axis ? i : i + at->rank() - 1]);
    return linear;
  }));
}

static NodeResults gatherNd(const NodeInputs &in) {
  const HostTensor *x = in.at(0), *at = in.dataAt(1);
  if (!x || !at || !at->isInteger() || at->rank() < 1 ||
      intAttribute(in.node, "batch_dims", 0) != 0)
    return std::nullopt;
  int64_t depth = at->shape.back(), lead = at->rank() - 1;
  if (depth > x->rank())
    return std::nullopt;
  for (auto [i, index] : llvm::enumerate(at->ints))
    if (int64_t length = x->shape[i % depth]; index < -length || index >= length)
      return std::nullopt;
  SmallVector<int64_t> shape(at->shape.begin(), at->shape.end() - 1);
  shape.append(x->shape.begin() + depth, x->shape.end());
  auto strides = rowMajorStrides(x->shape);
  auto atStrides = rowMajorStrides(at->shape);
  return oneResult(remap(*x, shape, in.limit, [&](ArrayRef<int64_t> index) {
    int64_t row = 0, linear = 0;
    for (int64_t i = 0; i < lead; ++i)
      row += index[i] * atStrides[i];
    for (int64_t i = 0; i < depth; ++i) {
      int64_t value = at->ints[row + i];
      linear += strides[i] * (value < 0 ? value + x->shape[i] : value);
    }
    for (int64_t i = depth; i < x->rank(); ++i)
      linear += strides[i] * index[lead + i - depth];
    return linear;
  }));
}

/// First element, last bound and step of a slice along an axis of `size` elements.
static int64_t sliceLength(int64_t &start, int64_t end, int64_t step, int64_t size) {
  auto bound = [&](int64_t value, int64_t low, int64_t high) {
    return std::clamp(value < 0 ? value + size : value, low, high);
  };
  if (step > 0) {
    start = bound(start, 0, size);
    return std::max<int64_t>(0, (bound(end, 0, size) - start + step - 1) / step);
  }
  start = bound(start, 0, size - 1);
  end = end < -size ? -1 : bound(end, -1, size - 1);
  return std::max<int64_t>(0, (start - end - step - 1) / -step);
}

static NodeResults slice(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  auto starts = intsOf(in, 1, "starts"), ends = intsOf(in, 2, "ends");
  if (!x || !starts || !ends || starts->size() != ends->size())
    return std::nullopt;
  auto axes = intsOf(in, 3, "axes"), steps = intsOf(in, 4, "steps");
  if ((inputOf(in.node, 3) && !axes) || (inputOf(in.node, 4) && !steps))
    return std::nullopt;
  SmallVector<int64_t, 4> shape(x->shape), first(x->rank(), 0), stride(x->rank(), 1);
  for (size_t i = 0; i < starts->size(); ++i) {
    auto axis = axisOf(axes && i < axes->size() ? (*axes)[i] : int64_t(i), x->rank());
    constexpr int64_t longestStep = int64_t(1) << 40; // Longer than any axis.
    int64_t step =
        std::clamp(steps && i < steps->size() ? (*steps)[i] : 1, -longestStep, longestStep);
    if (!axis || step == 0)
      return std::nullopt;
    first[*axis] = (*starts)[i];
    stride[*axis] = step;
    shape[*axis] = sliceLength(first[*axis], (*ends)[i], step, x->shape[*axis]);
  }
  auto strides = rowMajorStrides(x->shape);
  return oneResult(remap(*x, shape, in.limit, [&](ArrayRef<int64_t> index) {
    int64_t linear = 0;
    for (size_t i = 0; i < index.size(); ++i)
      linear += strides[i] * (first[i] + index[i] * stride[i]);
    return linear;
  }));
}

static NodeResults split(const NodeInputs &in) {
  const HostTensor *x = in.at(0);
  if (!x)
    return std::nullopt;
  auto axis = axisOf(intAttribute(in.node, "axis", 0), x->rank());
  if (!axis)
    return std::nullopt;
  int64_t count = in.node.getNumResults(), total = x->shape[*axis];
  auto lengths = intsOf(in, 1, "split");
  if (!lengths && inputOf(in.node, 1))
    return std::nullopt;
  if (!lengths) {
    int64_t each = (total + count - 1) / count;
    lengths.emplace(count, each);
    lengths->back() = total - each * (count - 1);
  }
  if (int64_t(lengths->size()) != count ||
      std::accumulate(lengths->begin(), lengths->end(), int64_t(0)) != total)
    return std::nullopt;
  auto strides = rowMajorStrides(x->shape);
  llvm::SmallVector<HostTensor, 1> results;
  int64_t begin = 0;
  for (int64_t length : *lengths) {
    SmallVector<int64_t, 4> shape(x->shape);
    shape[*axis] = length;
    results.push_back(remap(*x, shape, in.limit, [&](ArrayRef<int64_t> index) {
      return std::inner_product(index.begin(), index.end(), strides.begin(),
                                begin * strides[*axis]);
    }));
    begin += length;
  }
  return results;
}

void addMovementRules(NodeRules &rules) {
  rules.insert({{"Shape", shape},
                {"Size", sizeOf},
                {"Reshape", reshape},
                {"Flatten", flatten},
                {"Unsqueeze", unsqueeze},
                {"Squeeze", squeeze},
                {"Transpose", transpose},
                {"Expand", expand},
                {"Concat", concat},
                {"Gather", gather},
                {"GatherND", gatherNd},
                {"Slice", slice},
                {"Split", split}});
}

} // namespace llmc::passes
