"""The bodies of accounts are those of the golden file, as the server writes them and as the client reads them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.auth.identity import ActorKind
from app.repositories.actors import ActorRow
from app.repositories.preferences import Preferences
from app.repositories.users import User
from app.services.accounts import Account, Profile, SpaceView
from app.services.sign_in import NewDevice
from app.wire_accounts import (
    DevicePage,
    DeviceReply,
    InstallationReply,
    InstallationRequest,
    LoginReply,
    LoginRequest,
    ProfileReply,
    ReauthRequest,
    ServerReply,
    SetUpRequest,
)
from client import protocol, protocol_account

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "accounts.json").read_text(encoding="utf-8"))

ADA = User(
    id=3,
    tag=bytes.fromhex("0102030405"),
    name="ada",
    folded="ada",
    password_hash="never shown",
    is_admin=True,
    disabled_ms=None,
    generation=1,
    created_ms=1_764_000_000_000,
)


def written(reply: object) -> Any:
    return json.loads(msgspec.json.encode(reply))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("login_request", LoginRequest),
        ("reauth_request", ReauthRequest),
        ("setup_request", SetUpRequest),
        ("installation_request", InstallationRequest),
    ],
)
def test_the_server_takes_the_golden_requests(name: str, kind: type[Any]) -> None:
    for request in GOLDEN[name]:
        msgspec.json.decode(json.dumps(request), type=kind)


def test_the_server_writes_the_golden_login() -> None:
    device = NewDevice("cairn_0000000000008a0b1c2d3_" + "A" * 43, "0000000000008a0b1c2d3", ADA)

    assert written(LoginReply.of(device)) == GOLDEN["login_answer"]


def test_the_server_writes_the_golden_profile() -> None:
    space = SpaceView("0000000000005a0b1c2d3", "0000000000006a0b1c2d3", "", "owner", 1_000_000, 4096)
    profile = Profile(
        "0000000000008a0b1c2d3", Account(ADA, 1_000_000, 4096), [space], Preferences(), 8, [], vouches=True
    )

    reply = ProfileReply.of(profile, ServerReply("Cairn", "0.1.0", "https://cairn.example"), chunks_per_file=262_144)

    assert written(reply) == GOLDEN["me"]


def test_the_server_writes_the_golden_devices() -> None:
    rows = [
        ActorRow(8 + kind, bytes(5), 3, kind, f"a {kind.name.lower()}", b"hidden", 1, 2, 3, None, address="192.0.2.7")
        for kind in (ActorKind.DEVICE, ActorKind.SESSION, ActorKind.APP_PASSWORD)
    ]

    page = DevicePage([DeviceReply.of(row, asks=8) for row in rows], None)

    assert written(page) == GOLDEN["devices"]


def test_the_client_reads_the_golden_login() -> None:
    answer = msgspec.json.decode(json.dumps(GOLDEN["login_answer"]), type=protocol.LoginAnswer)

    assert answer.token == GOLDEN["login_answer"]["token"]
    assert answer.device_id == GOLDEN["login_answer"]["device_id"]


def test_the_client_writes_a_login_that_the_server_takes() -> None:
    for more in ((), ("123456", "install-1")):
        written_by_client = msgspec.json.encode(protocol.LoginRequest("ada", "secret", "laptop", *more))

        assert json.loads(written_by_client) in GOLDEN["login_request"]
        msgspec.json.decode(written_by_client, type=LoginRequest)


def test_an_installation_is_shown_and_answered_as_the_golden_one() -> None:
    (request,) = GOLDEN["installation_request"]
    answer = msgspec.json.decode(json.dumps(GOLDEN["installation_answer"]), type=protocol_account.InstallationAnswer)

    assert written(protocol_account.InstallationRequest(request["names"])) == request
    assert written(InstallationReply(answer.known)) == GOLDEN["installation_answer"]
