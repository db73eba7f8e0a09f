#!/bin/bash
# Run by distro.sh in a root of the release: builds usher and all that its tests need, in the folder `build' of the clean copy.
# Arguments: the copy, what configure's --with-libc says, the compiler.
set -eu
top=$1 libc=$2 compiler=$3
arguments=(--prefix=/usr --sysconfdir=/etc --enable-werror --with-libc="$libc")

case $libc/$compiler in
musl/gcc) ;; # configure takes musl-gcc itself
musl/*) export CC="$top/tests/distros/musl-clang" ;;
*) export CC="$compiler" ;;
esac
rm -rf "$top/build"
mkdir "$top/build"
cd "$top/build"
../configure "${arguments[@]}"
# Only what is dated wrongly would make them anew, and their makers are not here.
make -j "$(nproc)"
make -j "$(nproc)" check TESTS=
./usher --version
