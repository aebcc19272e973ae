// A plan whose bytes can be damaged, with both readers on it, and lists of damage with what open
// must say.
#pragma once

#include "catch2/catch.hpp"

#include <set>

#include "runtime/schema/explain.h"
#include "runtime/schema/plan_generated.h"
#include "test/unit/runtime/plan_fixture.h"

namespace llmc::test {

namespace fb = llmc::plan::fb;
using rt::Plan;
using rt::Status;

/// The plan of the tests, as bytes that can be changed, with both readers on them.
class Subject {
public:
  explicit Subject(const PlanDescription &d = languageModel()) : file(Memory::of(planBytes(d))) {
    source = rt::memorySource(file.data(), file.size());
    REQUIRE(open(&plan).ok());
    root = fb::GetPlan(plan.planBytes().data);
  }
  Status open(Plan *out) const { return Plan::open(source, {}, out); }
  Status reopen() const {
    Plan scratch;
    return open(&scratch);
  }
  size_t offsetOf(const void *address) const {
    return size_t(static_cast<const uint8_t *>(address) - file.data());
  }

  Memory file;
  llmc_source source = {};
  Plan plan;
  const fb::Plan *root = nullptr;
};

/// One field set to one wrong value, and what open must say.
struct Mutation {
  std::string field; // "Struct.field", or "Table.field"
  size_t at;
  size_t size;
  uint64_t value;
  rt::Code code;
  rt::Where where;
  uint32_t detail;
};

class Mutations {
public:
  explicit Mutations(const Subject &subject) : subject(subject) {}

  template <class Record, class Field>
  void record(const char *name, rt::Span<const Record> records, uint32_t index,
              Field Record::*field, uint64_t value, rt::Code code, rt::Where where,
              uint32_t detail) {
    list.push_back({name, subject.offsetOf(&(records[index].*field)), sizeof(Field), value, code,
                    where, detail});
  }
  /// A scalar of a table, which the writer stored because it differs from its default.
  void field(const char *name, const flatbuffers::Table *table, unsigned vt, size_t size,
             uint64_t value, rt::Code code, rt::Where where, uint32_t detail) {
    const uint8_t *address = table->GetAddressOf(flatbuffers::voffset_t(vt));
    INFO(name);
    REQUIRE(address);
    list.push_back({name, subject.offsetOf(address), size, value, code, where, detail});
  }
  void add(Mutation mutation) { list.push_back(std::move(mutation)); }
  void runAll() const {
    for (const Mutation &m : list) {
      uint8_t saved[8];
      std::memcpy(saved, subject.file.data() + m.at, m.size);
      std::memcpy(subject.file.data() + m.at, &m.value, m.size);
      Status status = subject.reopen();
      std::memcpy(subject.file.data() + m.at, saved, m.size);
      INFO(m.field << " = " << m.value << " gives " << rt::explain(status) << ", wanted "
                   << rt::explain(Status(m.code, m.where, m.detail)));
      CHECK(status == Status(m.code, m.where, m.detail));
    }
    CHECK(subject.reopen().ok());
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const Mutation &m : list)
      all.insert(m.field);
    return all;
  }

private:
  const Subject &subject;
  std::vector<Mutation> list;
};

#define RECORD(vector, index, Struct, member, value, code, where, detail)                          \
  m.record(#Struct "." #member, subject.plan.vector(), index, &rt::Struct::member, value, code,    \
           where, detail)

void stepMutations(Mutations &m, const Subject &subject);
void stateMutations(Mutations &m, const Subject &subject);
void kernelMutations(Mutations &m, const Subject &subject);
void paramMutations(Mutations &m, const Subject &subject);
void entryMutations(Mutations &m, const Subject &subject);
void tensorMutations(Mutations &m, const Subject &subject);
void rootMutations(Mutations &m, const Subject &subject);

} // namespace llmc::test
