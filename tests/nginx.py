"""A real nginx before a server, set up with what a test or a manual says."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DOCS = Path(__file__).parents[1] / "docs"
_AROUND = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    {http}
}}
"""


def in_manual(name: str) -> str:
    """Return what a page of docs/ tells to write into the configuration of nginx."""
    found = re.search(r"<!-- nginx begins -->\n```nginx\n(.*?)```", (_DOCS / name).read_text("utf-8"), re.DOTALL)
    assert found is not None, f"{name} has no such part"
    return found[1]


@contextmanager
def nginx(folder: Path, http: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run it while entered; it may not listen yet.

    Args:
        folder: takes its files.
        http: what stands in its `http` block.
    """
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        pytest.skip("no nginx is installed")
    folder.mkdir(exist_ok=True)
    user = "user root root;" if os.geteuid() == 0 else ""  # its workers come at a folder of root's as well
    configuration = folder / "nginx.conf"
    configuration.write_text(_AROUND.format(folder=folder, user=user, http=http))
    process = subprocess.Popen([program, "-p", folder, "-c", configuration, "-e", folder / "error.log"])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
