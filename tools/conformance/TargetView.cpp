#include "tools/conformance/TargetView.h"

#include "runtime/drivers/cpu/cpu_features.h"

#include <algorithm>

namespace llmc::conformance {

using namespace target;

Legalization TargetView::legalization(const Machine &machine) const {
  return inner.legalization(machine);
}

Verdict TargetView::supports(const Machine &machine, const KernelWork &work) const {
  Verdict verdict = inner.supports(machine, work);
  ++(verdict.supported ? answers.supported : answers.refused);
  return verdict;
}

uint64_t TargetView::cycles(const Machine &machine, const KernelWork &work) const {
  return inner.cycles(machine, work);
}

uint64_t TargetView::dmaCycles(const Machine &machine, Space offChip, uint64_t bytes, uint64_t runs,
                               bool isLoad) const {
  return inner.dmaCycles(machine, offChip, bytes, runs, isLoad);
}

uint32_t TargetView::rowGranule(const Machine &machine) const { return inner.rowGranule(machine); }

bool TargetView::readsRowRecords() const { return inner.readsRowRecords(); }

uint64_t TargetView::packedBytes(const Machine &machine, const WeightFormat &format, uint32_t rows,
                                 uint32_t columns) const {
  return inner.packedBytes(machine, format, rows, columns);
}

uint64_t TargetView::packedRowsBytes(const Machine &machine, const PackRows &pack) const {
  return inner.packedRowsBytes(machine, pack);
}

void TargetView::pack(const Machine &machine, const WeightRows &rows,
                      std::vector<uint8_t> &out) const {
  inner.pack(machine, rows, out);
}

std::optional<std::vector<uint8_t>> TargetView::emit(const Machine &machine, const Program &program,
                                                     std::string &error) const {
  auto blob = inner.emit(machine, program, error);
  if (!blob)
    answers.emitFailure = error;
  return blob;
}

std::vector<Variant> TargetView::variants(const Machine &machine) const {
  return inner.variants(machine);
}

std::optional<Blob> TargetView::emitKernels(const Machine &machine, const Variant &variant,
                                            const std::vector<KernelRequest> &kernels,
                                            const HostServices &host, std::string &error) const {
  auto blob = inner.emitKernels(machine, variant, kernels, host, error);
  if (!blob)
    answers.emitFailure = error;
  return blob;
}

std::string TargetView::disassemble(const std::vector<uint8_t> &blob, std::string &error) const {
  return inner.disassemble(blob, error);
}

namespace {

/// Code that this host never runs would only be compiled.
class StandbyView : public TargetView {
public:
  using TargetView::TargetView;

  std::vector<Variant> variants(const Machine &machine) const override {
    std::vector<Variant> all = inner.variants(machine);
    std::optional<rt::cpu::Isa> best;
    for (const Variant &variant : all)
      if (const auto isa = rt::cpu::isaNamed(variant.name);
          isa && rt::cpu::missingFor(*isa, rt::cpu::hostProbe()).empty())
        best = std::max(best, isa);
    if (best)
      std::erase_if(all, [&](const Variant &variant) {
        return rt::cpu::isaNamed(variant.name).value_or(*best) != *best;
      });
    return all;
  }
};

} // namespace

TargetRegistry viewsOf(const TargetRegistry &targets, const Target &watched, const Machine *machine,
                       Answers &answers) {
  TargetRegistry views;
  std::vector<const Target *> seen;
  static Answers ignored; // of the others
  for (const auto &[target, unused] : targets.machines()) {
    if (std::count(seen.begin(), seen.end(), target))
      continue;
    seen.push_back(target);
    const bool isWatched = target == &watched;
    std::vector<Machine> machines;
    for (const auto &[owner, known] : targets.machines())
      if (owner == target)
        machines.push_back(isWatched && machine && known->name == machine->name ? *machine
                                                                                : *known);
    views.add(isWatched ? std::make_unique<TargetView>(*target, answers)
                        : std::make_unique<StandbyView>(*target, ignored),
              std::move(machines));
  }
  return views;
}

} // namespace llmc::conformance
