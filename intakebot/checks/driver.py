"""The trusted script between the two boxes, and what it says to us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from intakebot.checks.bwrap import TREE
from intakebot.checks.limits import REPORT_BYTES, Limits

# Standard input has the tree, standard output the marks and reports, standard error is the
# check's output. The check gets standard error twice and nothing else, so no process of it ever
# holds the descriptor that marks and reports go through.
# Arguments: bytes and inodes of the tmpfs, the largest report, the folder on the worker's disk for
# the tree or nothing, how many paths to keep and these, the reports, --, the inner box.
SCRIPT = """
set -eu
echo 1000 > /proc/self/oom_score_adj
mount -t tmpfs -o "size=$1,nr_inodes=$2,nosuid,nodev,mode=0755" tmpfs /box
largest=$3
lower=$4
keeping=$5
shift 5
while [ "$keeping" -gt 0 ]; do
    printf '%s\\0' "$1" >> /box/keep
    keeping=$((keeping - 1))
    shift
done
mkdir /box/work /box/tmp /box/home /box/shm /box/etc /box/wanted
echo 'sandbox:x:65534:65534:sandbox:/home:/bin/sh' > /box/etc/passwd
echo 'sandbox:x:65534:' > /box/etc/group
printf '127.0.0.1 localhost\\n::1 localhost\\n' > /box/etc/hosts

# An overlay over the tree $1 at $3; what is written goes into $2.
over() {
    mkdir "$2/upper" "$2/overlay"
    mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/overlay,userxattr,nosuid,nodev" \\
        overlay "$3" >&2
}

count=0
apart=
while [ "$1" != -- ]; do
    [ "$1" != - ] || apart=yes
    printf '%s' "$1" > "/box/wanted/$count"
    count=$((count + 1))
    shift
done
shift
echo ready

unpacked=0
tar --extract --ignore-zeros --file=- --directory="${lower:-/box/work}" --touch --no-same-owner \\
    --no-same-permissions >&2 \\
    && cat > /dev/null || unpacked=$?
if [ -n "$lower" ] && [ "$unpacked" = 0 ]; then
    # Older kernels lay it and then can't delete a folder of it: their tmpfs keeps no attributes.
    mkdir -p /box/trial/tree/folder /box/trial/work
    : > /box/trial/tree/folder/file
    over /box/trial/tree /box/trial /box/trial/work && rm -r /box/trial/work/folder >&2 \\
        && umount /box/trial/work && rm -r /box/trial && over "$lower" /box /box/work \\
        || unpacked=overlay
fi
[ "$unpacked" != overlay ] || { echo "overlay 1"; unpacked=1; }
echo "unpacked $unpacked"
[ "$unpacked" = 0 ] || exit 1

status=0
if [ -n "$apart" ]; then
    "$@" < /dev/null > /box/stdout || status=$?
else
    "$@" < /dev/null >&2 || status=$?
fi
echo "ended $status"

# In pieces, so that nothing lies in the tmpfs twice.
if [ "$status" = 0 ] && [ -s /box/keep ]; then
    { tar --create --directory=/box/work --null --verbatim-files-from --files-from=/box/keep \\
        --file=- || echo no > /box/unkept; } | while :; do
        head -c 1048576 > /box/piece
        size=$(stat -c %s /box/piece)
        [ "$size" -gt 0 ] || break
        echo "piece $size"
        cat /box/piece
    done
    [ -e /box/unkept ] || echo "kept 0"
fi

at=0
while [ "$at" -lt "$count" ]; do
    name=$(cat "/box/wanted/$at")
    file=/box/work/$name
    [ "$name" != - ] || file=/box/stdout
    # Equal only when no part of the path is a symbolic link.
    if [ -f "$file" ] && [ "$(realpath -- "$file")" = "$file" ]; then
        size=$(stat -c %s -- "$file")
        [ "$size" -le "$largest" ] || size=$((largest + 1))
        echo "report $at $size"
        head -c "$size" -- "$file"
    fi
    at=$((at + 1))
done
echo "done 0"
"""


def command(
    limits: Limits, reports: Sequence[str], inner: Sequence[str], keep: Sequence[str] = ()
) -> list[str]:
    sizes = [str(limits.disk), str(limits.inodes), str(REPORT_BYTES)]
    lower = TREE if limits.tree else ""
    given = [*sizes, lower, str(len(keep)), *keep, *reports]
    return ["/bin/sh", "-c", SCRIPT, "driver", *given, "--", *inner]


PIECE = -1  # in the place of a report's


class Marks:
    """The driver's standard output, taken in as it comes: marks, and reports between them.

    What is to be kept of the tree goes to `kept` in pieces, as one tar archive.
    """

    def __init__(self, kept: IO[bytes] | None = None) -> None:
        self.kept = kept
        self.seen: dict[str, int] = {}
        self.reports: dict[int, bytes] = {}  # by place in the list of reports that were asked for
        self._buffer = bytearray()
        self._expected: tuple[int, int] | None = None  # place and size of the report that follows

    def add(self, data: bytes) -> None:
        self._buffer += data
        while self._take_report() if self._expected else self._take_line():
            pass

    def _take_line(self) -> bool:
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return False
        self._buffer = rest
        word, *numbers = line.decode("ascii").split(" ")
        if word == "report":
            self._expected = (int(numbers[0]), int(numbers[1]))
        elif word == "piece":
            self._expected = (PIECE, int(numbers[0]))
        else:
            self.seen[word] = int(numbers[0]) if numbers else 0
        return True

    def _take_report(self) -> bool:
        assert self._expected is not None  # noqa: S101
        place, size = self._expected
        if len(self._buffer) < size:
            return False
        data = bytes(self._buffer[:size])
        if place != PIECE:
            self.reports[place] = data
        elif self.kept is not None:
            self.kept.write(data)
        del self._buffer[:size]
        self._expected = None
        return True
