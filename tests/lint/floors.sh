#!/bin/sh
# The floors of src/: a file includes only what is on its own floor or below.  Prints each #include that climbs.
#
#     floors.sh [FOLDER]: where src/ is
cd "${1:-.}" && exec awk '
	BEGIN {
		n = split("base net probe rule serve listen main", names, " ")
		for (i = 1; i <= n; i++)
			floor[names[i]] = i
	}
	function floor_of(path) {
		sub(/\/.*/, "", path)
		return path in floor ? path : "main"
	}
	/^#include "/ && !/"config\.h"/ {
		split($0, quoted, "\"")
		from = FILENAME
		sub(/^src\//, "", from)
		mine = floor_of(from)
		its = floor_of(quoted[2])
		if (floor[its] <= floor[mine])
			next
		printf "%s:%d: %s includes %s, which is above it\n", FILENAME, FNR, mine, quoted[2]
		climbs = 1
	}
	END { exit climbs }
' src/*.[ch] src/*/*.[ch]
