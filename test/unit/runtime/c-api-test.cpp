// The C header: a program in C gets what one in C++ gets.
#include "catch2/catch.hpp"

#include <algorithm>

#include "compiler/Emit/PlanView.h"
#include "runtime/schema/explain.h"
#include "test/unit/runtime/c_program.h"
#include "test/unit/runtime/check_status.h"
#include "test/unit/runtime/plan_fixture.h"
#include "test/unit/runtime/tokenizer_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Status;

TEST_CASE("a program in C feeds, polls, saves, restores, forks and carries states") {
  for (auto program : {c_program_as_c11, c_program_as_cxx17}) {
    Machine one(languageModel()), other(languageModel());
    installModel(one.device);
    installModel(other.device);
    std::vector<int32_t> ids = someTokens(21);
    c_program_input input = {};
    input.file = one.file.data();
    input.file_size = one.file.size();
    for (size_t i = 0; i < one.memories.size(); ++i) {
      input.first[i] = one.memories[i].view();
      input.second[i] = other.memories[i].view();
    }
    input.first_device = &one.device.table;
    input.second_device = &other.device.table;
    input.ids = ids.data();
    input.n_ids = ids.size();
    input.prefix = 13;
    std::vector<float> logits[5];
    for (std::vector<float> &row : logits)
      row.resize(vocab);
    c_program_output output = {logits[0].data(),
                               logits[1].data(),
                               logits[2].data(),
                               logits[3].data(),
                               logits[4].data(),
                               0,
                               0};
    Status status = program(&input, &output);
    INFO(rt::explain(status));
    REQUIRE(status.ok());
    std::vector<float> expected = expectedLogits(ids);
    for (const std::vector<float> &row : logits)
      CHECK(row == expected);
    CHECK(output.rows_seen == ids.size());
    CHECK(output.sampled ==
          uint32_t(std::max_element(expected.begin(), expected.end()) - expected.begin()));
  }
}

TEST_CASE("C: what a plan holds") {
  Machine machine(languageModel());
  static llmc_plan plan;
  REQUIRE(Status(llmc_plan_open(&plan, &machine.source, nullptr, 0)).ok());
  REQUIRE(llmc_plan_n_regions(&plan) == 4);
  REQUIRE(llmc_plan_n_entries(&plan) == 5);
  CHECK(llmc_plan_n_targets(&plan) == 1);
  CHECK(llmc_plan_n_segments(&plan) == machine.plan.segments().size);
  CHECK(llmc_plan_context_length(&plan) == context);
  llmc_region_info region;
  REQUIRE(Status(llmc_plan_region(&plan, dramRegion, &region)).ok());
  CHECK(std::string(region.name, region.name_size) == "dram");
  CHECK((region.kind == LLMC_DRAM && region.lifetime == LLMC_SESSION && region.align_log2 == 6));
  CHECK(region.size == nLayers * layerBytes);
  llmc_entry_info entry;
  REQUIRE(Status(llmc_plan_entry(&plan, prefill4, &entry)).ok());
  CHECK((entry.kind == LLMC_PREFILL && entry.chunk == 4 && entry.vocab == vocab));
  CHECK((entry.n_inputs == 1 && entry.n_outputs == 1));
  llmc_tensor_info tensor;
  REQUIRE(Status(llmc_plan_tensor(&plan, prefill4, 1, &tensor)).ok());
  CHECK(std::string(tensor.name, tensor.name_size) == "hidden");
  CHECK((tensor.n_dims == 2 && tensor.dims[0] == 4 && tensor.dims[1] == width));
  llmc_target_info target;
  CHECK(Status(llmc_plan_target(&plan, 0, &target)).ok());
  check(llmc_plan_region(&plan, 4, &region), LLMC_INVALID_ARGUMENT, LLMC_AT_REGION, 4);
  check(llmc_plan_entry(&plan, 5, &entry), LLMC_INVALID_ARGUMENT, LLMC_AT_ENTRY, 5);
  check(llmc_plan_tensor(&plan, prefill4, 2, &tensor), LLMC_INVALID_ARGUMENT, LLMC_AT_TENSOR, 2);
  check(llmc_plan_target(&plan, 1, &target), LLMC_INVALID_ARGUMENT, LLMC_AT_TARGET, 1);
  llmc_model_info model;
  REQUIRE(Status(llmc_plan_model(&plan, &model)).ok());
  CHECK(std::vector<int32_t>(model.eos_ids, model.eos_ids + model.n_eos_ids) ==
        std::vector<int32_t>{2, 3});
  CHECK(model.vocab == vocab);
  CHECK(model.context_length == context);
  CHECK(model.bos_id == machine.plan.model().bosId());
  uint64_t offset, size;
  check(llmc_plan_tokenizer(&plan, &offset, &size), LLMC_NOT_FOUND, LLMC_AT_TOKENIZER, 0);
}

TEST_CASE("C: states, and where a region stands") {
  Machine machine(languageModel());
  static llmc_plan plan;
  REQUIRE(Status(llmc_plan_open(&plan, &machine.source, nullptr, 0)).ok());
  REQUIRE(llmc_plan_n_states(&plan) == 1);
  llmc_state_info state;
  REQUIRE(Status(llmc_plan_state(&plan, 0, &state)).ok());
  CHECK((state.region == dramRegion && state.offset == 0 && state.role == 1));
  CHECK((state.layers == nLayers && state.heads == 1 && state.head_dim == width));
  CHECK((state.max_tokens == capacity && state.token_stride == rowBytes));
  CHECK((state.head_stride == rowBytes && state.layer_stride == layerBytes));
  CHECK((state.layout_hash == 0x1234 && state.dtype == uint8_t(machine.plan.states()[0].dtype)));
  check(llmc_plan_state(&plan, 1, &state), LLMC_INVALID_ARGUMENT, LLMC_AT_STATE, 1);
  uint64_t offset = 0;
  REQUIRE(Status(llmc_plan_region_offset(&plan, flashRegion, &offset)).ok());
  const void *base = nullptr;
  REQUIRE(Status(llmc_plan_map_region(&plan, flashRegion, &base)).ok());
  CHECK(base == machine.file.data() + offset);
  check(llmc_plan_region_offset(&plan, sramRegion, &offset), LLMC_NOT_FOUND, LLMC_AT_REGION,
        sramRegion);
}

TEST_CASE("C: segments, who made the plan, and digests") {
  Machine machine(languageModel());
  static llmc_plan plan;
  REQUIRE(Status(llmc_plan_open(&plan, &machine.source, nullptr, 0)).ok());
  const char *text;
  size_t size;
  llmc_plan_producer(&plan, &text, &size);
  CHECK((size == machine.plan.producer().size && text != nullptr && size > 0));
  llmc_platform platform = {};
  platform.sha256 = sha256Hook;
  uint8_t root[32], expected[32];
  REQUIRE(Status(llmc_plan_root_digest(&plan, &platform, root)).ok());
  REQUIRE(machine.plan.rootDigest(platform, expected).ok());
  CHECK(std::memcmp(root, expected, 32) == 0);
  CHECK(std::memcmp(root, machine.plan.header().root, 16) == 0);
  bool digestsSeen = false;
  for (uint32_t i = 0; i < llmc_plan_n_segments(&plan); ++i) {
    llmc_segment_info segment;
    REQUIRE(Status(llmc_plan_segment(&plan, i, &segment)).ok());
    digestsSeen |= segment.kind == LLMC_DIGESTS;
    CHECK((segment.has_digest != 0) == (segment.kind != LLMC_DIGESTS));
    uint8_t *bytes = machine.file.data() + segment.offset;
    CHECK(Status(llmc_plan_check_segment(&plan, i, bytes, &platform)).ok());
    if (!segment.has_digest)
      continue;
    bytes[segment.size - 1] ^= 1;
    check(llmc_plan_check_segment(&plan, i, bytes, &platform), LLMC_BAD_DIGEST, LLMC_AT_SEGMENT, i);
    bytes[segment.size - 1] ^= 1;
  }
  CHECK(digestsSeen);
  llmc_segment_info segment;
  const uint32_t n = llmc_plan_n_segments(&plan);
  check(llmc_plan_segment(&plan, n, &segment), LLMC_INVALID_ARGUMENT, LLMC_AT_SEGMENT, n);
}

TEST_CASE("C: paged weights are compared as they are read") {
  Machine machine(pagesAndRows());
  static llmc_checked_source source;
  static llmc_plan plan;
  llmc_checked_source_init(&source, &machine.source);
  REQUIRE(Status(llmc_plan_open(&plan, llmc_checked_source_table(&source), nullptr, 0)).ok());
  llmc_platform platform = {};
  platform.sha256 = sha256Hook;
  uint64_t bytes = 0;
  REQUIRE(Status(llmc_checked_source_work_bytes(&source, &plan, 1, &bytes)).ok());
  std::vector<uint64_t> work(bytes / 8);
  check(llmc_checked_source_check(&source, &plan, &platform, work.data(), bytes - 8),
        LLMC_TOO_SMALL, LLMC_AT_MEMORY, rt::none16);
  REQUIRE(Status(llmc_checked_source_check(&source, &plan, &platform, work.data(), bytes)).ok());
  llmc_segment_info segment;
  REQUIRE(Status(llmc_plan_segment(&plan, 0, &segment)).ok());
  CHECK((segment.size == pagedBytes && segment.chunk == pagedChunk));
  const llmc_source *table = llmc_checked_source_table(&source);
  uint8_t row[100];
  machine.file.data()[segment.offset + 1100] ^= 8;
  for (bool beside : {true, false}) {
    const uint64_t at = segment.offset + (beside ? 900 : 950);
    REQUIRE(Status(table->read_async(table->ctx, at, sizeof(row), row, 1)).ok());
    check(table->poll(table->ctx, 1), beside ? LLMC_OK : LLMC_BAD_DIGEST,
          beside ? LLMC_AT_NOWHERE : LLMC_AT_DIGEST,
          beside ? 0 : machine.plan.segments()[0].digest + 1);
  }
}

TEST_CASE("C: text becomes ids and text again") {
  const std::vector<uint8_t> segment = importOrFail(scribeJson()).segment;
  const Opened opened(segment);
  const std::string text = "Once there was a fox, naïve \xF0\x9F\xA6\x8A. \xFF";
  for (auto program : {c_text_as_c11, c_text_as_cxx17}) {
    c_text_output output = {};
    REQUIRE(Status(program(segment.data(), segment.size(), text.c_str(), &output)).ok());
    const Ids ids = encodeAll(opened.tokenizer, text);
    CHECK(Ids(output.ids, output.ids + output.n_ids) == ids);
    CHECK(Ids(output.pieces, output.pieces + output.n_pieces) == ids);
    CHECK(output.grown > 0);
    CHECK(std::string(output.text, output.text_size) == text);
  }
}

TEST_CASE("C: what a tokenizer knows") {
  const std::vector<uint8_t> segment = importOrFail(scribeJson()).segment;
  const Opened opened(segment);
  static llmc_tokenizer tokenizer;
  rt::Tokenizer unused;
  CHECK(Status(llmc_tokenizer_open(&tokenizer, segment.data(), segment.size() - 1)) ==
        rt::Tokenizer::open({segment.data(), segment.size() - 1}, unused));
  REQUIRE(Status(llmc_tokenizer_open(&tokenizer, segment.data(), segment.size())).ok());
  CHECK(llmc_tokenizer_vocab(&tokenizer) == opened.tokenizer.vocabSize());
  CHECK(llmc_tokenizer_bos(&tokenizer) == opened.tokenizer.bosId());
  CHECK((llmc_tokenizer_adds_bos(&tokenizer) != 0) == opened.tokenizer.addsBos());
  uint32_t ends = 0, specials = 0;
  for (uint32_t id = 0; id < opened.tokenizer.vocabSize() + 2; ++id) {
    REQUIRE((llmc_tokenizer_is_eos(&tokenizer, id) != 0) == opened.tokenizer.isEos(id));
    REQUIRE((llmc_tokenizer_is_special(&tokenizer, id) != 0) == opened.tokenizer.isSpecial(id));
    ends += llmc_tokenizer_is_eos(&tokenizer, id) != 0;
    specials += llmc_tokenizer_is_special(&tokenizer, id) != 0;
    const uint8_t *bytes;
    size_t size;
    llmc_tokenizer_token(&tokenizer, id, &bytes, &size);
    const rt::Span<const uint8_t> expected = opened.tokenizer.tokenBytes(id);
    REQUIRE((size == expected.size && std::equal(bytes, bytes + size, expected.data)));
  }
  CHECK((ends == opened.tokenizer.eosCount() && specials > 0));
}

namespace {

/// A session of the language model, bound through the C functions.
struct InC : Machine {
  explicit InC(uint32_t pendingPolls) : Machine(languageModel()) {
    installModel(device);
    device.pendingPolls = pendingPolls;
    REQUIRE(Status(llmc_plan_open(&plan, &source, nullptr, 0)).ok());
    const std::vector<llmc_memory> views = viewsOf(memories);
    const llmc_device *devices = &device.table;
    llmc_bindings bindings = {};
    bindings.struct_size = sizeof(bindings);
    bindings.memories = views.data();
    bindings.n_memories = uint32_t(views.size());
    bindings.devices = &devices;
    bindings.n_devices = 1;
    REQUIRE(Status(llmc_session_bind(&session, &plan, &bindings)).ok());
  }
  Status begin() {
    static const int32_t id = 1;
    llmc_call call = {};
    call.struct_size = sizeof(call);
    call.entry = decode1;
    call.ids = &id;
    call.n_ids = 1;
    return llmc_session_begin(&session, &call);
  }
  llmc_plan plan = {};
  llmc_session session = {};
};

} // namespace

TEST_CASE("C: a caller learns that the device is at work") {
  InC machine(1);
  llmc_session *session = &machine.session;
  CHECK((llmc_session_waiting(session) == 0 && llmc_session_idle(session) == 1));
  CHECK((llmc_session_usable(session, decode1) && !llmc_session_usable(session, 5)));
  REQUIRE(machine.begin().ok());
  CHECK(llmc_session_idle(session) == 0);
  REQUIRE(Status(llmc_session_poll(session)).pending());
  CHECK((llmc_session_waiting(session) == 1 && llmc_session_idle(session) == 0));
  llmc_memory memory;
  check(llmc_session_state_memory(session, 0, 0, &memory), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(llmc_session_adopt(session, 1), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
}

TEST_CASE("C: states in memory, and a session that the caller finds wrong") {
  InC machine(0);
  llmc_session *session = &machine.session;
  llmc_memory memory;
  REQUIRE(Status(llmc_session_state_memory(session, 0, 0, &memory)).ok());
  CHECK(memory.base == machine.memories[dramRegion].data());
  CHECK(memory.size == nLayers * layerBytes);
  check(llmc_session_state_memory(session, 1, 0, &memory), LLMC_INVALID_ARGUMENT, LLMC_AT_STATE, 1);
  check(llmc_session_adopt(session, context + 1), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  REQUIRE(Status(llmc_session_adopt(session, 7)).ok());
  CHECK(llmc_session_position(session) == 7);
  const Status wrong(LLMC_NOT_FINITE, LLMC_AT_LOGITS, 3);
  CHECK(Status(llmc_session_poison(session, wrong)) == wrong);
  CHECK(llmc_session_idle(session) == 0);
  CHECK(machine.begin() == Status(LLMC_POISONED, LLMC_AT_SESSION));
  REQUIRE(Status(llmc_session_reset(session)).ok());
  CHECK((llmc_session_idle(session) == 1 && llmc_session_position(session) == 0));
  CHECK(machine.begin().ok());
}

TEST_CASE("C: tables of another version and objects not yet bound are refused") {
  Machine machine(languageModel());
  llmc_source source = machine.source;
  static llmc_plan plan;
  source.abi = 2;
  check(llmc_plan_open(&plan, &source, nullptr, 0), LLMC_UNSUPPORTED, LLMC_AT_SOURCE, 0);
  source.abi = LLMC_SOURCE_ABI;
  source.struct_size = 8;
  check(llmc_plan_open(&plan, &source, nullptr, 0), LLMC_UNSUPPORTED, LLMC_AT_SOURCE, 0);
  REQUIRE(Status(llmc_plan_open(&plan, &machine.source, nullptr, 0)).ok());
  llmc_session session = {};
  llmc_bindings bindings = {};
  check(llmc_session_bind(&session, &plan, &bindings), LLMC_UNSUPPORTED, LLMC_AT_SESSION, 0);
  llmc_call call = {};
  check(llmc_session_begin(&session, &call), LLMC_UNSUPPORTED, LLMC_AT_SESSION, 0);
  call.struct_size = sizeof(call);
  check(llmc_session_begin(&session, &call), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(llmc_session_poll(&session), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(llmc_session_cancel(&session), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  llmc_lm lm = {};
  check(llmc_lm_init(&lm, &session), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(llmc_lm_fork(&lm, &lm, 0), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
}
