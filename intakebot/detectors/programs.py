"""Programs that a machine runs and nobody can read, known by their content.

What OpenSSF Scorecard calls binary artifacts, as far as it is no archive (archives.py). Pictures,
fonts, films and documents are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

# The beginnings that tell all by themselves, from the specifications of each format.
BEGINNINGS = {
    b"\x7fELF": "a program or library for Linux (ELF)",
    b"\xfe\xed\xfa\xce": "a program or library for macOS (Mach-O)",
    b"\xfe\xed\xfa\xcf": "a program or library for macOS (Mach-O)",
    b"\xce\xfa\xed\xfe": "a program or library for macOS (Mach-O)",
    b"\xcf\xfa\xed\xfe": "a program or library for macOS (Mach-O)",
    b"\0asm": "a WebAssembly module",
    b"dex\n": "a program for Android (DEX)",
    b"\x1bLua": "a compiled Lua program",
    b"BC\xc0\xde": "compiled LLVM bitcode",
    b"\xed\xab\xee\xdb": "a package to install (RPM)",
}
LENGTH = 4  # of each of them
BOTH = b"\xca\xfe\xba\xbe"  # a Java class, and a Mach-O for several processors
OLDEST_CLASS = 45  # Java's major version; nothing is built for as many processors
DOS = b"MZ"
WINDOWS_AT = slice(0x3C, 0x40)  # where a program for DOS says where the one for Windows begins
WINDOWS = (b"PE\0\0", b"NE", b"LE", b"LX")
PYTHON_ENDS = (".pyc", ".pyo")
OLE = b"\xd0\xcf\x11\xe0"  # a file system in a file: old documents, and installers


def suspects(data: bytes) -> bool:
    begins = data[:LENGTH]
    return (
        begins in BEGINNINGS
        or begins in (BOTH, OLE)
        or begins.startswith(DOS)
        or begins[2:] == b"\r\n"
    )


def detect(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    what = _what(path.lower(), data)
    if what:
        yield 0, what


def _what(name: str, data: bytes) -> str:
    begins = data[:LENGTH]
    if begins in BEGINNINGS:
        return BEGINNINGS[begins]
    if begins == BOTH and len(data) >= 8:
        is_class = int.from_bytes(data[6:8], "big") >= OLDEST_CLASS
        return "a compiled Java class" if is_class else "a program or library for macOS (Mach-O)"
    if begins.startswith(DOS) and _is_for_windows(data):
        return "a program or library for Windows"
    if begins[2:] == b"\r\n" and name.endswith(PYTHON_ENDS):
        return "compiled Python"
    if begins == OLE and name.endswith(".msi"):
        return "an installer for Windows (MSI)"
    return ""


def _is_for_windows(data: bytes) -> bool:
    at = int.from_bytes(data[WINDOWS_AT], "little")
    return data[at : at + LENGTH].startswith(WINDOWS)
