// Reading of machine descriptions, strictly: every key known, none missing, every number with a
// source.
#include "targets/Interface/Machine.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>
#include <set>

namespace llmc::target {

namespace {

using Json = nlohmann::json;

constexpr double maxInteger = 4294967295.0;
/// Regions and tensors of plans lie at multiples of so many bytes.
constexpr uint32_t planAlignment = 64;

/// An object of the file. Keys are read by name; finish() refuses those that nobody read. The first
/// error stays, later reads give zeros.
class Object {
public:
  Object(const Json &value, std::string path, std::string &error)
      : value(value), path(std::move(path)), error(error) {
    if (!value.is_object())
      fail(this->path, "must be an object");
  }

  void fail(const std::string &where, const std::string &text) {
    if (error.empty())
      error = where.empty() ? text : where + ": " + text;
  }

  std::string at(const std::string &key) const { return path.empty() ? key : path + "." + key; }

  bool has(const std::string &key) const { return value.is_object() && value.contains(key); }

  const Json *find(const std::string &key) {
    used.insert(key);
    if (!value.is_object())
      return nullptr;
    auto it = value.find(key);
    if (it == value.end()) {
      fail(path, fmt::format("missing key '{}'", key));
      return nullptr;
    }
    return &*it;
  }

  std::string text(const std::string &key) {
    const Json *node = find(key);
    if (!node)
      return {};
    if (!node->is_string() || node->get_ref<const std::string &>().empty()) {
      fail(at(key), "must be a text that is not empty");
      return {};
    }
    return node->get<std::string>();
  }

  Object object(const std::string &key) {
    static const Json empty = Json::object();
    const Json *node = find(key);
    return Object(node ? *node : empty, at(key), error);
  }

  /// {"value": number, "source": text}
  double number(const std::string &key, double low, double high) {
    Object node = object(key);
    node.text("source");
    double result = node.plain("value", low, high);
    node.finish();
    return result;
  }

  uint64_t integer(const std::string &key, double low, double high = maxInteger) {
    double result = number(key, low, high);
    if (result != std::floor(result))
      fail(at(key) + ".value", "must be a whole number");
    return uint64_t(result);
  }

  uint32_t count(const std::string &key, double low = 0) {
    return uint32_t(integer(key, low, maxInteger));
  }

  /// {"low": number, "nominal": number, "high": number, "source": text}
  Band band(const std::string &key) {
    Object node = object(key);
    node.text("source");
    Band band;
    band.low = node.plain("low", 0, 1e9);
    band.nominal = node.plain("nominal", 0, 1e9);
    band.high = node.plain("high", 0, 1e9);
    if (band.low > band.nominal || band.nominal > band.high)
      fail(at(key), "must have low <= nominal <= high");
    node.finish();
    return band;
  }

  double plain(const std::string &key, double low, double high) {
    const Json *node = find(key);
    if (!node)
      return 0;
    if (!node->is_number()) {
      fail(at(key), "must be a number");
      return 0;
    }
    double result = node->get<double>();
    if (!(result >= low && result <= high)) {
      fail(at(key), fmt::format("{} is outside {} ... {}", result, low, high));
      return 0;
    }
    return result;
  }

  void finish() {
    if (!value.is_object())
      return;
    for (auto it = value.begin(); it != value.end(); ++it)
      if (!used.count(it.key()))
        fail(path, fmt::format("unknown key '{}'", it.key()));
  }

private:
  const Json &value;
  std::string path;
  std::string &error;
  std::set<std::string> used;
};

MemoryKind memoryKind(Object &object) {
  static constexpr std::pair<const char *, MemoryKind> kinds[] = {
      {"sram", MemoryKind::Sram},
      {"dram", MemoryKind::Dram},
      {"flash-xip", MemoryKind::FlashXip},
      {"flash-paged", MemoryKind::FlashPaged}};
  std::string text = object.text("kind");
  for (const auto &[name, kind] : kinds)
    if (text == name)
      return kind;
  object.fail(object.at("kind"),
              fmt::format("'{}' is none of sram, dram, flash-xip, flash-paged", text));
  return MemoryKind::Sram;
}

Memory readMemory(Object object) {
  Memory memory;
  memory.name = object.text("name");
  memory.kind = memoryKind(object);
  bool flash = memory.kind == MemoryKind::FlashXip || memory.kind == MemoryKind::FlashPaged;
  memory.bytes = object.integer("bytes", 1024, 281474976710655.0);
  memory.alignment = uint32_t(object.integer("alignment", 1, planAlignment));
  if (memory.alignment & (memory.alignment - 1))
    object.fail(object.at("alignment"), "must be a power of two");
  memory.readBytesPerCycle = object.number("readBytesPerCycle", 1e-6, 65536);
  memory.writeBytesPerCycle = object.number("writeBytesPerCycle", flash ? 0 : 1e-6, 65536);
  memory.utilization = object.number("utilization", 0.01, 1);
  memory.readLatency = object.count("readLatency");
  memory.writeLatency = object.count("writeLatency");
  memory.burstBytes = object.count("burstBytes", 1);
  memory.outstandingReads = object.count("outstandingReads", 1);
  memory.outstandingWrites = object.count("outstandingWrites", flash ? 0 : 1);
  memory.energyPerByte = object.band("energyPerByte");
  object.finish();
  return memory;
}

void readMemories(Object &root, Machine &machine, std::string &error) {
  const Json *list = root.find("memories");
  if (!list)
    return;
  if (!list->is_array() || list->empty())
    return root.fail("memories", "must be a list that is not empty");
  std::set<std::string> names;
  unsigned srams = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    std::string path = fmt::format("memories[{}]", i);
    machine.memories.push_back(readMemory(Object((*list)[i], path, error)));
    const Memory &memory = machine.memories.back();
    srams += memory.kind == MemoryKind::Sram;
    if (!names.insert(memory.name).second)
      root.fail(path + ".name", fmt::format("'{}' is a second memory of this name", memory.name));
  }
  if (srams != 1)
    root.fail("memories", fmt::format("{} memories of kind sram, exactly one is needed", srams));
}

void readPlacement(Object object, Machine &machine) {
  struct Class {
    const char *key;
    std::string *name;
    bool written;
  };
  Placement &placement = machine.placement;
  for (const Class &entry :
       {Class{"weights", &placement.weights, false}, Class{"state", &placement.state, true},
        Class{"scratch", &placement.scratch, true}, Class{"io", &placement.io, true}}) {
    *entry.name = object.text(entry.key);
    const Memory *memory = machine.memory(*entry.name);
    if (!memory)
      object.fail(object.at(entry.key), fmt::format("no memory is named '{}'", *entry.name));
    else if (memory->kind == MemoryKind::Sram && machine.dispatch == DispatchKind::Stream)
      object.fail(object.at(entry.key), "must be an off-chip memory");
    else if (entry.written && memory->writeBytesPerCycle == 0)
      object.fail(object.at(entry.key), fmt::format("'{}' cannot be written", *entry.name));
  }
  object.finish();
}

void readTensor(Object object, TensorEngine &tensor) {
  tensor.timing.issueCycles = object.count("issueCycles");
  tensor.macPerCycleI8 = object.count("macPerCycleI8", 1);
  tensor.macPerCycleF16 = object.count("macPerCycleF16", 1);
  tensor.gemvMacPerCycle = object.count("gemvMacPerCycle", 1);
  tensor.weightsPerCycle4 = object.number("weightsPerCycle4", 0, 65536);
  tensor.weightsPerCycle8 = object.number("weightsPerCycle8", 0, 65536);
  tensor.outputsPerCycle = object.number("outputsPerCycle", 1e-3, 65536);
  tensor.energyPerMacI8 = object.band("energyPerMacI8");
  tensor.energyPerMacF16 = object.band("energyPerMacF16");
  object.finish();
}

void readVector(Object object, VectorEngine &vector) {
  vector.timing.issueCycles = object.count("issueCycles");
  vector.lanes = object.count("lanes", 1);
  vector.cyclesPerFunction = object.count("cyclesPerFunction", 1);
  vector.maxSteps = uint32_t(object.integer("maxSteps", 1, 255));
  vector.energyPerLaneOp = object.band("energyPerLaneOp");
  object.finish();
}

void readDma(Object object, Machine &machine) {
  machine.dmaLoadChannels = object.count("loadChannels", 1);
  machine.dmaStoreChannels = object.count("storeChannels", 1);
  machine.dmaSetupCycles = object.count("setupCycles");
  machine.dmaOutstanding = object.count("outstanding", 1);
  object.finish();
}

/// {"value": [64, 16], "source": text}, strictly descending.
std::vector<uint32_t> readChunks(Object object) {
  std::vector<uint32_t> chunks;
  object.text("source");
  const Json *list = object.find("value");
  if (list && (!list->is_array() || list->empty()))
    object.fail(object.at("value"), "must be a list that is not empty");
  else if (list)
    for (const Json &entry : *list) {
      bool whole = entry.is_number_unsigned() && entry.get<uint64_t>() >= 1 &&
                   entry.get<uint64_t>() <= 65536;
      uint32_t chunk = whole ? entry.get<uint32_t>() : 0;
      if (!whole || (!chunks.empty() && chunk >= chunks.back()))
        object.fail(object.at("value"), "must be whole numbers from 65536 to 1, descending");
      chunks.push_back(chunk);
    }
  object.finish();
  return chunks;
}

/// "stream" where nothing is said.
DispatchKind readDispatch(Object &root) {
  if (!root.has("dispatch"))
    return DispatchKind::Stream;
  const std::string text = root.text("dispatch");
  if (text == "kernel")
    return DispatchKind::Kernel;
  if (text != "stream" && !text.empty())
    root.fail("dispatch", fmt::format("'{}' is none of stream, kernel", text));
  return DispatchKind::Stream;
}

/// The description without what only people read.
Json valuesOf(const Json &node) {
  if (!node.is_structured())
    return node;
  Json result = node.is_array() ? Json::array() : Json::object();
  for (auto it = node.begin(); it != node.end(); ++it) {
    if (node.is_array())
      result.push_back(valuesOf(*it));
    else if (it.key() != "source" && it.key() != "summary")
      result[it.key()] = valuesOf(*it);
  }
  return result;
}

MachineDigest digestOf(const Json &root) {
  std::string text = valuesOf(root).dump();
  MachineDigest digest;
  SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
  return digest;
}

/// Parses with duplicate keys refused, which the library alone would let pass.
std::optional<Json> parseStrictly(const std::string &text, std::string &error) {
  std::vector<std::set<std::string>> scopes;
  std::string duplicate;
  auto watch = [&](int, Json::parse_event_t event, Json &parsed) {
    if (event == Json::parse_event_t::object_start)
      scopes.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      scopes.pop_back();
    else if (event == Json::parse_event_t::key &&
             !scopes.back().insert(parsed.get<std::string>()).second && duplicate.empty())
      duplicate = parsed.get<std::string>();
    return true;
  };
  try {
    Json root = Json::parse(text, watch);
    if (duplicate.empty())
      return root;
    error = fmt::format("key '{}' occurs twice in one object", duplicate);
  } catch (const Json::parse_error &broken) {
    error = fmt::format("not JSON: byte {}", broken.byte);
  }
  return std::nullopt;
}

Machine readMachine(const Json &json, std::string &error) {
  Machine machine;
  Object root(json, "", error);
  machine.name = root.text("name");
  machine.target = root.text("target");
  machine.summary = root.text("summary");
  machine.clockHz = root.number("clockHz", 1e3, 1e11);
  if (root.has("isa"))
    machine.isa = root.text("isa");
  machine.dispatch = readDispatch(root);
  readMemories(root, machine, error);
  if (error.empty())
    readPlacement(root.object("placement"), machine);
  else
    root.find("placement");
  readTensor(root.object("tensor"), machine.tensor);
  readVector(root.object("vector"), machine.vector);
  readDma(root.object("dma"), machine);
  machine.launchCycles = root.count("launchCycles");
  machine.staticPower = root.band("staticPower");
  machine.prefillChunks = readChunks(root.object("prefillChunks"));
  machine.headRows = uint32_t(root.integer("headRows", 1, 65536));
  root.finish();
  return machine;
}

} // namespace

std::optional<Machine> parseMachine(const std::string &json, const std::string &origin,
                                    std::string &error) {
  std::string broken;
  std::optional<Json> root = parseStrictly(json, broken);
  std::optional<Machine> machine;
  if (root)
    machine = readMachine(*root, broken);
  if (!broken.empty()) {
    error = fmt::format("machine description {}: {}", origin, broken);
    return std::nullopt;
  }
  machine->text = json;
  machine->digest = digestOf(*root);
  return machine;
}

} // namespace llmc::target
