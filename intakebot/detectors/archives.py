"""Archives, known by their content whatever they are called. Nothing is unpacked."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from intakebot.detectors import pointers
from intakebot.detectors.signs import signs

# What a file of the kind begins with (the formats' own specifications; file(1) knows the same).
BEGINNINGS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x1f\x8b\x08": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"MSCF\x00\x00\x00\x00": "a CAB archive",
    b"!<arch>\n": "an ar archive",
    b"070701": "a cpio archive",
    b"070707": "a cpio archive",
    b"xar!\x00\x1c": "a xar archive",
    b"LZIP": "an lzip file",
    b"\x1f\x9d": "a compressed file",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"# v2 git bundle\n": "a git bundle",
    b"# v3 git bundle\n": "a git bundle",
}
# Where git-lfs keeps a large file elsewhere, its name is all that there is to go by.
LFS_NAMES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".war")
# How "PK", 3, 4 begins in base64, and more of it than an example would have.
IN_BASE64 = signs(rb"UEsDB(?:[A-Za-z0-9+/]\r?\n?){120}")
BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")  # behind "BZh" and the level
TAR_MAGIC, TAR_AT = b"ustar", 257
# What unpacks itself is a program with a zip behind it, whose list is at the very end.
PROGRAMS = (b"MZ", b"\x7fELF", b"#!")
ZIP_END, ZIP_END_WITHIN = b"PK\x05\x06", 22 + 65535
# Zip files that are documents to whoever made them: those of offices, and books.
DOCUMENTS = ("[Content_Types].xml", "mimetype")
LARGEST_DIRECTORY = 1 << 20  # bytes of a zip's list, some 20,000 files; a longer one is not read
MOST_LISTED = 10_000  # files of a tar
OCTAL = re.compile(rb"[0-7]{1,11}")
SHOWN = 3
LONGEST_NAME = 80


def suspects(data: bytes) -> bool:
    return _kind(data) is not None or pointers.suspects(data) or IN_BASE64.search(data) is not None


def detect(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    """`data` may be the beginning alone of a very large file."""
    kind = _kind(data)
    if kind is None:
        yield from _elsewhere(path, data)
        return
    names: Sequence[str] = ()
    if "zip" in kind:
        names = _zip_names(data)
    elif "tar" in kind:
        names = _tar_names(data)
    if not any(name in DOCUMENTS for name in names):
        yield 0, _told(kind, names)


def _elsewhere(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    if pointers.suspects(data) and path.lower().endswith(LFS_NAMES):
        yield 0, "a pointer to an archive that git-lfs keeps"
    match = IN_BASE64.search(data)
    if match is not None:
        yield data.count(b"\n", 0, match.start()) + 1, "a zip archive in base64"


def _kind(data: bytes) -> str | None:
    for beginning, kind in BEGINNINGS.items():
        if data.startswith(beginning):
            is_text = beginning == b"BZh" and data[4:10] not in BZIP2_BLOCKS
            return None if is_text else kind
    if data[TAR_AT : TAR_AT + len(TAR_MAGIC)] == TAR_MAGIC:
        return "a tar archive"
    if data.startswith(PROGRAMS) and ZIP_END in data[-ZIP_END_WITHIN:] and _zip_names(data):
        return "a program and a zip archive behind it"
    return None


def _zip_names(data: bytes) -> list[str]:
    """None of them where they can't be listed: cut off, locked, or made to mislead."""
    end = data.rfind(ZIP_END, max(0, len(data) - ZIP_END_WITHIN))
    if end < 0 or int.from_bytes(data[end + 12 : end + 16], "little") > LARGEST_DIRECTORY:
        return _first_zip_name(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        return []


def _first_zip_name(data: bytes) -> list[str]:
    """Of the file that it begins with; enough to tell a large document."""
    if not data.startswith(b"PK\x03\x04"):
        return []
    length = int.from_bytes(data[26:28], "little")
    name = data[30 : 30 + length].decode("utf-8", "replace")
    return [name] if name else []


def _tar_names(data: bytes) -> list[str]:
    """As many as can be read. The headers have fixed places; tarfile would trust more of them."""
    names: list[str] = []
    at = 0
    while len(names) < MOST_LISTED and data[at + TAR_AT : at + TAR_AT + 5] == TAR_MAGIC:
        header = data[at : at + 512]
        if header[156:157] in (b"0", b"\0", b"5"):  # a file or a folder
            names.append(header[:100].partition(b"\0")[0].decode("utf-8", "replace"))
        digits = header[124:136].strip(b" \0")
        if not OCTAL.fullmatch(digits):
            break
        at += 512 + -(-int(digits, 8) // 512) * 512
    return names


def _told(kind: str, names: Sequence[str]) -> str:
    if not names:
        return kind
    first = ", ".join(name[:LONGEST_NAME] for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind} with {first}{more}"
