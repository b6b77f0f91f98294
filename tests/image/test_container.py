"""As whom a container runs: PUID and PGID where it was started as root, and nobody else where it was not."""

from collections.abc import Mapping

import pytest

from app.container import Identity, IdentityError, wanted

ROOT_USER, USUAL, NAS = Identity(0, 0), Identity(1000, 1000), Identity(99, 100)


@pytest.mark.parametrize(
    ("environment", "present", "as_whom"),
    [
        ({}, USUAL, USUAL),
        ({}, NAS, NAS),
        ({"PUID": "99", "PGID": "100"}, NAS, NAS),
        ({"PUID": "", "PGID": " "}, NAS, NAS),
        ({}, ROOT_USER, USUAL),
        ({"PUID": "99", "PGID": "100"}, ROOT_USER, NAS),
        ({"PUID": " 99 "}, Identity(0, 100), Identity(99, 1000)),
    ],
)
def test_a_container_runs_as_it_was_started_or_as_root_asks(
    environment: Mapping[str, str], present: Identity, as_whom: Identity
) -> None:
    assert wanted(environment, present) == as_whom


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "nas", "²", "4294967295", "1 2", "0x10"])
@pytest.mark.parametrize("name", ["PUID", "PGID"])
def test_what_is_no_number_of_a_user_is_refused_and_so_is_root(name: str, number: str) -> None:
    with pytest.raises(IdentityError, match=f"{name} must be a number from 1 to 4294967294"):
        wanted({name: number}, ROOT_USER)


@pytest.mark.parametrize("environment", [{"PUID": "99"}, {"PGID": "100"}, {"PUID": "99", "PGID": "100"}])
def test_who_is_not_root_cannot_be_asked_to_be_another(environment: Mapping[str, str]) -> None:
    with pytest.raises(IdentityError, match="start it with --user"):
        wanted(environment, USUAL)
