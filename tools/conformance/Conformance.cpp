#include "tools/conformance/Conformance.h"

#include "targets/Interface/Chain.h"
#include "tools/conformance/KernelChecks.h"
#include "tools/conformance/ModelChecks.h"

#include <exception>

namespace llmc::conformance {

using namespace target;

namespace {

class CheckClasses {
public:
  CheckClasses(const Subject &subject, const std::string &filter)
      : subject(subject), filter(filter) {}

  std::vector<CheckClass> run() {
    for (const WeightFormat &format : weightFormats())
      addKernels("linear " + nameOf(format), [format](const CaseSizes &sizes) {
        return linearCases(sizes, format, Epilogue::Store);
      });
    addProducts();
    addChains();
    if (subject.machine.dispatch == DispatchKind::Kernel)
      addDispatchedKernels();
    for (const char *recipe : {"w8a8", "w4a8-m16", "w4a8-m32", "w4a8-g32", "w4a8-g64"})
      add(std::string("model ") + recipe, [&subject = subject, recipe] {
        return checkModels(subject, std::string("model ") + recipe, recipe);
      });
    add("memory", [&subject = subject] { return checkMemory(subject, "memory"); });
    return std::move(classes);
  }

private:
  using Generator = std::function<std::vector<Case>(const CaseSizes &)>;

  void add(const std::string &name, std::function<ClassResult()> run) {
    if (name.find(filter) != std::string::npos)
      classes.push_back({name, std::move(run)});
  }

  void addKernels(const std::string &name, Generator cases) {
    add(name, [&subject = subject, name, cases = std::move(cases)] {
      return checkKernels(subject, name, cases(subject.sizes()));
    });
  }

  void addProducts() {
    const auto products = [](MatmulKind kind, bool accumulate) {
      return [=](const CaseSizes &sizes) { return productCases(sizes, kind, accumulate); };
    };
    addKernels("scores", products(MatmulKind::Scores, false));
    addKernels("values", products(MatmulKind::Values, false));
    addKernels("values accumulated", products(MatmulKind::Values, true));
  }

  void addChains() {
    for (unsigned i = 0; i < stepCount; ++i)
      addKernels("chain " + std::string(traitsOf(Step(i)).name),
                 [i](const CaseSizes &sizes) { return stepCases(sizes, Step(i)); });
    addKernels("chain fused", fusedChainCases);
    addKernels("chain random", randomChainCases);
  }

  /// Streams are made of matrix multiplications and vector chains alone.
  void addDispatchedKernels() {
    for (const auto &[epilogue, word] :
         {std::pair{Epilogue::Add, "added"}, {Epilogue::SiluMul, "gated"}})
      for (const WeightFormat &format : weightFormats())
        addKernels("linear " + nameOf(format) + " " + word,
                   [format, epilogue = epilogue](const CaseSizes &sizes) {
                     return linearCases(sizes, format, epilogue);
                   });
    for (const WeightFormat &format : weightFormats())
      addKernels("embedding " + nameOf(format),
                 [format](const CaseSizes &sizes) { return embedCases(sizes, format); });
    addKernels("attention", attentionCases);
  }

  const Subject &subject;
  const std::string filter;
  std::vector<CheckClass> classes;
};

} // namespace

std::vector<CheckClass> classesOf(const Subject &subject, const std::string &filter) {
  return CheckClasses(subject, filter).run();
}

ClassResult runClass(const CheckClass &checks) {
  try {
    return checks.run();
  } catch (const std::exception &error) {
    ClassResult result;
    result.name = checks.name;
    result.incomplete = true;
    result.fail(failureOf("all cases", error));
    return result;
  }
}

Report reportOn(const Subject &subject) {
  Report report;
  report.machine = subject.machine.name;
  report.target = subject.target.name();
  report.seed = subject.seed;
  report.withDevice = subject.withDevice;
  return report;
}

Report examine(const Subject &subject, const std::string &filter) {
  Report report = reportOn(subject);
  for (const CheckClass &checks : classesOf(subject, filter))
    report.classes.push_back(runClass(checks));
  return report;
}

} // namespace llmc::conformance
