#include "passes/Raising/RopeTable.h"

#include "passes/Raising/WeightViews.h"
#include "passes/Raising/WidenHalves.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <cstdio>

using namespace mlir;

namespace llmc::passes {

static std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// Compares the table with a formula.
static RopeSnap compare(const RopeTable &table, RopeFormula formula, int lostBits) {
  RopeSnap snap;
  constexpr int singleBits = 23;
  double rounding = lostBits ? std::ldexp(1.0, lostBits - singleBits) : 0.0;
  std::vector<float> inverse(table.half);
  for (int64_t pair = 0; pair < table.half; ++pair)
    inverse[pair] = float(std::pow(formula.base, -double(pair) / double(table.half)));
  for (int64_t position = 0; position < table.positions; ++position)
    for (int64_t pair = 0; pair < table.half; ++pair) {
      float angle = float(position) * inverse[pair];
      int64_t at = position * table.half + pair;
      float wanted[2] = {float(std::cos(double(angle))) * float(formula.scaling),
                         float(std::sin(double(angle))) * float(formula.scaling)};
      float stored[2] = {table.cosines[at], table.sines[at]};
      for (int which = 0; which < 2; ++which) {
        double difference = std::fabs(double(stored[which]) - double(wanted[which]));
        difference -= std::min(difference, rounding * std::fabs(double(stored[which])));
        difference /= double(1 + position);
        snap.largestDifference = std::max(snap.largestDifference, difference);
        if (!(difference <= ropeTolerance) && snap.failure.empty())
          snap.failure = "position " + std::to_string(position) + ", pair " + std::to_string(pair) +
                         ": " + (which ? "sin" : "cos") + " is " + number(stored[which]) +
                         ", base " + number(formula.base) + " gives " + number(wanted[which]);
      }
    }
  if (snap.failure.empty())
    snap.formula = formula;
  return snap;
}

/// The angle of the last pair at position 1. It turns slowest: the farthest position that it has
/// not turned a quarter at says it most exactly.
static double lastAngle(const RopeTable &table) {
  int64_t pair = table.half - 1, position = 1;
  auto sineAt = [&](int64_t at) { return table.sines[at * table.half + pair]; };
  auto cosineAt = [&](int64_t at) { return table.cosines[at * table.half + pair]; };
  while (position + 1 < table.positions && cosineAt(position + 1) > 0 &&
         sineAt(position + 1) >= sineAt(position))
    ++position;
  return std::atan2(double(sineAt(position)), double(cosineAt(position))) / double(position);
}

RopeSnap snapRope(const RopeTable &table, int lostBits) {
  RopeSnap snap;
  if (table.positions < 2 || table.half < 2) {
    snap.failure = "the table is too small to tell its base";
    return snap;
  }
  RopeFormula formula;
  formula.scaling = table.cosines[0];
  double angle = lastAngle(table); // base^(-(half-1)/half)
  double base = std::pow(angle, -double(table.half) / double(table.half - 1));
  if (!(angle > 0) || !std::isfinite(base)) {
    snap.failure = "the angles of the last pair are not those of a formula";
    return snap;
  }
  for (int digits = 1; digits <= 9; ++digits) {
    char text[40];
    std::snprintf(text, sizeof text, "%.*e", digits - 1, base);
    formula.base = std::strtod(text, nullptr);
    snap = compare(table, formula, lostBits);
    if (snap.formula)
      break;
  }
  return snap;
}

const RopeEmitter::Known &RopeEmitter::know(const RopeTable &table, StringRef node) {
  Known *found = nullptr;
  for (auto &entry : known)
    if (entry->table == table)
      found = entry.get();
  if (!found) {
    known.push_back(std::make_unique<Known>(Known{table, snapRope(table, lostBits(step.module))}));
    found = known.back().get();
    if (!found->snap.formula)
      step.report.nearlyMatched.push_back({"rope by formula", node.str(), found->snap.failure});
  }
  if (found->snap.formula) {
    RaiseReport::Snap snap;
    snap.what = "rope table to base " + number(found->snap.formula->base) + ", dimension " +
                std::to_string(2 * table.half) + ", scaling " +
                number(found->snap.formula->scaling);
    snap.node = node.str();
    snap.largestDifference = found->snap.largestDifference;
    snap.tolerance = ropeTolerance;
    snap.unit = "difference of an entry divided by 1 + position";
    step.report.addSnap(std::move(snap));
  }
  return *found;
}

Value RopeEmitter::emit(OpBuilder &builder, Location loc, Value rows, int64_t heads,
                        const RopeTable &table, StringRef node) {
  const Known &entry = know(table, node);
  Value position = argumentOf(step.program, Role::Position);
  if (entry.snap.formula) {
    auto rope = lm::RopeAttr::get(
        builder.getContext(), builder.getF64FloatAttr(entry.snap.formula->base),
        uint32_t(2 * table.half), builder.getF64FloatAttr(entry.snap.formula->scaling));
    return lm::RopeOp::create(builder, loc, rows.getType(), rows, position, Value(), Value(), heads,
                              rope);
  }
  auto type = RankedTensorType::get({table.positions, table.half}, builder.getF32Type());
  lm::WeightOp cosines = addWeight(step.module, "rope.cos",
                                   DenseElementsAttr::get(type, ArrayRef<float>(table.cosines)));
  lm::WeightOp sines = addWeight(step.module, "rope.sin",
                                 DenseElementsAttr::get(type, ArrayRef<float>(table.sines)));
  return lm::RopeOp::create(builder, loc, rows.getType(), rows, position,
                            readWeight(builder, loc, cosines), readWeight(builder, loc, sines),
                            heads, lm::RopeAttr());
}

} // namespace llmc::passes
