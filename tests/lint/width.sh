#!/bin/sh
# Lines of at most 132 columns, a tab being 8.  Prints each C line that is longer.
#
#     width.sh [FOLDER]: where src/ and tests/ are
cd "${1:-.}" || exit 1
for file in src/*.[ch] src/*/*.[ch] tests/*/*.[ch]; do
	expand "$file" | awk -v file="$file" '
		length > 132 { printf "%s:%d: %d columns\n", file, NR, length; wide = 1 }
		END { exit wide }
	' || failed=1
done
exit "${failed:-0}"
