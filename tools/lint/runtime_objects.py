#!/usr/bin/env python3
"""What the runtime's objects may not hold: see "What the runtime does without" in docs/guides/embed.md.

  runtime_objects.py ARCHIVE ...      checks archives; exit code 1 where something is found
  runtime_objects.py --self-test CXX  compiles one offender of each kind and wants it found
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# What every freestanding compiler asks for, and arithmetic that a core lacks.
ALLOWED = re.compile(r"mem(?:cpy|set|move|cmp)|__aeabi_\w+|__(?:u?div|u?mod|u?divmod|mul|ash[lr]|lshr|clz|ctz|popcount)[sdt]i\d"
                     r"|__(?:add|sub|mul|div)[sd]f3|__(?:eq|ne|lt|le|gt|ge|un)[sd]f2|__(?:fix|float|extend|trunc)\w+"
                     r"|_GLOBAL_OFFSET_TABLE_")
REASONS = (
    (re.compile(r"_Znw|_Zna|_Zdl|_Zda|malloc|calloc|realloc|free|posix_memalign|aligned_alloc"), "heap"),
    (re.compile(r"__cxa_(?:throw|begin|end|rethrow|allocate)|__gxx_personality|_Unwind_|__cxa_bad"), "exceptions"),
    (re.compile(r"__dynamic_cast|_ZT[ISV]|__cxa_pure"), "RTTI or virtual functions"),
    (re.compile(r"__cxa_guard|__cxa_atexit|__dso_handle"), "objects that are constructed or destroyed at run time"),
    (re.compile(r"pthread|__tls|sem_|_ZNSt6thread"), "threads"),
    (re.compile(r"setlocale|localeconv|_ZNSt6locale"), "locale"),
    (re.compile(r"v?(?:f|s|sn)?printf|puts|putchar|fwrite|perror"), "printing"),
    (re.compile(r"f?open|close|read|write|mmap|lseek|stat|ioctl"), "files"),
    (re.compile(r"abort|_?exit|raise|__assert\w*|__stack_chk\w*"), "ending the program"),
)
SECTIONS = (
    (re.compile(r"\.(?:pre)?init_array|\.fini_array|\.ctors|\.dtors"), "global constructors or destructors"),
    (re.compile(r"\.gcc_except_table"), "exceptions"),
    (re.compile(r"\.(?:data(?!\.rel\.ro)|bss|tdata|tbss)"), "memory that outlives a call"),
)


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, text=True, stdout=subprocess.PIPE).stdout


def reason(symbol):
    return next((why for pattern, why in REASONS if pattern.match(symbol)), "a function of a library")


def check_symbols(archive):
    """Undefined symbols that nothing in the archive defines, and defined ones that show RTTI."""
    defined, undefined = set(), set()
    for line in run("llvm-nm-22", "--format=posix", archive).splitlines():
        fields = line.split()
        if len(fields) >= 2 and not line.endswith(":"):
            (undefined if fields[1] in "Uw" else defined).add(fields[0])
    findings = [f"needs {name}: {reason(name)}" for name in sorted(undefined - defined) if not ALLOWED.fullmatch(name)]
    return findings + [f"holds {name}: RTTI or virtual functions" for name in sorted(defined) if re.match(r"_ZT[ISV]", name)]


def check_sections(archive):
    findings = []
    for match in re.finditer(r"\[ *\d+\] (\.\S+) +\w+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", run("llvm-readelf-22", "-S", "-W", archive)):
        name, size = match.group(1), int(match.group(2), 16)
        findings += [f"section {name}: {why}" for pattern, why in SECTIONS if size and pattern.match(name)]
    return sorted(set(findings))


def check(archive):
    return [f"{archive}: {finding}" for finding in check_symbols(archive) + check_sections(archive)]


OFFENDERS = {
    "heap": "int *f() { return new int; }",
    "exceptions": "void f() { throw 1; }",
    "RTTI or virtual functions": "struct A { virtual int g(); }; int A::g() { return 1; }",
    "objects that are constructed or destroyed at run time": "int g(); int f() { static int x = g(); return x; }",
    "global constructors or destructors": "int g(); extern int x; int x = g();",
    "memory that outlives a call": "int x = 1; int f() { return ++x; }",
    "threads": 'extern "C" int pthread_self(); int f() { return pthread_self(); }',
    "locale": 'extern "C" char *setlocale(int, const char *); void f() { setlocale(0, ""); }',
    "files": 'extern "C" void *fopen(const char *, const char *); void *f() { return fopen("a", "r"); }',
    "printing": 'extern "C" int printf(const char *, ...); void f() { printf("x"); }',
    "ending the program": 'extern "C" void abort(); void f() { abort(); }',
    "a function of a library": 'extern "C" double sqrt_of(double); double f(double x) { return sqrt_of(x); }',
}


def self_test(compiler):
    with tempfile.TemporaryDirectory() as name:
        source, target = pathlib.Path(name) / "offender.cpp", pathlib.Path(name) / "offender.o"
        for why, text in OFFENDERS.items():
            source.write_text(text + "\n", encoding="utf-8")
            run(compiler, "-std=c++17", "-O1", "-fPIC", "-c", source, "-o", target)
            if not any(finding.endswith(": " + why) for finding in check(target)):
                sys.exit(f"error: not found in '{text}': {why}; found {check(target)}")
        source.write_text("int f(int x) { return x + 1; }\n", encoding="utf-8")
        run(compiler, "-std=c++17", "-O1", "-fPIC", "-c", source, "-o", target)
        if check(target):
            sys.exit(f"error: found in an innocent object: {check(target)}")


def main():
    if sys.argv[1:2] == ["--self-test"]:
        return self_test(sys.argv[2])
    findings = [finding for archive in sys.argv[1:] for finding in check(archive)]
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
