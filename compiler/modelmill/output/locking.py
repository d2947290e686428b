"""One compile at a time.

In: the project's root. Out: nothing; the lock holds while the context is open. No file is left
behind: the lock is on the directory itself, and the system drops it when the process ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelmill.diagnostics import CompileError, error

# NFS grants exclusive locks on writable files only, never on a directory, and some mounts grant
# none. There we go on without: the journal and the comparison of every byte still tell a torn tree.
_NO_LOCKS_HERE = frozenset(
    (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
)


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Keep other compiles of this project out; an error at once if one is running."""
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as reason:
        message = f"cannot lock the project: {reason.strerror}"
        raise CompileError([error("O606", message)]) from reason
    try:
        _acquire(fd)
        yield
    finally:
        os.close(fd)


def _acquire(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as reason:
        message = "another compile of this project is running"
        raise CompileError([error("O606", message, hint="wait for it to end")]) from reason
    except OSError as reason:
        if reason.errno not in _NO_LOCKS_HERE:
            message = f"cannot lock the project: {reason.strerror}"
            raise CompileError([error("O606", message)]) from reason
