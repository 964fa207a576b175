"""Driver of shim.c, which lets calls of files fail, kills at one, logs them, or asks before each.

It works below libc, so it also sees NumPy, HDF5, SQLite and TensorFlow. A C compiler is needed.
"""

import atexit
import ctypes
import errno
import functools
import os
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("shim.c")
KINDS = (
    *("open for reading", "open for writing", "read", "write", "short write", "fsync"),
    *("rename", "unlink", "close", "mkdir"),
)
"""Kinds of calls, as numbered in shim.c."""

ERRORS = {
    "open for reading": (errno.EIO, errno.EACCES),
    "open for writing": (errno.ENOSPC, errno.EIO, errno.EACCES),
    "read": (errno.EIO,),
    "write": (errno.ENOSPC, errno.EIO),
    "short write": (0, errno.ENOSPC),  # 0: cut short, and the next write goes on
    "fsync": (errno.ENOSPC, errno.EIO),
    "rename": (errno.ENOSPC, errno.EIO, errno.EACCES),
    "unlink": (errno.EIO, errno.EACCES),
    "close": (errno.ENOSPC, errno.EIO),
    "mkdir": (errno.ENOSPC, errno.EACCES),
}
"""Errors that POSIX allows a call of each kind, of those that a disk or a right causes."""


@functools.cache
def library() -> Path | None:
    """Compile shim.c once; None without a compiler for Linux."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or os.uname().sysname != "Linux":
        return None
    folder = Path(tempfile.mkdtemp(prefix="soak-shim-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(path), str(SOURCE), "-ldl"]
    subprocess.run([*command, "-lpthread"], check=True)
    return path


@dataclass(frozen=True)
class Orders:
    """What the shim does to a process.

    Attributes:
        folders: Folders whose files it watches.
        fail: Kind, index among the calls of this kind, and error of the call that fails.
        kill: Index among all calls before which the process is killed.
        log: File that receives a record of every change.
        gate: Named pipes to the scheduler and from it (`races.scheduler`).
    """

    folders: tuple[str, ...] = ()
    fail: tuple[str, int, int] | None = None
    kill: int | None = None
    log: str | None = None
    gate: tuple[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def obey(orders: dict[str, Any]) -> None:
    """Give the shim in this process its orders."""
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    if orders["log"]:
        shim.soak_log(os.open(orders["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    if orders["fail"]:
        kind, index, error = orders["fail"]
        shim.soak_fail(KINDS.index(kind), ctypes.c_long(index), error)
    if orders["kill"] is not None:
        shim.soak_kill(ctypes.c_long(orders["kill"]))
    if orders["gate"]:
        to, back = orders["gate"]
        shim.soak_gate(os.open(to, os.O_WRONLY), os.open(back, os.O_RDONLY))
    for folder in orders["folders"]:
        shim.soak_watch(os.fsencode(folder))


def counts() -> dict[str, int]:
    """Return the number of calls of each kind so far, of all, and of those that failed by order."""
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    shim.soak_count.restype = shim.soak_fired.restype = ctypes.c_long
    found = {kind: int(shim.soak_count(number)) for number, kind in enumerate(KINDS)}
    return found | {"all": int(shim.soak_count(len(KINDS))), "fired": int(shim.soak_fired())}
