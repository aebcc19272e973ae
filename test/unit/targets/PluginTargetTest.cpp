// A plugin's answers, checked: what is right goes through, and what breaks the interface is named.
#include "targets/Plugin/PluginTarget.h"
#include "targets/Plugin/CheckPlugin.h"
#include "test/unit/targets/KnownTarget.h"

#include "catch2/catch.hpp"

#include <cstring>
#include <fstream>

using namespace llmc;
using namespace llmc::target;
using llmc::test::KnownTarget;

namespace {

/// What the functions of the table answer; a test sets one of them wrong.
struct Answers {
  int supports = 1, packedBytes = 1, pack = 1, emit = 1, describe = 1, open = 1;
  bool throws = false, throwsNumber = false, silent = false, writesBeyond = false;
  bool noVariants = false, emptyCode = false;
  uint32_t granule = 4, variants = 1, entries = 1, offset = 0, alignment = 16, stack = 0;
  uint32_t isFloat = 1, deviceAbi = LLMC_DEVICE_ABI;
  uint64_t bytes = 0; ///< 0: rows * columns.
  uint64_t rowsBytes = 0;
  const char *variantName = "one";
};

Answers answers;
llmc_variant variantList[3];
llmc_device deviceTable;

int refused(const llmc_target_call *call, int code) {
  if (code == 0 && !answers.silent)
    llmc_refuse(call, "not\nthis \xff one");
  return code;
}

int supports(const llmc_target_call *call, const llmc_kernel *) {
  if (answers.throws)
    throw std::runtime_error("out of\tluck");
  if (answers.throwsNumber)
    throw 3;
  return refused(call, answers.supports);
}

int describe(const llmc_target_call *call, llmc_properties *properties) {
  properties->row_granule = answers.granule;
  properties->float_vectors = answers.isFloat;
  return refused(call, answers.describe);
}

int packedBytes(const llmc_target_call *call, const llmc_weight_shape *shape, uint64_t *bytes) {
  *bytes = answers.bytes ? answers.bytes : uint64_t(shape->rows) * shape->columns;
  if (answers.bytes == 1)
    *bytes = 0;
  return refused(call, answers.packedBytes);
}

int pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out, uint64_t bytes) {
  std::memcpy(out, weights->elements, bytes);
  if (answers.writesBeyond)
    out[bytes] ^= 1;
  return refused(call, answers.pack);
}

int packedRowsBytes(const llmc_target_call *, const llmc_pack_rows *, uint64_t *bytes) {
  *bytes = answers.rowsBytes;
  return 1;
}

const llmc_variant *variants(const llmc_target_call *, uint32_t *count) {
  *count = answers.variants;
  for (llmc_variant &variant : variantList)
    variant = {answers.variantName, 1, 1, answers.stack, 0};
  return answers.noVariants ? nullptr : variantList;
}

int emitKernels(const llmc_target_call *call, const llmc_variant *, const llmc_kernel *, uint32_t,
                const llmc_blob_sink *blob) {
  if (!answers.emptyCode)
    blob->code(blob->ctx, "code", 4, answers.alignment);
  for (uint32_t i = 0; i < answers.entries; ++i)
    blob->entry(blob->ctx, answers.offset, answers.stack);
  return refused(call, answers.emit);
}

int openDevice(const llmc_target_call *call, const char *, llmc_opened_device *device) {
  deviceTable = {};
  deviceTable.struct_size = sizeof deviceTable;
  deviceTable.abi = answers.deviceAbi;
  device->table = &deviceTable;
  device->isa = "simulated";
  device->close = [](void *) {};
  return refused(call, answers.open);
}

std::string machineText(const std::string &name = "tiny") {
  std::ifstream in(LLMC_MACHINES "/x86-64.json");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  for (const auto &[key, value] : {std::pair("name", name), {"target", std::string("small")}}) {
    const std::string from = "\"" + std::string(key) + "\": \"x86-64\"";
    text.replace(text.find(from), from.size(), "\"" + std::string(key) + "\": \"" + value + "\"");
  }
  return text;
}

struct Small {
  Small() {
    answers = {};
    plain.struct_size = sizeof plain;
    plain.n_machines = 1;
    plain.name = "small";
    plain.machines = &machine;
    plain.describe = describe;
    plain.supports = supports;
    plain.packed_bytes = packedBytes;
    plain.pack = pack;
    plain.packed_rows_bytes = packedRowsBytes;
    plain.variants = variants;
    plain.emit_kernels = emitKernels;
    plain.open_device = openDevice;
  }
  KnownTarget target() const {
    KnownTarget known(std::make_unique<PluginTarget>("small.so", plain, nobodyWatches()));
    INFO(known.error());
    REQUIRE(known.machines().size() == 1);
    return known;
  }

  std::string text = machineText();
  const char *machine = text.c_str();
  llmc_target plain{};
};

constexpr WeightFormat w8{ElementType::I8, ScaleKind::F32Row, 0};

Matmul linear() {
  Matmul matmul;
  matmul.tokens = {1};
  matmul.n = {8};
  matmul.k = {64};
  return matmul;
}

class NoServices final : public HostServices {
public:
  std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &, const IsaTable &,
                                std::string &) const override {
    return std::nullopt;
  }
};

std::optional<Blob> emit(const KnownTarget &target, std::string &error) {
  return target->emitKernels(target.machines()[0], {.name = "one"}, {{"k", linear(), {}}},
                             NoServices(), error);
}

template <typename Call> std::string brokenBy(const Call &call) {
  try {
    call();
  } catch (const PluginError &error) {
    const std::string head = "plugin 'small.so', target 'small': function ",
                      tail = "; the plugin breaks its interface, and whoever wrote it must mend it";
    std::string text = error.what();
    REQUIRE(text.substr(0, head.size()) == head);
    REQUIRE(text.size() > tail.size());
    REQUIRE(text.substr(text.size() - tail.size()) == tail);
    return text.substr(head.size(), text.size() - head.size() - tail.size());
  }
  return "nothing";
}

} // namespace

TEST_CASE("right answers go through") {
  const Small small;
  const KnownTarget target = small.target();
  const Machine &machine = target.machines()[0];
  CHECK(target->name() == "small");
  CHECK(target->rowGranule(machine) == 4);
  CHECK(target->legalization(machine).floatVectors);
  CHECK(target->supports(machine, linear()).supported);
  CHECK(target->packedBytes(machine, w8, 8, 64) == 512);
  CHECK(target->cycles(machine, linear()) > 0);
  CHECK(target->dmaCycles(machine, Space::Weights, 4096, 1, true) > 0);
  CHECK(target->packedRowsBytes(machine, {{4}, 1, 64, 0}) == 0);
  std::vector<int8_t> elements(512, 7);
  WeightRows rows;
  rows.format = w8;
  rows.rows = 8;
  rows.columns = 64;
  rows.elements = elements.data();
  std::vector<uint8_t> out(3);
  target->pack(machine, rows, out);
  CHECK(out.size() == 3 + 512);
  CHECK(out.back() == 7);
  REQUIRE(target->variants(machine).size() == 1);
  CHECK(target->variants(machine)[0].name == "one");
  std::string error;
  const auto blob = emit(target, error);
  REQUIRE(blob);
  CHECK(blob->bytes.size() == 4);
  CHECK(blob->entries == std::vector<BlobEntry>{{"k", 0, 0}});
  answers.supports = 0;
  CHECK(target->supports(machine, linear()).reason == "not this ? one");
}

TEST_CASE("answers that break the interface name plugin, function and reason") {
  const Small small;
  const KnownTarget target = small.target();
  const Machine &machine = target.machines()[0];
  const auto ask = [&] { return brokenBy([&] { target->supports(machine, linear()); }); };
  answers.supports = 7;
  CHECK(ask() == "'supports' returned 7, which is neither 1 (yes) nor 0 (no)");
  answers.supports = 0;
  answers.silent = true;
  CHECK(ask() == "'supports' said no without a reason");
  answers.throws = true;
  CHECK(ask() == "'supports' threw a C++ exception: out of luck");
  answers.throws = false;
  answers.throwsNumber = true;
  CHECK(ask() == "'supports' threw a C++ exception");

  const auto granule = [&] { return brokenBy([&] { target->rowGranule(machine); }); };
  answers = {.granule = 0};
  CHECK(granule() == "'describe' gives a row_granule of 0, not of 1 to 65536");
  answers = {.granule = 1u << 20};
  CHECK(granule() == "'describe' gives a row_granule of 1048576, not of 1 to 65536");
  answers = {.isFloat = 2};
  CHECK(granule() ==
        "'describe' gives dynamic_activations 1 and float_vectors 2, which are 0 or 1");
  answers = {.describe = 0};
  CHECK(granule() ==
        "'describe' refuses machine 'tiny', which it describes or took: not this ? one");
}

TEST_CASE("sizes of packed weights that cannot be are named") {
  const Small small;
  const KnownTarget target = small.target();
  const Machine &machine = target.machines()[0];
  const auto sized = [&] { return brokenBy([&] { target->packedBytes(machine, w8, 8, 64); }); };
  answers.bytes = 1; // 0
  CHECK(sized() == "'packed_bytes' gives 0 bytes for 8 rows of 64 columns");
  answers.bytes = uint64_t(1) << 40;
  CHECK(sized() == "'packed_bytes' gives 1099511627776 bytes for 8 rows of 64 columns");
  answers = {.packedBytes = 0};
  CHECK(sized() == "'packed_bytes' has no size for 8 rows of 64 columns, which 'supports' takes: "
                   "not this ? one");
  answers = {.supports = 0, .packedBytes = 0};
  CHECK(target->packedBytes(machine, w8, 8, 64) == 0);
  answers = {};
  answers.rowsBytes = uint64_t(1) << 40;
  const auto rows = [&] {
    return brokenBy([&] { target->packedRowsBytes(machine, {{4}, 1, 64}); });
  };
  CHECK(rows() == "'packed_rows_bytes' gives 1099511627776 bytes for 4 rows of 64 columns");
  answers = {.supports = 0, .rowsBytes = 256};
  CHECK(rows() == "'packed_rows_bytes' gives 256 bytes to a kernel that 'supports' refuses: not "
                  "this ? one");
  std::vector<int8_t> elements(512);
  WeightRows weights;
  weights.format = w8;
  weights.rows = 8;
  weights.columns = 64;
  weights.elements = elements.data();
  std::vector<uint8_t> out;
  const auto packing = [&] { return brokenBy([&] { target->pack(machine, weights, out); }); };
  answers = {.pack = 0};
  CHECK(packing() == "'pack' refuses weights for which 'packed_bytes' has a size: not this ? one");
  answers = {.writesBeyond = true};
  CHECK(packing() == "'pack' wrote beyond the 512 bytes that it was given");
}

TEST_CASE("variants and code that cannot be are named") {
  const Small small;
  const KnownTarget target = small.target();
  const Machine &machine = target.machines()[0];
  const auto list = [&] { return brokenBy([&] { target->variants(machine); }); };
  answers.variants = 0;
  CHECK(list() == "'variants' gives 0 variants, not 1 to 16");
  answers = {.noVariants = true};
  CHECK(list() == "'variants' returned NULL");
  answers = {.variants = 2};
  CHECK(list() == "'variants' gives two variants the name 'one'");
  answers = {.variantName = nullptr};
  CHECK(list() == "'variants' gives a variant whose name is NULL");
  answers = {.variants = 2, .variantName = ""};
  CHECK(list() == "'variants' gives a variant the name ''");

  std::string error;
  const auto code = [&] { return brokenBy([&] { emit(target, error); }); };
  answers = {.entries = 2};
  CHECK(code() == "'emit_kernels' gave 2 entries for 1 kernels");
  answers = {.offset = 4};
  CHECK(code() == "'emit_kernels' put kernel 'k' at byte 4 of 4 bytes of code");
  answers = {.emptyCode = true};
  CHECK(code() == "'emit_kernels' put kernel 'k' at byte 0 of 0 bytes of code");
  answers = {.alignment = 24};
  CHECK(code() ==
        "'emit_kernels' wrote code with an alignment that is not a power of two up to 4096");
  answers = {.stack = 1u << 20};
  CHECK(code() == "'emit_kernels' gave kernel 'k' 1048576 bytes of stack, at most 262144 are "
                  "possible");
  answers = {.emit = 0};
  CHECK(code() == "nothing");
  CHECK(error == "not this ? one");
}

TEST_CASE("devices that cannot be used are named") {
  const Small small;
  const KnownTarget target = small.target();
  std::string error;
  const auto open = [&] {
    return brokenBy([&] { target->openDevice(target.machines()[0], "one", error); });
  };
  CHECK(open() == "'open_device' gives a device table without match, submit or poll");
  answers.deviceAbi = 7;
  CHECK(open() == "'open_device' gives a device table of abi 7 and " +
                      std::to_string(sizeof(llmc_device)) + " bytes, the runtime has abi 1 and " +
                      std::to_string(LLMC_DEVICE_BYTES_1) + " bytes");
  answers = {.open = 0};
  CHECK(open() == "nothing");
  CHECK(error == "not this ? one");
}

TEST_CASE("a machine that the target has no code for is refused") {
  Small small;
  small.plain.emit_kernels = nullptr;
  const KnownTarget known(std::make_unique<PluginTarget>("a", small.plain, nobodyWatches()));
  CHECK(known.error() ==
        "machine 'tiny': target 'small' has no kernels to dispatch one by one; the "
        "description must not say \"dispatch\": \"kernel\"");
}

TEST_CASE("tables of plugins are checked before they are used") {
  Small small;
  const llmc_target *targets[] = {&small.plain, &small.plain};
  const llmc_plugin good{sizeof(llmc_plugin),
                         LLMC_TARGET_PLUGIN_VERSION_MAJOR,
                         LLMC_TARGET_PLUGIN_VERSION_MINOR,
                         1,
                         LLMC_TARGET_PLUGIN_LAYOUT,
                         "small",
                         "1",
                         targets};
  CHECK(pluginProblem(&good) == "");
  CHECK(pluginProblem(nullptr) == "returned NULL from llmc_target_plugin");
  llmc_plugin plugin = good;
  plugin.version_minor = 99;
  CHECK(pluginProblem(&plugin) ==
        "was built for version 0.99 of the plugin interface, this llmc has 0.1; build it again "
        "with this llmc's llmc/target_plugin.h");
  plugin = good;
  plugin.struct_size = 16;
  CHECK(pluginProblem(&plugin) == "has an llmc_plugin of 16 bytes, this llmc one of " +
                                      std::to_string(sizeof plugin) +
                                      "; set struct_size to sizeof(llmc_plugin)");
  plugin = good;
  plugin.layout[1] = 4;
  CHECK_THAT(pluginProblem(&plugin), Catch::StartsWith("has an llmc_matmul of 4 bytes, this llmc"));
  plugin = good;
  plugin.name = nullptr;
  CHECK(pluginProblem(&plugin) == "has NULL for its name or version");
  plugin = good;
  plugin.n_targets = 0;
  CHECK(pluginProblem(&plugin) == "has 0 targets, not 1 to 256");
  plugin = good;
  plugin.n_targets = 2;
  CHECK(pluginProblem(&plugin) == "has two targets named 'small'");
  const auto problem = [&] {
    const std::string text = pluginProblem(&good), head = "is wrong about target 'small', which ";
    REQUIRE(text.substr(0, head.size()) == head);
    return text.substr(head.size());
  };
  small.plain.supports = nullptr;
  CHECK(problem() == "has no function for supports");
  small.plain.supports = supports;
  small.plain.pack = nullptr;
  CHECK(problem() == "has no function for pack, but one for packed_bytes");
  small.plain.pack = pack;
  small.plain.emit_kernels = nullptr;
  CHECK(problem() == "has no function for emit_program nor for emit_kernels");
  small.plain.emit_kernels = emitKernels;
  small.plain.n_machines = 0;
  CHECK(problem() == "has 0 machine descriptions, not 1 to 256");
  small.plain.n_machines = 1;
  small.machine = nullptr;
  CHECK(problem() == "has NULL for machine description 0");
  small.plain.name = "a b";
  CHECK(pluginProblem(&good) ==
        "has a target 0 without a name of 1 to 64 letters, digits, '-', '_' and '.'");
}
