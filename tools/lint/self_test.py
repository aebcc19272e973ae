#!/usr/bin/env python3
"""Every lint must report a tiny bad tree, and must be silent about its good twin."""

import pathlib
import tempfile
import unittest
from typing import Dict, List

import check_budgets
import check_format
import check_layering
import check_passes
import check_words
import common


def findings(lint, files: Dict[str, str]) -> List[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return [str(f) for f in lint.check(common.Tree(root))]


class LintTest(unittest.TestCase):
    def expect(self, lint, files: Dict[str, str], *expected: str) -> None:
        found = findings(lint, files)
        self.assertEqual(len(found), len(expected), found)
        for text, finding in zip(expected, found):
            self.assertIn(text, finding)


class Layering(LintTest):
    def one(self, path: str, text: str, *expected: str) -> None:
        self.expect(check_layering, {path: text}, *expected)

    def test_includes_between_folders(self):
        self.one("runtime/exec/a.h", '#include "passes/Algorithms/A.h"\n', "runtime/exec/a.h:1: runtime/exec must not")
        self.one("runtime/drivers/a.h", '#include <mlir/IR/Operation.h>\n', "must not include <mlir/")
        self.one("passes/Memory/A.cpp", '\n#include "targets/Interface/Target.h"\n', "A.cpp:2: passes must not")
        self.one("targets/X/A.cpp", '#include "targets/Y/B.h"\n', "targets/* must not")
        self.one("targets/X/A.cpp", '#include "passes/Memory/B.h"\n', "targets/* must not")
        self.one("targets/X/A.cpp", '#include "mlir/IR/Builders.h"\n', "must not include <mlir/")
        self.one("compiler/Emit/A.cpp", '#include "targets/X/B.h"\n', "compiler must not")
        self.one("dialects/Lm/A.cpp", '#include "passes/Memory/B.h"\n', "dialects must not")
        self.one("passes/Algorithms/A.h", '#include "llvm/ADT/ArrayRef.h"\n', "passes/Algorithms must not")
        self.one("passes/Algorithms/A.h", "#include <fmt/format.h>\n", "passes/Algorithms must not")

    def test_allowed(self):
        self.one("targets/X/Sim/A.cpp", '#include "targets/X/B.h"\n#include "targets/Interface/T.h"\n')
        self.one("targets/Llvm/A.cpp", '#include "mlir/IR/Builders.h"\n')
        self.one("tools/llmc/Main.cpp", '#include "targets/X/B.h"\n#include "compiler/C.h"\n')
        self.one("passes/Algorithms/A.h", "#include <vector>\n")
        self.one("runtime/exec/a.h", "#include <cstdint>\n// throw and new are only words here\n")

    def test_relative_include(self):
        self.expect(check_layering, {"passes/Memory/A.cpp": '#include "B.h"\n', "passes/Memory/B.h": ""},
                    "must be rooted at the repository")
        self.expect(check_layering, {"runtime/examples/a.cpp": '#include "b.h"\n', "runtime/examples/b.h": ""})

    def test_runtime_core(self):
        self.one("runtime/exec/a.cpp", "#include <vector>\n", "must not include <vector>")
        self.one("runtime/plan/a.cpp", "int *f() { return new int; }\n", 'must not use "new i')
        self.one("runtime/plan/a.cpp", "void f() { throw 1; }\n", 'must not use "throw"')
        self.one("runtime/lm/a.cpp", "void f() { printf(\"x\"); }\n", 'must not use "printf"')
        self.one("runtime/plan/a.cpp", "void f(void *p) { new (p) int; }\n")
        self.one("runtime/plan/a.h", "struct A { A(const A &) = delete; };\n")

    def test_links(self):
        lists = {"targets/X/CMakeLists.txt": "llmc_add_library(LlmcX SOURCES A.cpp)\n",
                 "compiler/CMakeLists.txt": "llmc_add_library(LlmcCompiler SOURCES B.cpp LINK LlmcX)\n"}
        self.expect(check_layering, lists, "compiler must not link LlmcX")
        lists["compiler/CMakeLists.txt"] = "target_link_libraries(LlmcCompiler PRIVATE LlmcX)\n"
        self.expect(check_layering, lists, "compiler must not link LlmcX")
        lists["tools/llmc/CMakeLists.txt"] = lists.pop("compiler/CMakeLists.txt")
        self.expect(check_layering, lists)


class Budgets(LintTest):
    @staticmethod
    def body(lines: int) -> str:
        return "  f();\n" * lines

    def test_files(self):
        self.expect(check_budgets, {"a.h": "\n" * 400})
        self.expect(check_budgets, {"a.h": "\n" * 401}, "401 lines, the limit is 400")
        self.expect(check_budgets, {"a.td": "\n" * 801}, "801 lines, the limit is 800")

    def test_listed_files_may_only_shrink(self):
        listed = '{"files": {"a.h": 500}}'
        self.expect(check_budgets, {"a.h": "\n" * 500, check_budgets.LISTED: listed})
        self.expect(check_budgets, {"a.h": "\n" * 501, check_budgets.LISTED: listed}, "must not grow")
        self.expect(check_budgets, {"a.h": "\n" * 400, check_budgets.LISTED: listed}, "remove its entry")
        self.expect(check_budgets, {check_budgets.LISTED: listed}, "does not exist")

    def test_functions(self):
        for header in ("void f()", "A::A(int x) : a{x}, b(x)", "template <class T> auto A::g(T t) const -> int",
                       'TEST_CASE("a { b")', "bool operator()(int x) const noexcept"):
            good = "namespace n {\n" + header + " {\n" + self.body(78) + "}\n}\n"
            bad = "namespace n {\n" + header + " {\n" + self.body(79) + "}\n}\n"
            self.expect(check_budgets, {"a.cpp": good})
            self.expect(check_budgets, {"a.cpp": bad}, "has 81 lines")

    def test_functions_in_classes(self):
        self.expect(check_budgets, {"a.h": "class A : B<int> {\n  int f() {\n" + self.body(79) + "  }\n};\n"},
                    "function f has 81 lines")
        self.expect(check_budgets, {"a.h": "class A {\n" + "  int f() { return '{'; }\n" * 100 + "};\n"})

    def test_python(self):
        self.expect(check_budgets, {"a.py": "def f():\n" + "    pass\n" * 80}, "function f has 81 lines")


class Passes(LintTest):
    definition = ('def PlanSramPass : InterfacePass<"llmc-plan-sram", "X"> {{\n'
                  "  let description = [{{ Requires: a. {ensures} Fails: {fails}. }}];\n}}\n")

    def files(self, ensures: str, fails: str, *tests: str) -> Dict[str, str]:
        result = {"passes/Memory/PlanSram.td": self.definition.format(ensures=ensures, fails=fails)}
        result.update({f"test/passes/Memory/{name}": "" for name in tests})
        return result

    def test_contract(self):
        self.expect(check_passes, self.files("Ensures: b.", "x", "plan-sram.mlir", "plan-sram-errors.mlir"))
        self.expect(check_passes, self.files("", "x", "plan-sram.mlir", "plan-sram-errors.mlir"), 'lacks "Ensures:"')

    def test_tests(self):
        self.expect(check_passes, self.files("Ensures: b.", "x", "plan-sram-errors.mlir"), "plan-sram.mlir")
        self.expect(check_passes, self.files("Ensures: b.", "x", "plan-sram.mlir"), "no error test")
        self.expect(check_passes, self.files("Ensures: b.", "never", "plan-sram.mlir"))

    def test_flag(self):
        self.expect(check_passes, {"passes/A.td": 'def A : Pass<"a"> { let description = [{Requires: Ensures: '
                                                  'Fails: never}]; }\n', "test/passes/a.mlir": ""},
                    "must start with llmc-")


class Words(LintTest):
    def one(self, path: str, text: str, *expected: str) -> None:
        self.expect(check_words, {path: text}, *expected)

    def test_leftovers(self):
        self.one("a.cpp", "// TODO: later\n", "leftover marker")
        self.one("docs/a.md", "FIXME\n", "leftover marker")
        self.one("test/data/novel.txt", "chapter XXX\n")

    def test_paths(self):
        self.one("docs/a.md", "see /work/main/x\n", "path of one machine")
        self.one("a.sh", "cat /home/someone/x\n", "path of one machine")
        self.one("docs/a.md", "see ../shared/design.md\n", "path outside the repository")
        self.one("docs/a.md", "https://example.org/work/x docs/work/x\n")

    def test_options_and_registration(self):
        self.one("passes/A.cpp", "static llvm::cl::opt<int> x(\"x\");\n", "global command-line option")
        self.one("tools/llmc-opt/A.cpp", "static llvm::cl::opt<int> x(\"x\");\n")
        self.one("targets/X/A.cpp", "static bool done = registerTarget(make());\n", "static registration")
        self.one("passes/A.cpp", "static mlir::PassRegistration<A> a;\n", "static registration")
        self.one("passes/A.cpp", "__attribute__((constructor)) void f();\n", "code before main")
        self.one("passes/A.cpp", "static void registerAll(Registry &r) { r.registerOne(); }\n")


class Format(LintTest):
    def test_format(self):
        style = {".clang-format": "BasedOnStyle: LLVM\n"}
        self.expect(check_format, {"a.cpp": "int  f( ) ;\n", **style}, "a.cpp:1: not formatted")
        self.expect(check_format, {"a.cpp": "int f();\n", **style})


if __name__ == "__main__":
    unittest.main()
