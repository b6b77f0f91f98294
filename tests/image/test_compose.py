"""The compose files keep a container from all that it need not do (security.md, E4), and agree with the image."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # comes with schemathesis, without types

from app.config import load
from tests.image.builder import ROOT

FILES = ("compose.yaml", "compose.caddy.yaml")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


SERVICES = [
    pytest.param(service, id=f"{file}-{name}") for file in FILES for name, service in read(file)["services"].items()
]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_nothing_that_it_need_not(service: dict[str, Any]) -> None:
    [tmpfs] = service["tmpfs"]
    place, _, options = tmpfs.partition(":")

    assert service["read_only"] is True
    assert place == "/tmp"  # noqa: S108 - in the container
    assert {"noexec", "nosuid", "nodev"} <= set(options.split(","))
    assert re.search(r"size=\d+m", options)
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert 0 < service["pids_limit"] <= 512
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert not {"privileged", "devices", "network_mode", "pid", "ipc"} & set(service)
    assert not [volume for volume in service["volumes"] if "docker.sock" in volume]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("file", FILES)
def test_cairn_runs_as_the_user_of_the_nas_with_no_capability_and_the_health_check_of_the_image(file: str) -> None:
    cairn = read(file)["services"]["cairn"]
    check = json.loads(DOCKERFILE.partition("    CMD [")[2].partition("]")[0].join("[]"))
    times = re.findall(r"--(interval|timeout|start-period|retries)=(\S+)", DOCKERFILE)

    assert cairn["user"] == "${PUID:-1000}:${PGID:-1000}"
    assert "cap_add" not in cairn
    assert cairn["volumes"] == ["${CAIRN_DATA:-data}:/data"]
    assert cairn["healthcheck"].pop("test") == ["CMD", *check]
    assert {name.replace("-", "_"): value for name, value in times} == {
        name: str(value) for name, value in cairn["healthcheck"].items()
    }


def test_behind_caddy_cairn_is_reached_by_nobody_else_and_believes_nobody_else() -> None:
    alone, behind = read("compose.yaml")["services"]["cairn"], read("compose.caddy.yaml")
    cairn, caddy = behind["services"]["cairn"], behind["services"]["caddy"]
    environment = {name: re.sub(r"\$\{.*\}", "nas.example", value) for name, value in cairn["environment"].items()}

    settings = load(None, environment, {})

    assert settings.server.trusted_proxies == (caddy["networks"]["behind"]["ipv4_address"],)
    assert settings.server.public_url == "https://nas.example"
    assert caddy["command"][-2:] == ["--to", "cairn:8080"]
    assert "ports" not in cairn
    same = set(alone) - {"ports"}
    assert {name: cairn[name] for name in same} == {name: alone[name] for name in same}


def test_caddy_is_of_a_named_version() -> None:
    assert re.fullmatch(r"caddy:2\.\d+(\.\d+)?-alpine", read("compose.caddy.yaml")["services"]["caddy"]["image"])


def test_a_tested_file_is_one_that_the_manual_names() -> None:
    manual = (ROOT / "docs" / "install.md").read_text("utf-8")

    assert {path.name for path in Path(ROOT).glob("compose*.yaml")} == set(FILES)
    assert all(name in manual for name in FILES)
