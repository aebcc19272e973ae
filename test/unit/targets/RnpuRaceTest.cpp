// The race detector against a quadratic one that builds the whole happens-before relation, on
// random programs of copies over a small SRAM.
#include "test/unit/targets/RnpuTestKit.h"

#include "catch2/catch.hpp"

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

constexpr uint32_t granule = 16, granules = 24;

struct Touch {
  Space space;
  uint32_t first, count; ///< Granules.
  bool write;
};

/// A command, what it touches, and which commands happen before it.
struct Node {
  Engine engine;
  std::vector<Touch> touches;
  std::vector<bool> before;
};

bool conflict(const Touch &a, const Touch &b) {
  return a.space == b.space && (a.write || b.write) && a.first < b.first + b.count &&
         b.first < a.first + a.count;
}

bool conflict(const Node &a, const Node &b) {
  for (const Touch &x : a.touches)
    for (const Touch &y : b.touches)
      if (conflict(x, y))
        return true;
  return false;
}

class RandomCopies {
public:
  explicit RandomCopies(uint32_t seed) : random(seed) {
    program.entry = "copies";
    program.sramBytes = granule * granules;
    add(Engine::Load, copyOf(at(Space::Io, 0), at(Space::Sram, 0), granule * granules),
        {{Space::Io, 0, granules, false}, {Space::Sram, 0, granules, true}}, {});
    const uint32_t commands = 3 + random() % 9;
    for (uint32_t i = 0; i < commands; ++i)
      addRandom();
  }

  /// Some pair of conflicting commands is unordered.
  bool races() const {
    for (size_t j = 0; j < nodes.size(); ++j)
      for (size_t i = 0; i < j; ++i)
        if (!nodes[j].before[i] && conflict(nodes[i], nodes[j]))
          return true;
    return false;
  }

  Result run(uint64_t seed) {
    Machine machine = smallMachine();
    machine.memories[0].bytes = granule * granules;
    Simulator simulator(machine);
    simulator.options.chaosSeed = seed;
    std::vector<uint8_t> io(granule * granules * 2);
    Bindings b;
    b.io = {io.data(), io.size()};
    return simulator.dispatch(program, b, {});
  }

private:
  uint32_t count(Engine engine) const {
    uint32_t n = 0;
    for (const Node &node : nodes)
      n += node.engine == engine;
    return n;
  }

  /// The index of an engine's v-th command.
  size_t find(Engine engine, int64_t v) const {
    for (size_t i = 0;; ++i)
      if (nodes[i].engine == engine && --v == 0)
        return i;
  }

  void follow(Node &node, size_t earlier) const {
    node.before[earlier] = true;
    for (size_t i = 0; i < earlier; ++i)
      if (nodes[earlier].before[i])
        node.before[i] = true;
  }

  void add(Engine engine, std::variant<Dma, MatmulCommand, ChainCommand> work,
           std::vector<Touch> touches, std::vector<Wait> waits) {
    Node node{engine, std::move(touches), std::vector<bool>(nodes.size())};
    if (const uint32_t own = count(engine))
      follow(node, find(engine, own));
    for (const Wait &wait : waits)
      if (wait.value > 0)
        follow(node, find(wait.engine, wait.value));
    nodes.push_back(std::move(node));
    program.prologue.commands.push_back(
        commandOf(engine, std::move(work), std::move(waits), "copy"));
  }

  ChainCommand copyChain(uint32_t from, uint32_t to, uint32_t size) {
    ChainCommand chain;
    chain.chain.tokens.value = 1;
    chain.chain.columns.value = size * granule / 4;
    chain.chain.steps.resize(2);
    chain.chain.steps[0].step = Step::LoadMatrix;
    chain.chain.steps[1].step = Step::StoreMatrix;
    chain.chain.steps[1].operand = 1;
    chain.operands = {operandAt(from * granule, ElementType::F32, 0, 0, size * granule),
                      operandAt(to * granule, ElementType::F32, 0, 0, size * granule)};
    return chain;
  }

  void addRandom() {
    const Engine engine = std::vector{Engine::Load, Engine::Store, Engine::Vector}[random() % 3];
    std::vector<Wait> waits;
    for (Engine other : {Engine::Load, Engine::Store, Engine::Vector})
      if (other != engine && count(other) > 0 && random() % 4 != 0)
        waits.push_back({other, int64_t(count(other) - random() % std::min(3u, count(other))), 0});
    // Nobody reads before the first load.
    if (engine != Engine::Load && (waits.empty() || waits[0].engine != Engine::Load))
      waits.insert(waits.begin(), {Engine::Load, 1, 0});
    const uint32_t size = 1 + random() % 4;
    const uint32_t a = random() % (granules - size), b = random() % (granules - size);
    const Address sram = at(Space::Sram, a * granule);
    if (engine == Engine::Load)
      add(engine, copyOf(at(Space::Io, b * granule), sram, size * granule),
          {{Space::Io, b, size, false}, {Space::Sram, a, size, true}}, waits);
    else if (engine == Engine::Store)
      add(engine, copyOf(sram, at(Space::Io, b * granule), size * granule),
          {{Space::Sram, a, size, false}, {Space::Io, b, size, true}}, waits);
    else
      add(engine, copyChain(a, b, size),
          {{Space::Sram, a, size, false}, {Space::Sram, b, size, true}}, waits);
  }

  std::mt19937 random;
  Program program;
  std::vector<Node> nodes;
};

} // namespace

TEST_CASE("races are found exactly where happens-before has a hole, whatever the timing") {
  unsigned racy = 0, clean = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    RandomCopies copies(seed);
    const bool races = copies.races();
    (races ? racy : clean) += 1;
    for (uint64_t chaos = 0; chaos < 3; ++chaos) {
      const Result result = copies.run(chaos);
      INFO("seed " << seed << ": " << (result.fault ? result.fault->message : "no fault"));
      REQUIRE(result.ok() == !races);
      if (races)
        REQUIRE(result.fault->kind == FaultKind::Race);
    }
  }
  CHECK(racy > 300);
  CHECK(clean > 300);
}
