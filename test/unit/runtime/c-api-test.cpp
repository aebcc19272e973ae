// The C header: a program in C gets what one in C++ gets.
#include "catch2/catch.hpp"

#include <algorithm>

#include "runtime/schema/explain.h"
#include "test/unit/runtime/c_program.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Status;

namespace {

void check(Status status, rt::Code code, rt::Where where, uint32_t detail) {
  INFO(rt::explain(status));
  CHECK(status == Status(code, where, detail));
}

} // namespace

TEST_CASE("a program in C feeds, polls, saves, restores and forks") {
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
    std::vector<float> logits[4];
    for (std::vector<float> &row : logits)
      row.resize(vocab);
    c_program_output output = {
        logits[0].data(), logits[1].data(), logits[2].data(), logits[3].data(), 0, 0};
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

TEST_CASE("C: a caller learns that the device is at work") {
  Machine machine(languageModel());
  installModel(machine.device);
  machine.device.pendingPolls = 1;
  static llmc_plan plan;
  static llmc_session session;
  REQUIRE(Status(llmc_plan_open(&plan, &machine.source, nullptr, 0)).ok());
  std::vector<llmc_memory> memories;
  for (const Memory &memory : machine.memories)
    memories.push_back(memory.view());
  const llmc_device *device = &machine.device.table;
  llmc_bindings bindings = {};
  bindings.struct_size = sizeof(bindings);
  bindings.memories = memories.data();
  bindings.n_memories = uint32_t(memories.size());
  bindings.devices = &device;
  bindings.n_devices = 1;
  REQUIRE(Status(llmc_session_bind(&session, &plan, &bindings)).ok());
  CHECK(llmc_session_waiting(&session) == 0);
  const int32_t id = 1;
  llmc_call call = {};
  call.struct_size = sizeof(call);
  call.entry = decode1;
  call.ids = &id;
  call.n_ids = 1;
  REQUIRE(Status(llmc_session_begin(&session, &call)).ok());
  REQUIRE(Status(llmc_session_poll(&session)).pending());
  CHECK(llmc_session_waiting(&session) == 1);
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
