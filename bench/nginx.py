"""Runs nginx with its DAV module over a folder of its own: what Cairn is compared with."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.programs import curl, free_port, sync, wait_until_ready

# All stays at its default but for what a large upload needs, and the switches that make static files fast.
_CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
worker_processes auto;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_max_body_size 0;
    client_body_temp_path {folder}/incoming;
    proxy_temp_path {folder}/unused;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        dav_methods PUT;
        create_full_put_path on;
    }}
}}
"""


class NginxMissingError(Exception):
    """There is no nginx on this machine."""


@dataclass(frozen=True)
class Nginx:
    """A running nginx; what is put there is removed with `forget`."""

    url: str
    files: Path

    def put(self, source: Path, name: str) -> None:
        """Upload one file with curl, and sync it."""
        curl("--upload-file", str(source), f"{self.url}/{name}")
        sync(self.files)

    def put_tree(self, source: Path, name: str) -> None:
        """Upload a tree with one curl over eight connections that it keeps, and sync it."""
        paths = [path for path in source.rglob("*") if path.is_file()]
        lines = [f'upload-file = "{path}"\nurl = "{self.url}/{name}/{path.relative_to(source)}"' for path in paths]
        curl("--parallel", "--parallel-max", "8", "--config", "-", config="\n".join(lines))
        sync(self.files)

    def get(self, name: str, target: str = os.devnull) -> None:
        """Download one file with curl."""
        curl("--output", target, f"{self.url}/{name}")

    def forget(self, name: str) -> None:
        """Remove a file or tree from the disk."""
        path = self.files / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def run_nginx(folder: Path) -> Iterator[Nginx]:
    """Start nginx on a free port with all that it writes below `folder`, and end it afterwards.

    Raises:
        NginxMissingError: it is not installed.
    """
    # Debian keeps it in a place where only the superuser's PATH looks.
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise NginxMissingError
    (folder / "files").mkdir(parents=True)
    port = free_port()
    configuration = folder / "nginx.conf"
    user = "user root root;" if os.geteuid() == 0 else ""  # else its workers could not write into our folder
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, user=user))
    log = folder / "error.log"
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(configuration), "-e", str(log)])
    try:
        wait_until_ready(process, port, "/", log)
        yield Nginx(f"http://127.0.0.1:{port}", folder / "files")
    finally:
        process.terminate()
        process.wait()
