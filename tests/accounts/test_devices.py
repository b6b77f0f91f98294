import asyncio
from http import HTTPStatus

import pytest

from app.application import Cairn
from app.auth import tokens
from app.auth.endings import Endings
from app.auth.identity import ActorKind
from app.auth.lifetimes import LIFETIMES
from app.auth.recent import LIFETIME_S, RecentActors
from app.auth.throttle import Throttle
from app.auth.usernames import check_username, fold
from app.config import Server, Settings
from app.errors import InvalidRequestError, UnauthenticatedError
from app.ids import encode_id
from app.services.authentication import NOTE_USE_MS, AuthenticationService, noting_uses
from app.services.devices import DeviceService
from tests.accounts.api import ADMIN, PASSWORD, Api
from tests.accounts.browser import Browser

IDLE_MS = LIFETIMES[ActorKind.DEVICE].idle_ms

pytestmark = pytest.mark.usefixtures("admin")


class Clock:
    """Wall clock in milliseconds and uptime in seconds, set by hand."""

    def __init__(self) -> None:
        self.now_ms = 1_764_000_000_000

    def wall_ms(self) -> int:
        return self.now_ms

    def uptime_s(self) -> float:
        return self.now_ms / 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def later(cairn: Cairn, clock: Clock) -> AuthenticationService:
    """The same server's authentication under a clock of ours."""
    return AuthenticationService(
        cairn.database,
        Throttle(clock.uptime_s),
        RecentActors(clock.uptime_s),
        Endings(),
        note_use=noting_uses(cairn.database),
        clock_ms=clock.wall_ms,
    )


async def test_devices_are_listed_with_the_current_one_marked(api: Api) -> None:
    laptop, phone = await api.log_in(device_name="laptop"), await api.log_in(device_name="phone")

    reply = await phone.get("/api/v1/devices")

    assert reply.json["next"] is None
    assert [(item["name"], item["kind"], item["current"]) for item in reply.json["items"]] == [
        ("laptop", "device", False),
        ("phone", "device", True),
    ]
    assert all(item["created_ms"] <= item["last_used_ms"] for item in reply.json["items"])
    assert str(laptop.token) not in reply.body.decode()


async def test_devices_come_in_pages(api: Api) -> None:
    devices = [await api.log_in(device_name=f"device {number}") for number in range(3)]

    first = (await devices[0].get("/api/v1/devices?limit=2")).json
    second = (await devices[0].get(f"/api/v1/devices?limit=2&after={first['next']}")).json

    assert [item["name"] for item in first["items"]] == ["device 0", "device 1"]
    assert [item["name"] for item in second["items"]] == ["device 2"]
    assert second["next"] is None


async def test_a_revoked_token_is_401_at_once_though_it_was_just_used(api: Api) -> None:
    thief, owner = await api.log_in(device_name="stolen"), await api.log_in()
    assert (await thief.get("/api/v1/me")).status == HTTPStatus.OK
    device_id = (await thief.get("/api/v1/me")).json["device_id"]

    assert (await owner.delete(f"/api/v1/devices/{device_id}")).status == HTTPStatus.NO_CONTENT

    reply = await thief.get("/api/v1/me")
    assert (reply.status, reply.code) == (HTTPStatus.UNAUTHORIZED, "unauthenticated")
    assert (await owner.get("/api/v1/me")).status == HTTPStatus.OK
    assert (await owner.delete(f"/api/v1/devices/{device_id}")).status == HTTPStatus.NOT_FOUND


async def test_logout_ends_the_token_that_it_carries(api: Api) -> None:
    device, other = await api.log_in(), await api.log_in()

    assert (await device.post("/api/v1/logout")).status == HTTPStatus.NO_CONTENT

    assert (await device.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await other.get("/api/v1/me")).status == HTTPStatus.OK


async def test_another_users_device_looks_like_none(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    ada, ben = await api.log_in(), await api.log_in("ben")
    ada_id = (await ada.get("/api/v1/me")).json["device_id"]

    foreign = await ben.delete(f"/api/v1/devices/{ada_id}")
    nonsense = await ben.delete(f"/api/v1/devices/{'0' * 21}")

    assert foreign.status == nonsense.status == HTTPStatus.NOT_FOUND
    assert foreign.json["detail"] == nonsense.json["detail"]
    assert (await ada.get("/api/v1/me")).status == HTTPStatus.OK
    assert [item["device_id"] for item in (await ben.get("/api/v1/devices")).json["items"]] != [ada_id]


async def test_a_token_counts_in_the_authorization_header_alone(api: Api) -> None:
    token = (await api.log_in()).token

    for path in (f"/api/v1/me?token={token}", f"/api/v1/me?access_token={token}", f"/api/v1/me?Authorization={token}"):
        assert (await api.get(path)).status == HTTPStatus.UNAUTHORIZED
    for headers in ({"X-Token": token}, {"Cookie": f"token={token}"}, {"Authorization": token}):
        assert (await api.get("/api/v1/me", headers=headers)).status == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("change", ["secret", "device", "other"])
async def test_a_token_with_any_part_changed_is_401(api: Api, change: str) -> None:
    token, other = (await api.log_in()).token or "", (await api.log_in()).token or ""
    _, device, secret = token.split("_", 2)
    forged = {
        "secret": tokens.write(device, tokens.make_secret()),
        "device": tokens.write(device[:-1] + ("0" if device[-1] != "0" else "1"), secret),
        "other": tokens.write(other.split("_")[1], secret),
    }[change]
    assert (await api.holding(token).get("/api/v1/me")).status == HTTPStatus.OK  # so that it is cached

    assert (await api.holding(forged).get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED


async def test_the_actor_that_made_a_home_has_no_token_to_guess(api: Api, cairn: Cairn) -> None:
    row = await cairn.database.read(lambda tx: tx.one("SELECT id, tag FROM actors WHERE token_hash IS NULL"))
    assert row is not None

    reply = await api.holding(tokens.write(encode_id(row["id"], row["tag"]), "a" * 43)).get("/api/v1/me")

    assert reply.status == HTTPStatus.UNAUTHORIZED


async def test_a_token_dies_after_180_idle_days(
    api: Api, cairn: Cairn, later: AuthenticationService, clock: Clock
) -> None:
    token = (await api.log_in()).token or ""
    devices = DeviceService(cairn.database, Endings(), RecentActors(clock.uptime_s), clock_ms=clock.wall_ms)
    used_ms = (await devices.list_page(await later.actor_of(token), after=None, limit=1))[0].last_used_ms

    clock.now_ms = used_ms + IDLE_MS - 1
    alive = await later.actor_of(token)
    clock.now_ms = used_ms + IDLE_MS + int(LIFETIME_S * 1000)

    assert alive.username == ADMIN
    with pytest.raises(UnauthenticatedError):
        await later.actor_of(token)
    assert await devices.list_page(alive, after=None, limit=10) == []


async def test_use_is_noted_once_an_hour_and_not_with_each_request(
    api: Api, cairn: Cairn, later: AuthenticationService, clock: Clock
) -> None:
    token = (await api.log_in()).token or ""
    listed = await cairn.services.devices.list_page(await later.actor_of(token), after=None, limit=1)
    clock.now_ms = listed[0].last_used_ms
    before = cairn.database.commits

    for _ in range(50):
        await later.actor_of(token)
        clock.now_ms += NOTE_USE_MS // 60
    assert cairn.database.commits == before

    clock.now_ms += NOTE_USE_MS
    await later.actor_of(token)
    assert cairn.database.commits == before + 1


async def test_the_network_of_the_last_use_is_noted_with_it_and_a_new_one_after_a_minute(
    api: Api, cairn: Cairn, later: AuthenticationService, clock: Clock
) -> None:
    device = await api.log_in()
    token = device.token or ""
    listed = (await device.get("/api/v1/devices")).json["items"][0]
    clock.now_ms = listed["last_used_ms"]

    async def use(network: str, after_ms: int) -> tuple[str, int]:
        clock.now_ms += after_ms
        before = cairn.database.commits
        await later.actor_of(token, network)
        return (await device.get("/api/v1/devices")).json["items"][0]["address"], cairn.database.commits - before

    assert listed["address"] == "127.0.0.1"
    assert await use("192.0.2.7", 59_000) == ("127.0.0.1", 0)  # no write a request, whoever asks from where
    assert await use("192.0.2.7", 61_000) == ("192.0.2.7", 1)
    assert [await use(f"192.0.2.{number}", 1000) for number in range(8, 12)] == [("192.0.2.7", 0)] * 4


@pytest.mark.parametrize("settings", [Settings(server=Server(trusted_proxies=("127.0.0.1",)))])
async def test_a_new_sign_in_is_told_elsewhere_until_it_is_known_and_vouches_for_nothing(api: Api) -> None:
    first = await api.log_in(device_name="laptop")
    second = Browser(api, **{"X-Forwarded-For": "198.51.100.3, 203.0.113.9"})
    reply = await second.sign_in(device_name="Firefox")
    app = (await second.call("POST", "/api/v1/app-passwords", json={"name": "scanner"})).json["device_id"]
    session = reply.json["device_id"]

    async def told(who: Api | Browser) -> list[tuple[str, str, str | None]]:
        me = (await who.call("GET", "/api/v1/me")).json
        return [(one["name"], one["kind"], one["address"]) for one in me["new_devices"]]

    async def know(who: Api | Browser, device_id: str) -> int:
        return (await who.call("POST", f"/api/v1/devices/{device_id}/known")).status

    assert await told(first) == [("scanner", "app_password", None), ("Firefox", "session", "203.0.113.9")]
    assert await told(second) == []  # neither of itself, nor of what it made, nor of who was there before
    assert [await know(second, one) for one in (session, app)] == [HTTPStatus.FORBIDDEN] * 2
    assert await know(first, session) == HTTPStatus.NO_CONTENT
    assert await know(first, app[:-1] + ("0" if app[-1] != "0" else "1")) == HTTPStatus.NOT_FOUND
    assert await told(first) == [("scanner", "app_password", None)]
    assert (await first.delete(f"/api/v1/devices/{app}")).status == HTTPStatus.NO_CONTENT
    assert await told(first) == []
    assert await know(first, app) == HTTPStatus.NOT_FOUND


async def test_two_new_sign_ins_do_not_vouch_for_each_other_where_a_known_one_can(api: Api) -> None:
    known, first, second = (Browser(api) for _ in range(3))
    ids = [(await one.sign_in(device_name="Firefox")).json["device_id"] for one in (known, first, second)]

    async def know(who: Browser, device_id: str) -> int:
        return (await who.call("POST", f"/api/v1/devices/{device_id}/known")).status

    async def vouches(who: Browser) -> bool:
        return bool((await who.call("GET", "/api/v1/me")).json["vouches"])

    assert [await know(first, ids[2]), await know(second, ids[1])] == [HTTPStatus.FORBIDDEN] * 2
    assert [await vouches(one) for one in (known, first, second)] == [True, False, False]
    assert [one["device_id"] for one in (await known.call("GET", "/api/v1/me")).json["new_devices"]] == ids[:0:-1]

    await known.call("DELETE", f"/api/v1/devices/{ids[0]}")
    assert await vouches(first)
    assert await know(first, ids[2]) == HTTPStatus.NO_CONTENT  # nobody else is left to say it


async def test_a_lookup_that_began_before_a_revocation_is_not_remembered_after_it(api: Api, cairn: Cairn) -> None:
    device = await api.log_in()
    presented = tokens.read(device.token or "")
    actor = await cairn.services.authentication.actor_of(device.token or "")
    recent: RecentActors = cairn.services.authentication._recent  # noqa: SLF001 - stands for a lookup under way
    assert presented is not None
    endings = recent.endings
    await device.post("/api/v1/logout")

    recent.keep(presented, actor, endings=endings)

    assert (await device.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED


async def test_revoking_while_a_token_is_in_use_leaves_no_call_behind_it_working(api: Api) -> None:
    device, owner = await api.log_in(), await api.log_in()
    device_id = (await device.get("/api/v1/me")).json["device_id"]

    async def hammer() -> list[int]:
        return [(await device.get("/api/v1/me")).status for _ in range(20)]

    hammers = [asyncio.create_task(hammer()) for _ in range(4)]
    await owner.delete(f"/api/v1/devices/{device_id}")

    assert (await device.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    for statuses in await asyncio.gather(*hammers):
        assert statuses == sorted(statuses)  # once 401, always 401


async def test_reauth_takes_the_right_password_alone_and_ends_nothing(api: Api, cairn: Cairn) -> None:
    device = await api.log_in()
    before = (await cairn.services.authentication.actor_of(device.token or "")).proved_ms

    wrong = await device.post("/api/v1/reauth", {"password": "wrong password"})
    between = (await cairn.services.authentication.actor_of(device.token or "")).proved_ms
    right = await device.post("/api/v1/reauth", {"password": PASSWORD})
    after = (await cairn.services.authentication.actor_of(device.token or "")).proved_ms

    assert wrong.status == HTTPStatus.UNAUTHORIZED
    assert right.status == HTTPStatus.NO_CONTENT
    assert before == between < after
    assert (await device.get("/api/v1/me")).status == HTTPStatus.OK


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/devices"),
        ("DELETE", "/api/v1/devices/000000000000000000000"),
        ("POST", "/api/v1/logout"),
        ("POST", "/api/v1/reauth"),
    ],
)
async def test_a_stranger_is_401_everywhere(api: Api, method: str, path: str) -> None:
    reply = await api.call(method, path)

    assert (reply.status, reply.code) == (HTTPStatus.UNAUTHORIZED, "unauthenticated")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "name", ["a", "anna", "Anna.Lindqvist", "anna@example.org", "o-o_o+1", "Zoë", "अनिता", "x" * 64]
)
def test_a_name_that_people_have_is_taken(name: str) -> None:
    assert check_username(name) == name


def test_a_name_is_kept_composed_and_compared_without_case() -> None:
    assert check_username("Zoe\u0308") == "Zo\u00eb"
    assert fold("STRASSE") == fold("Stra\u00dfe")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "an na",
        "anna:ben",
        "anna/ben",
        "../anna",
        "anna\n",
        "anna\x00",
        "-anna",
        ".",
        "@",
        "x" * 65,
        "a\u202eb",
    ],
)
def test_a_name_that_breaks_credentials_paths_or_lines_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_username(name)


async def _show(device: Api, *names: str) -> tuple[int, object]:
    reply = await device.post("/api/v1/installation", {"names": list(names)})
    return reply.status, reply.json.get("known", reply.json.get("code"))


KNOWN = (HTTPStatus.OK, True)
REFUSED = (HTTPStatus.UNAUTHORIZED, "install_unknown")


async def test_an_installation_that_knows_its_last_name_is_known_by_its_newest(api: Api) -> None:
    device, other = await api.log_in(device_name="laptop"), await api.log_in(device_name="phone")

    assert await _show(device, "a") == KNOWN
    assert await _show(device, "a", "b") == KNOWN
    assert await _show(device, "a", "b") == KNOWN  # the answer was lost
    assert await _show(device, "b", "c") == KNOWN
    assert await _show(other, "x") == KNOWN


async def test_a_copy_is_refused_and_the_installation_that_goes_on_is_not(api: Api) -> None:
    device = await api.log_in(device_name="laptop")
    await _show(device, "a")
    await _show(device, "a", "b")

    assert await _show(device, "a", "copy") == REFUSED
    assert await _show(device, "fresh") == REFUSED
    assert await _show(device, "a", "b", "c") == KNOWN
    assert (await device.get("/api/v1/me")).status == HTTPStatus.OK  # the token itself is good


async def test_a_server_that_was_put_back_knows_an_installation_by_an_older_name(api: Api) -> None:
    device = await api.log_in(device_name="laptop")
    await _show(device, "a")  # and what it was shown after that is lost

    assert await _show(device, "a", "b", "c", "d") == KNOWN
    assert await _show(device, "a", "copy") == REFUSED


@pytest.mark.parametrize("names", [[], ["a b"], [""], ["x" * 65], ["a"] * 65, "a"])
async def test_names_that_are_none_are_refused(api: Api, names: object) -> None:
    device = await api.log_in(device_name="laptop")

    reply = await device.post("/api/v1/installation", {"names": names})

    assert (reply.status, reply.json["code"]) == (HTTPStatus.BAD_REQUEST, "invalid_request")


@pytest.mark.parametrize("app_passwords", [False, True])
async def test_all_others_end_at_once_and_the_one_that_asks_stays(api: Api, *, app_passwords: bool) -> None:
    laptop, phone = await api.log_in(device_name="laptop"), await api.log_in(device_name="phone")
    await laptop.post("/api/v1/app-passwords", {"name": "rclone"})
    assert (await laptop.get("/api/v1/me")).status == HTTPStatus.OK

    reply = await phone.post("/api/v1/devices/revoke-others", {"app_passwords": app_passwords})

    assert reply.status == HTTPStatus.NO_CONTENT
    assert (await laptop.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    left = [item["name"] for item in (await phone.get("/api/v1/devices")).json["items"]]
    assert left == (["phone"] if app_passwords else ["phone", "rclone"])
