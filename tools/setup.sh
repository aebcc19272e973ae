# Sourced by the scripts of tools/ that build: installs what is missing, configures and builds into build/. Silent where
# nothing is to be done. With --help a script says what stands at its head.

set -euo pipefail
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
build="$repository/build"
cd "$repository"

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
  sed -n -e '2,${/^#/!q;s/^# \{0,1\}//p}' "$repository/tools/$(basename "$0")"
  exit 0
fi

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "error: $*"
  exit 1
}

# duration SECONDS: "42 s" or "3 min 05 s".
duration() {
  if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

missing_packages() {
  local wanted installed
  wanted="$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' tools/packages.txt | sort -u)"
  installed="$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 2>/dev/null |
    sed -n 's/^[ih]i  *//p' | sort -u)"
  comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

install_packages() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    fail "set-up needs Debian 12 (apt-get and dpkg-query); install the packages of tools/packages.txt by hand and build with cmake and ninja"
  local missing
  missing="$(missing_packages)"
  [[ -n "$missing" ]] || return 0
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300)
  if [[ "$(id -u)" != 0 ]]; then
    command -v sudo >/dev/null ||
      fail "missing packages: ${missing//$'\n'/ }; run as root, install sudo, or install them by hand"
    apt=(sudo "${apt[@]}")
  fi
  say "== installing ${missing//$'\n'/ }"
  "${apt[@]}" update >&2 || fail "apt-get update failed; check the network and /etc/apt/sources.list"
  local name
  for name in $missing; do
    apt-cache show "$name" >/dev/null 2>&1 ||
      fail "apt knows no package $name; Debian 12 with bookworm-security (which has LLVM 22) in its sources is needed"
  done
  # shellcheck disable=SC2086 # one argument per package
  "${apt[@]}" install --no-install-recommends $missing >&2 ||
    fail "apt-get could not install: ${missing//$'\n'/ } (its messages are above)"
}

# Ninja runs CMake again by itself when a CMakeLists.txt changes; only a first or broken configuration,
# or one with another preset file, is done here.
configure() {
  if [[ -f build/build.ninja && build/build.ninja -nt CMakePresets.json ]]; then return 0; fi
  say "== configuring build/"
  mkdir -p build
  cmake --preset default >build/configure.log 2>&1 || {
    cat build/configure.log >&2
    fail "configuring failed; its messages are above and in build/configure.log (to start afresh: rm -r build)"
  }
}

build_all() {
  local start=$SECONDS
  # Ninja's own status line is the progress; without a terminal, a line per step would be noise.
  if [[ -t 2 ]]; then
    ninja -C build -j"$(nproc)" >&2 || fail "the build failed; its messages are above"
  else
    NINJA_STATUS='[%f/%t %es] ' ninja -C build -j"$(nproc)" >build/build.log 2>&1 &
    local pid=$!
    trap 'kill '"$pid"' 2>/dev/null || true' EXIT
    report_progress "$pid"
    trap - EXIT
    wait "$pid" || {
      tail -n 100 build/build.log >&2
      fail "the build failed; its last messages are above, all are in build/build.log"
    }
  fi
  built_in=$((SECONDS - start))
}

# report_progress PID: every half minute the last step ninja finished, for as long as PID lives.
report_progress() {
  local last=$SECONDS
  while kill -0 "$1" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - last >= 30)); then
      last=$SECONDS
      tail -n 1 build/build.log >&2
    fi
  done
}

setup() {
  install_packages
  configure
  build_all
}
