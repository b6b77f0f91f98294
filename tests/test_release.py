"""A release says what is in it, runs on both kinds of processor, and has one version."""

import json
import re
import sys
from functools import cache

import pytest
import yaml  # type: ignore[import-untyped]  # comes with schemathesis, without types
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from app.version import VERSION
from release.locks import ROOT, read_lock
from release.sbom import bill
from release.wheels import PROCESSORS, PYTHONS, platforms, read_table

LOCK = read_lock()
WORKFLOW = (ROOT / ".github" / "workflows" / "image.yml").read_text("utf-8")


@cache
def taken(processor: str, python: str) -> frozenset[Tag]:
    """Give the tags of the wheels that a machine takes."""
    version = (3, int(python.partition(".")[2]))
    names = platforms(processor)
    return frozenset([*cpython_tags(version, platforms=names), *compatible_tags(version, platforms=names)])


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", LOCK)
def test_every_package_of_a_server_has_a_wheel_for_each_machine(name: str, processor: str) -> None:
    """The names of the wheels are those that the index gave (`python -m release.wheels`); the hashes are the lock's."""
    pin = LOCK[name]
    there = [
        tags
        for digest, file in read_table().items()
        for package, version, _, tags in [parse_wheel_filename(file)]
        if (package, str(version)) == (pin.name, pin.version) and digest in pin.hashes
    ]

    without = [python for python in PYTHONS if not any(tags & taken(processor, python) for tags in there)]

    assert not without, (
        f"{name} {pin.version} on {processor}: after a change of the lock run `python -m release.wheels`"
    )


def test_the_table_of_wheels_has_none_that_the_lock_does_not_know() -> None:
    known = set().union(*(pin.hashes for pin in LOCK.values()))

    assert set(read_table()) <= known


def test_the_bill_of_materials_has_what_cyclonedx_asks_for_and_each_package_of_the_lock() -> None:
    told = json.loads(json.dumps(bill()))
    components = told["components"]
    references = [component["bom-ref"] for component in components]
    graph = {line["ref"]: line["dependsOn"] for line in told["dependencies"]}
    root = told["metadata"]["component"]

    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told["serialNumber"])
    assert (root["type"], root["name"], root["version"]) == ("application", "cairn", VERSION)
    assert all(component["type"] == "library" and component["name"] for component in components)
    assert len({*references, root["bom-ref"]}) == len(references) + 1
    assert {f"pkg:pypi/{pin.name}@{pin.version}" for pin in LOCK.values()} <= {part["purl"] for part in components}
    assert set(graph) == {*references, root["bom-ref"]}
    assert {part for parts in graph.values() for part in parts} == set(references)
    assert f"pkg:pypi/aiosignal@{LOCK['aiosignal'].version}" in graph[f"pkg:pypi/aiohttp@{LOCK['aiohttp'].version}"]
    assert f"pkg:pypi/aiohttp@{LOCK['aiohttp'].version}" in graph[root["bom-ref"]]


def test_the_bill_is_the_same_for_the_same_lock() -> None:
    assert bill() == bill()


def test_the_bill_names_what_browsers_are_sent_of_others() -> None:
    vendored = json.loads((ROOT / "web" / "vendor.lock.json").read_text("utf-8"))

    assert vendored
    assert "pkg:npm/dompurify@" in " ".join(part["purl"] for part in bill()["components"])


def test_the_workflow_builds_both_targets_for_both_processors_with_pinned_actions() -> None:
    told = yaml.safe_load(WORKFLOW)
    steps = [step for job in told["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    [build] = [step["with"] for step in steps if step.get("uses", "").startswith("docker/build-push-action@")]

    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    assert re.findall(r"uses: \S+$", WORKFLOW, re.MULTILINE) == []  # each has its version beside it
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert (build["sbom"], build["provenance"]) == (True, "mode=max")
    assert told["permissions"] == {"contents": "read"}
    assert [entry["target"] for entry in told["jobs"]["image"]["strategy"]["matrix"]["include"]] == [
        "cairn",
        "cairn-minio",
    ]


def test_the_policy_says_what_reporters_may_expect() -> None:
    policy = (ROOT / "SECURITY.md").read_text("utf-8")

    assert all(promise in policy for promise in ("3 days", "90 days", "7 days", "## Supported versions"))


def test_version_is_written_in_one_place() -> None:
    """Where it stands again, it is held against that place: the label of the image in tests/image."""
    pattern = re.compile(rf"(?<![\d.=]){re.escape(VERSION)}(?![\d.])")
    places = {
        path.relative_to(ROOT).as_posix()
        for folder in ("app", "client", "storage", "web", "release")
        for path in (ROOT / folder).rglob("*.py")
        if pattern.search(path.read_text("utf-8"))
    }

    assert places == set()
    assert sys.modules["app.version"].VERSION == VERSION
