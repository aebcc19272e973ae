// Progressive filling, recomputed at starts and ends.
#include "targets/Rnpu/Simulator/Bus.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace llmc::rnpu {

std::vector<double> maxMinShares(const std::vector<double> &demands) {
  std::vector<size_t> order(demands.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return demands[a] != demands[b] ? demands[a] < demands[b] : a < b;
  });
  std::vector<double> shares(demands.size());
  double left = 1.0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double fair = left / static_cast<double>(order.size() - i);
    shares[order[i]] = std::min(demands[order[i]], fair);
    left -= shares[order[i]];
  }
  return shares;
}

void Bus::settle(uint64_t now) {
  for (Flow &flow : flows)
    if (flow.active)
      flow.left = std::max(0.0, flow.left - flow.rate * static_cast<double>(now - since));
  since = now;
}

void Bus::recompute(uint64_t now) {
  for (size_t i = 0; i < flows.size(); ++i) {
    if (!flows[i].active)
      continue;
    std::vector<double> demands;
    size_t mine = 0;
    for (size_t j = 0; j < flows.size(); ++j) {
      if (!flows[j].active || flows[j].memory != flows[i].memory)
        continue;
      if (i == j)
        mine = demands.size();
      demands.push_back(flows[j].demand);
    }
    flows[i].rate = maxMinShares(demands)[mine] / flows[i].demand;
    // A rest below a millionth of a cycle is rounding, not work.
    const double cycles = std::ceil(flows[i].left / flows[i].rate - 1e-6);
    flows[i].end = now + static_cast<uint64_t>(std::max(0.0, cycles));
  }
}

void Bus::start(unsigned slot, uint64_t now, uint64_t work, unsigned memory, double demand) {
  settle(now);
  flows[slot] = {true, static_cast<double>(work), 1.0, demand, memory, never};
  recompute(now);
}

void Bus::finish(unsigned slot, uint64_t now) {
  settle(now);
  flows[slot] = Flow();
  recompute(now);
}

double shareOfBus(const target::Memory &memory, bool read) {
  const double peak =
      (read ? memory.readBytesPerCycle : memory.writeBytesPerCycle) * memory.utilization;
  const double alone = read ? memory.effectiveReadRate() : memory.effectiveWriteRate();
  return peak > 0 && alone > 0 ? std::min(1.0, alone / peak) : 1.0;
}

} // namespace llmc::rnpu
