"""The walk: every line of the table asked by every role, and held against its rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from yarl import URL

from app.clock import now_ms
from app.errors import ForbiddenError
from app.services.download_bundles import NOT_GIVEN
from tests.accounts.api import Reply
from tests.api.people import NONSENSE_ID, Person, frame
from tests.permissions.checks import Checks
from tests.permissions.droppers import Dropper
from tests.permissions.objects import Named, file
from tests.permissions.roles import Outcome, Role, Rule
from tests.permissions.table import FRAMES, Line, Pair
from tests.permissions.world import OWN_KINDS, PRIVATE, SHARED, World

_OF_STATUS = {
    400: Outcome.INVALID,
    401: Outcome.UNAUTHENTICATED,
    403: Outcome.FORBIDDEN,
    404: Outcome.ABSENT,
    409: Outcome.CONFLICT,
}
_EPHEMERAL = ("Date", "X-Request-Id")


@dataclass(frozen=True, eq=False)
class Case:
    """One line in one place, asked by one role; `forged` names the id that is right save for its random part."""

    line: Line
    place: str
    rule: Rule
    role: Role
    forged: str = ""

    @property
    def expected(self) -> Outcome:
        """How it has to end."""
        if self.forged:
            return Outcome.CONFLICT if self.forged in self.line.base else Outcome.ABSENT
        outcome = self.rule.outcome(self.role)
        return self.line.passes if outcome is Outcome.OK else outcome

    @property
    def is_refused(self) -> bool:
        """Whether it has to be refused."""
        return bool(self.forged) or self.rule.outcome(self.role) is not Outcome.OK

    def __str__(self) -> str:
        sent = {key: value for key, value in (("?", self.line.query), ("json", self.line.json)) if value}
        asked = f"{self.line.route} {sent or ''} {self.line.make.__name__} in {self.place}"
        return f"{asked} as {self.role} ({self.rule.name}{', forged ' + self.forged if self.forged else ''})"


@dataclass(frozen=True)
class Asked:
    """What a call said, byte by byte, save what is another each time; `outcome` None for what no rule names."""

    outcome: Outcome | None
    status: int
    headers: Mapping[str, str]
    body: Any


def cases_of(line: Line) -> Iterable[tuple[str, Rule, list[Case]]]:
    """Yield each place with its rule and its cases; those that are refused come first."""
    pair = line.rule if isinstance(line.rule, Pair) else None
    places = ((PRIVATE, line.rule),) if pair is None else ((SHARED, pair.shared), (PRIVATE, pair.private))
    for place, rule in places:
        assert isinstance(rule, Rule)
        cases = [Case(line, place, rule, role) for role in rule.asked_by]
        knowing = [case for case in cases if not case.is_refused]
        cases += [replace(case, forged=name) for case in knowing[:1] for name in line.ids]
        yield place, rule, sorted(cases, key=lambda case: not case.is_refused)


async def ask(world: World, case: Case, named: Named, port: int | None = None) -> Asked:
    """Make the call of a case about an object; `port` of another server on the same data."""
    line, role = case.line, case.role
    if case.forged:
        named = {**named, case.forged: _other_end(named[case.forged])}
    filled = Filling(world, role, named)
    request = {
        "params": await filled(line.query),
        "json": await filled(line.json),
        "headers": {**await world.headers(role), **await filled(line.headers)},
    }
    if line.data is not None:
        data = await filled(line.data)
        request["data"] = data if isinstance(data, bytes) else data.encode()
    path = await filled(line.url) if line.url is not None else await _path(filled, line)
    base = world.server.port if port is None else port
    url = URL(f"http://127.0.0.1:{base}{path}", encoded=True)
    method = "HEAD" if line.route == "GET /api/v1/events" else line.method
    sent = {key: value for key, value in request.items() if value is not None}
    reply = await Person(world.server.session).call(method, url, **sent)
    return _asked(reply, line.within)


class Filling:
    """Puts names of objects into what the table says is sent."""

    def __init__(self, world: World, role: Role, named: Named) -> None:
        """Fill with what is named, and with what is the asker's own."""
        self._world = world
        self._role = role
        self._named = named

    async def __call__(self, sent: Any) -> Any:
        """Return `sent` with every `{name}` replaced."""
        if isinstance(sent, Mapping):
            return {key: await self(value) for key, value in sent.items()}
        if isinstance(sent, list):
            return [await self(value) for value in sent]
        if not isinstance(sent, str) or "{" not in sent:
            return sent
        if sent == "{bytes}":
            return self._named["bytes"]
        if sent == "{frame}":
            return frame(self._named["bytes"])
        named = dict(self._named)
        for own in OWN_KINDS:
            if f"{{{own}}}" in sent:
                named[own] = await self._world.own(self._role, own)
        return sent.format_map(
            {**named, "new": f"new{self._world.number()}", "now_ms": now_ms(), "asker": self._world.name_of(self._role)}
        )


async def _path(filled: Filling, line: Line) -> str:
    template = line.route.partition(" ")[2]
    for name, value in line.path.items():
        template = template.replace(f"{{{name}}}", value)
    return str(await filled(template))


def _other_end(wire_id: str) -> str:
    return wire_id[:-1] + ("0" if wire_id[-1] != "0" else "1")


def nonsense(named: Named, case: Case) -> Named:
    """Return the same with names of nothing, in place of ids or of what the maker says."""
    hidden = [case.forged] if case.forged else named.get("hidden", [key for key in named if key.endswith("_id")])
    return {key: NONSENSE_ID if key in hidden else value for key, value in named.items()}


def _asked(reply: Reply, within: str | None) -> Asked:
    status = reply.status
    body: Any = reply.body if reply.json is None else reply.json
    headers = {name: value for name, value in reply.headers.items() if name.title() not in _EPHEMERAL}
    if within == FRAMES and status < 400:
        status = 404 if reply.body == NOT_GIVEN else status
    elif within is not None and status < 400:
        body = body[within][0]
        status = body.get("status", 200)
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key != "request_id"}
    outcome = Outcome.OK if status < 400 else _OF_STATUS.get(status)
    if outcome is Outcome.FORBIDDEN and isinstance(body, dict) and body["code"] == "reauth_required":
        outcome = Outcome.REAUTH
    return Asked(outcome, status, headers, body)


class Walk:
    """Walks lines, and keeps what was not as the table says, and which refused calls met which check."""

    def __init__(self, world: World, checks: Checks) -> None:
        """Begin in a world, with the checks planted."""
        self.world = world
        self.checks = checks
        self.deviations: list[str] = []
        self.refusals: dict[Case, frozenset[str]] = {}
        self.dropped: dict[str, frozenset[str]] = {}

    async def line(self, line: Line) -> None:
        """Ask one line in each place by each role."""
        for place, _, cases in cases_of(line):
            refused = [case for case in cases if case.is_refused]
            passing = [case for case in cases if not case.is_refused]
            named = await line.make(self.world, place)
            await self._refused(line, place, refused, named)
            for case in passing:
                await self._held(case, named)
                self.world.used(case.role, credential=line.spends)
                if line.method != "GET":
                    named = await line.make(self.world, place)

    async def _refused(self, line: Line, place: str, cases: list[Case], named: Named) -> None:
        for case in cases:  # credentials and own things are made before what is compared
            await self.world.headers(case.role)
            for kind in case.line.own:
                await self.world.own(case.role, kind)
        before = await self.world.fingerprint()
        for case in cases:
            asked = await self._held(case, named)
            if case.expected is Outcome.ABSENT and nonsense(named, case) != named:
                other = await ask(self.world, case, nonsense(named, case))
                if (asked.status, asked.headers, asked.body) != (other.status, other.headers, other.body):
                    self.deviations.append(f"{case}: {asked}, and of a nonsense id {other}")
        after = await self.world.fingerprint()
        changed = [table for table in before if before[table] != after[table] and table not in line.notes]
        if changed:
            self.deviations.append(f"{line.route} in {place}: somebody was refused and changed {changed}")

    async def let_through(self, cases: Iterable[Case], port: int | None = None) -> Case | None:
        """Return the first of these cases, which have to be refused, that goes through now; None if none does.

        What it used up is made anew, so that nothing of it shows in later calls.
        """
        made: dict[tuple[Line, str], Named] = {}
        for case in cases:
            at = (case.line, case.place)
            if at not in made:
                made[at] = await case.line.make(self.world, case.place)
            asked = await ask(self.world, case, made[at], port)
            if asked.outcome in (Outcome.OK, case.line.passes):
                self.world.used(case.role, credential=True)
                return case
        return None

    async def dropper(self, name: str, call: Dropper) -> None:
        """Let a credential that may only put files in ask a service, which has to refuse."""
        self.checks.met.clear()
        if await self.drops(call):
            self.deviations.append(f"{name} was open to a credential that may only put files in")
        self.dropped[name] = frozenset(map(str, self.checks.met))

    async def drops(self, call: Dropper) -> bool:
        """Tell whether that credential is let through."""
        named, actor = await file(self.world, PRIVATE), await self.world.dropper()
        folder_id = self.world.folders[PRIVATE]["file_id"]
        try:
            await call(self.world.server.cairn.services, actor, named["file_id"], folder_id)
        except ForbiddenError:
            return False
        return True

    async def _held(self, case: Case, named: Named) -> Asked:
        self.checks.met.clear()
        asked = await ask(self.world, case, named)
        if case.is_refused:
            self.refusals[case] = frozenset(map(str, self.checks.met))
        if asked.outcome is not case.expected:
            self.deviations.append(f"{case}: {case.expected}, not {asked.status} {asked.body}")
        return asked
