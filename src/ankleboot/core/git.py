"""Git: the commit of the source code, and files that it has not fetched."""

from pathlib import Path

LFS_POINTER = b"version https://git-lfs"  # what a clone without Git LFS has for each large file


def git_commit() -> str | None:
    """Return the commit of this checkout, with "-dirty" if it has changes; None without one."""
    import subprocess  # milliseconds, and readers of images need the pointer alone

    options = ["--always", "--abbrev=40", "--dirty", "--exclude=*"]
    command = ["git", "-C", str(Path(__file__).parent), "describe", *options]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() or None if process.returncode == 0 else None
