# shellcheck shell=bash
# What the scripts of this folder share; sourced, with the checkout as the current folder afterwards.
#
#   TOOLSET    gcc (the default) or clang
#   VARIANT    debug, release, asan or tsan; each script has its own default

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

case ${TOOLSET:=gcc} in
  gcc) b2_toolset=gcc CXX=g++ ;;
  clang) b2_toolset=clang-16 CXX=clang++-16 ;;
  *) echo "TOOLSET is gcc or clang, not '$TOOLSET'" >&2; exit 2 ;;
esac
export CXX

packages=(
  g++ libboost1.81-all-dev libboost1.81-tools-dev librapidcheck-dev # the library and its tests
  libcli11-dev libfmt-dev libsqlite3-dev libsqlitecpp-dev zlib1g-dev # the programs in apps/
  chromium # in which a test looks at the page of procx-etl
  libopenmpi-dev openmpi-bin libtbb-dev libzmq3-dev python3 redis-server # the peers of apps/bench
  cmake make pkg-config # the ways to use an installed library
  libpqxx-dev postgresql # a destination of pipelines, with a server that the tests start
  valgrind # programs that use procx are run under it
)
command -v npm >/dev/null || packages+=(npm) # fetches what that page is drawn with; it need not be Debian's
[[ $TOOLSET == clang ]] && packages+=(clang-16 libclang-rt-16-dev)

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Installs what is missing of the packages; quick where nothing is.
install_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian: nothing is installed. Needed are Debian's ${packages[*]}." >&2
    return
  fi
  for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID)); then
    if ! command -v sudo >/dev/null; then
      echo "Missing: ${missing[*]}. As root: apt-get update && apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  if installed libboost1.74-dev; then
    echo "The Boost 1.74 development packages give way to those of 1.81: Debian allows only one of them." >&2
    if [[ -t 0 && -z ${CI:-} ]]; then
      local answer
      read -rp "Go on? [y/N] " answer
      [[ $answer == [yY]* ]] || return 1
    fi
  fi
  echo "Installing ${missing[*]}"
  # One source of many may fail without harm: whether the packages are to be had, the second command tells.
  "${as_root[@]}" apt-get update -qq || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null
}

# build VARIANT ARGUMENT...: b2 with the toolset that was asked for; a warning is an error.
build() {
  local variant=$1
  shift
  b2 -d1 -j"$(nproc)" toolset="$b2_toolset" variant="$variant" procx-warnings=errors "$@"
}

# seconds_since TIME: how long ago $EPOCHREALTIME was TIME.
seconds_since() {
  local microseconds=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
  printf '%d.%03d' $((microseconds / 1000000)) $((microseconds / 1000 % 1000))
}
