"""The image builds, and what comes of it is a safe server for a NAS. Left out where there is no root and no builder."""

import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.device import Device
from tests.image.builder import OBJECT_SERVER, VERSION, Container, Image, find_builder
from tests.image.test_dockerfile import of_server
from tests.server import ADMIN, PASSWORD

MOST_MB = 200
LOOK = """
id -u
touch /data/x /tmp/x && echo writable: /data /tmp
for place in / /opt/cairn /usr/bin /etc /var/tmp; do (touch $place/x) 2>/dev/null && echo writable: $place; done
for tool in pip pip3 gcc cc ld make git curl wget; do command -v $tool; done
find / -xdev \\( -name ensurepip -o -name idlelib -o -path '*/site-packages/pip' -o -path '*/dist-packages/pip' \\)
find / -xdev -perm /6000 -type f
python -I -c '
import importlib, pathlib, sys
site = next(pathlib.Path(place) for place in sys.path if place.endswith("site-packages"))
for file in site.rglob("*.so"):
    module = ".".join(file.relative_to(site).with_name(file.name.split(".")[0]).parts)
    if module != "PIL._imagingtk":  # of a window system that a container has not
        importlib.import_module(module)
'
cairn --version
"""
"""What anybody would want to know of a container, asked inside: one line for each thing that is as it should be."""


@pytest.fixture(scope="module")
def builder() -> Path:
    """The program that builds and runs images."""
    found = find_builder()
    if found is None or os.geteuid() != 0:
        pytest.skip("building the image needs root and the program build-image, in PATH or in CAIRN_BUILD_IMAGE")
    return found


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The option that puts a small program in the place of the object server, which only a registry has."""
    root = tmp_path_factory.mktemp("object-server")
    for folder in ("usr/bin", "licenses"):
        (root / folder).mkdir(parents=True)
    (root / "licenses" / "LICENSE").write_text("AGPL")
    (root / "usr" / "bin" / "silo").write_text("#!/bin/sh\necho minio stands here\n")
    (root / "usr" / "bin" / "silo").chmod(0o755)
    return f"{OBJECT_SERVER}={root}"


@pytest.fixture(scope="module")
def image(builder: Path, stand_in: str) -> Image:
    """What `docker build` makes."""
    return Image.build(builder, "--image", stand_in)


def _owned(folder: Path, user: int, group: int) -> Path:
    folder.mkdir(mode=0o700)
    os.chown(folder, user, group)
    return folder


@pytest.mark.timeout(900)  # the first time a base system is made, and packages are fetched
def test_the_image_is_small_and_has_no_tools_and_nothing_to_write_but_its_data(image: Image) -> None:
    [size] = re.findall(r"built .*, (\d+) MB", image.built)

    seen = image.run("--shell", "--", LOOK)

    assert int(size) < MOST_MB
    assert seen.stdout.splitlines() == ["1000", "writable: /data /tmp", f"cairn {VERSION}"], seen.stderr


def test_a_server_keeps_files_over_a_stop_and_a_kill(image: Image, tmp_path: Path) -> None:
    volume = _owned(tmp_path / "data", 1000, 1000)
    container = Container(image, volume)
    content = os.urandom(3_000_000)
    (tmp_path / "first").write_bytes(content)
    (tmp_path / "second").write_bytes(content[::-1])
    try:
        container.start()
        tini, cairn = container.processes()
        device = Device(tmp_path / "home")
        device.ok("login", container.url, "--user", ADMIN, "--password-stdin", stdin=f"{PASSWORD}\n")
        device.ok("put", tmp_path / "first", "/first")
        assert _users(tini) == _users(cairn) == {1000}
        assert container.end(signal.SIGTERM) == 0

        container.start()
        assert device.ok("cat", "/first").out == content
        device.ok("put", tmp_path / "second", "/second")
        container.end(signal.SIGKILL)

        container.start()
        assert device.ok("cat", "/second").out == content[::-1]
        assert container.end(signal.SIGTERM) == 0
    finally:
        container.close()
    assert {path.stat().st_uid for path in volume.rglob("*")} == {1000}
    device.ok("fsck", "--content", "--data", volume)


def test_what_cannot_be_is_refused_with_one_sentence(image: Image, tmp_path: Path) -> None:
    foreign, kept = _owned(tmp_path / "foreign", 4242, 4242), _owned(tmp_path / "kept", 1000, 1000)
    full = _owned(tmp_path / "full", 1000, 1000)
    volumes = ["--volume", f"{foreign}:/foreign", "--volume", f"{kept}:/kept:ro", "--volume", f"{full}:/full"]
    starts = [f"CAIRN_DATA__FOLDER=/{name} cairn serve" for name in ("foreign", "kept", "full")]
    starts += ["PUID=99 PGID=100 cairn serve", "PUID=nas cairn serve"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,uid=1000,gid=1000", "tmpfs", full], check=True)
    try:
        said = image.said(*volumes, "--shell", "--", "; ".join(starts))
    finally:
        subprocess.run(["umount", full], check=True)

    assert said == [
        (
            "cairn: The data folder /foreign cannot be used: user 1000 may not write in it, for /foreign belongs to "
            "4242:4242 with mode 700: give it to that user (chown -R 1000:1000), or start Cairn as its owner."
        ),
        "cairn: The data folder /kept cannot be used: Read-only file system.",
        "cairn: A database in /full cannot be used: database or disk is full.",
        (
            "cairn: PUID and PGID ask for 99:100, but this container was started as 1000:1000 and cannot change that: "
            "start it with --user 99:100."
        ),
        "cairn: PUID must be a number from 1 to 4294967294, not 'nas': Cairn does not run as root.",
    ]


def test_a_container_that_is_started_as_root_becomes_another_user_and_never_stays_root(
    image: Image, tmp_path: Path
) -> None:
    bounded = ["setpriv", "--bounding-set=-all,+setuid,+setgid", "--"]  # with --cap-drop ALL, and these two added
    entry = json.dumps([*bounded, *json.loads(of_server("ENTRYPOINT"))])
    root = image.as_user("0:0", tmp_path, f"ENTRYPOINT {entry}", 'CMD ["serve"]')
    data = _owned(tmp_path / "data", 99, 100)
    container = Container(root, data, {"PUID": "99", "PGID": "100"})
    try:
        container.start()
        tini, cairn = container.processes()
        assert _users(tini) == _users(cairn) == {99}
        assert _status(cairn, "Groups") == []
        assert {int(_status(cairn, kind)[0], 16) for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
        assert container.end(signal.SIGTERM) == 0
    finally:
        container.close()
    assert {(path.stat().st_uid, path.stat().st_gid) for path in data.rglob("*")} == {(99, 100)}

    check = shlex.join([*bounded, *json.loads(of_server("HEALTHCHECK").partition("CMD ")[2])])
    starts = ["PUID=0 cairn serve", "cairn serve", "setpriv --bounding-set=-all -- cairn serve"]
    said = root.said("--volume", f"{data}:/data", "--shell", "--", "; ".join([*starts, f"PUID=99 {check} 1>&2"]))

    assert said == [
        "cairn: PUID must be a number from 1 to 4294967294, not '0': Cairn does not run as root.",
        (
            "cairn: The data folder /data cannot be used: user 1000 may not write in it, for /data belongs to 99:100 "
            "with mode 700: give it to that user (chown -R 1000:1000), or start Cairn as its owner."
        ),
        (
            "cairn: This container was started as root and cannot become 1000:1000 (Operation not permitted): start it "
            "with --user 1000:1000, or leave it the capabilities SETUID and SETGID."
        ),
        "no answer from 127.0.0.1, port 8080: [Errno 111] Connection refused",
    ]


def test_anybody_else_may_begin_a_new_volume_and_the_server_is_healthy_and_stops(image: Image, tmp_path: Path) -> None:
    done = image.as_user("99:100", tmp_path).run("--health", "--timeout", "60")

    assert done.returncode == 0, done.stderr
    assert "stopped on SIGTERM with 0" in done.stderr


@pytest.mark.soak  # it changes seldom, and a build that finds all in the cache still reads the whole image
def test_the_other_target_has_an_object_server_beside_it_with_its_licence(builder: Path, stand_in: str) -> None:
    image = Image.build(builder, "--image", stand_in, "--target", "cairn-minio", tag="localhost/cairn-minio-tested")

    done = image.run("--shell", "--", "minio; cat /usr/share/doc/minio/LICENSE; cairn --version")

    assert done.stdout.splitlines()[:2] == ["minio stands here", f"AGPLcairn {VERSION}"], done.stderr


def _users(process: int) -> set[int]:
    return {int(number) for number in _status(process, "Uid")}


def _status(process: int, name: str) -> list[str]:
    """Return the words of a line of what the system tells of a process."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return lines[name].split()
