#!/bin/sh
# Prints README.md with the output of its commands as the program in build/ gives it now:
#     tools/readme.sh >README.new && mv README.new README.md
# A command is a line "    $ plimsoll ..." that is followed by output, without a pipe or substitution; its output
# ends before the next line that is not indented.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/build:$PATH
awk '
function flush_blank() { while (blank > 0) { print ""; blank-- } }
{ is_command = $0 ~ /^    \$ plimsoll / && $0 !~ /[|`]|\$\(/ }
is_command {
    blank = 0 + blank; flush_blank(); print
    command = substr($0, 7) " 2>&1"
    if ((getline following) <= 0) exit
    if (following ~ /^    [^$]/) {
        while ((command | getline line) > 0) print line == "" ? "" : "    " line
        close(command); shown = 1
        while ((getline following) > 0 && (following ~ /^    / || following == "")) if (following ~ /^    \$ /) break
        print ""
    }
    $0 = following
    if ($0 ~ /^    \$ plimsoll / && $0 !~ /[|`]|\$\(/) { print; next }
    print; next
}
{ print }
' README.md
