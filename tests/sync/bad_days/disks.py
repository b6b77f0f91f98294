"""Small disks, for as long as a test needs them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IS_ROOT = os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, size: str, kind: str = "tmpfs") -> Iterator[None]:
    """Mount a disk of a size over a folder, or skip the test where that is not allowed."""
    mounted = subprocess.run(
        ["mount", "-t", kind, "-o", f"size={size}", kind, folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no right to mount a disk here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
