#!/bin/bash
# Each fuzzer for FUZZ_SECONDS (60), side by side, from the corpus on.  Run by `make check-fuzz' of a build with --enable-fuzzing.
set -u
top=${top_builddir:-.}
corpus=${srcdir:-.}/tests/corpus
seconds=${FUZZ_SECONDS:-60}
folder=$(mktemp -d "${TMPDIR:-/tmp}/usher-fuzz.XXXXXX") || exit 1
trap 'kill $(jobs -p) 2> /dev/null; wait; rm -rf "$folder"' EXIT

# fuzz NAME SEEDS...: what is found new goes to a folder of its own, what fails to another.
fuzz() {
	local name=$1

	shift
	mkdir -p "$folder/$name/new" "$folder/$name/found"
	exec "$top/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -timeout=30 -max_len=4096 -print_final_stats=1 \
	    -artifact_prefix="$folder/$name/found/" "$folder/$name/new" "$@" > "$folder/$name/log" 2>&1 < /dev/null
}

targets='probe rule address connection logfmt privsep proxy_header'
declare -A pid
for name in $targets; do
	case $name in
	probe) seeds=("$corpus/real" "$corpus/made") ;;
	*) seeds=("$corpus/$name") ;;
	esac
	fuzz "$name" "${seeds[@]}" &
	pid[$name]=$!
done
count=0
failed=0
for name in $targets; do
	count=$((count + 1))
	if wait "${pid[$name]}" && grep -q '^stat::number_of_executed_units: [1-9]' "$folder/$name/log"; then
		echo "ok $count - $name: nothing found in $(sed -n 's/^stat::number_of_executed_units: //p' "$folder/$name/log") runs"
	else
		failed=1
		echo "not ok $count - $name"
		tail -n 40 "$folder/$name/log" | sed 's/^/# /'
		for found in "$folder/$name/found/"*; do
			[ -e "$found" ] && echo "# input: $(od -An -v -tx1 "$found" | tr -d ' \n' | cut -c 1-2000)"
		done
	fi
done
echo "1..$count"
exit "$failed"
