"""One device's network: the client's own code for the wire, over a transport that the seed makes unreliable."""

import http.client
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from app.auth.identity import Actor
from client.remote import Remote
from client.transport import Answer, Body, ConnectionLostError, FileRange, Request, Transport
from tests.sim.chance import seeded
from tests.sim.door import Door, Reply
from tests.sim.schedule import NEVER, Scheduler, Signal

ADDRESS = "http://cairn.invalid"
READS = {"GET", "HEAD"}
BUNDLE = "/api/v1/downloadBundle"


FAULTS = ("request_lost", "reply_lost", "twice", "busy", "limited", "cut", "flipped", "expired")


@dataclass(slots=True)
class NetFaults:
    """How often each of FAULTS happens, from 0 to 1; `slow_s` is the longest delay of a call, `page` the feed's."""

    rates: dict[str, float] = field(default_factory=dict)
    slow_s: float = 0.0
    page: int = 1000

    @property
    def any_(self) -> float:
        """How often anything goes wrong."""
        return sum(self.rates.values())

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.rates.clear()
        self.slow_s = 0.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that came to the server, and how it was answered."""

    device: str
    method: str
    target: str
    status: int
    body: bytes = b""
    reply: bytes = b""

    @property
    def is_read(self) -> bool:
        """Whether it can change nothing."""
        return self.method in READS or self.target == BUNDLE


@dataclass(slots=True)
class SimNetwork:
    """What all devices share: the server, news of changes, and who looks on."""

    door: Door
    scheduler: Scheduler
    before: Callable[[Request], None] = lambda _: None
    after: Callable[[Sent], None] = lambda _: None
    news: Signal = field(init=False)
    jobs: Signal = field(init=False)
    is_down: bool = False
    note: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        """Begin with no news and no jobs."""
        self.news, self.jobs = Signal(self.scheduler), Signal(self.scheduler)

    def handle(self, device: str, actor: Actor, request: Request) -> Reply:
        """Let a request come to the server."""
        url, body = urlsplit(request.url), _bytes(request.body)
        target = f"{url.path}?{url.query}" if url.query else url.path
        self.before(request)
        before = self.door.server.head()
        self.door.server.moment.now_ms += 1
        reply = self.door.handle(actor, request.method, target, body)
        if self.door.server.head() != before:
            self.news.set()
        if self.door.server.has_jobs:
            self.jobs.set()
        self.after(Sent(device, request.method, target, reply.status, body, reply.body))
        return reply

    def work_off(self, chance: random.Random) -> None:
        """Let the server do its jobs, a slice now and a slice then."""
        while True:
            self.jobs.wait(NEVER)
            while self._did_slice():
                self.scheduler.sleep(chance.choice([0.0, 0.01, 0.2, 3.0]))

    def _did_slice(self) -> bool:
        """Let the server do a slice of each job; tell whether it could."""
        server = self.door.server
        if not server.is_open:
            return False
        before, could = server.head(), server.work()
        if server.head() != before:
            self.news.set()
        return could


class SimTransport(Transport):
    """A transport of one device."""

    def __init__(self, network: SimNetwork, device: str, actor: Actor, faults: NetFaults, seed: str) -> None:
        super().__init__()
        self.network = network
        self.device = device
        self._actor = actor
        self._chance = seeded(seed)
        self.faults = faults
        self.is_away = False

    def close(self) -> None:
        """There is nothing to close."""

    def cut(self) -> None:
        """Wake who waits for news: they find themselves cancelled."""
        self.network.news.set()

    def exchange(self, request: Request) -> Answer:
        """Send a request, and answer it as this network does."""
        scheduler, faults, chance = self.network.scheduler, self.faults, self._chance
        if faults.slow_s:
            scheduler.sleep(chance.uniform(0, faults.slow_s))
        else:
            scheduler.switch()
        self._require_network()
        url = urlsplit(request.url)
        if url.path == "/api/v1/sync":
            return self._poll(request, dict(parse_qsl(url.query)))
        if not faults.rates or chance.random() >= faults.any_:
            return self._answer(request, self._handle(request))
        return self._spoiled(request)

    def _spoiled(self, request: Request) -> Answer:
        rates, chance = self.faults.rates, self._chance
        (kind,) = chance.choices(list(rates), list(rates.values()))
        is_signed = not urlsplit(request.url).path.startswith("/api/")
        if kind == "request_lost":
            raise _lost("the request was lost", sent=chance.random() < 0.5)
        if kind == "busy":
            return self._answer(request, _refused(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", 1))
        if kind == "limited":
            return self._answer(request, _refused(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", 1))
        if kind == "expired" and is_signed:
            return self._answer(request, _refused(HTTPStatus.FORBIDDEN, "url_expired"))
        if kind == "twice" and not request.once:
            self._handle(request)
            self.network.scheduler.switch()
        reply = self._handle(request)
        if kind == "reply_lost":
            raise _lost("the reply was lost")
        is_content = request.into is not None or urlsplit(request.url).path == BUNDLE
        if kind == "cut" and is_content and reply.body:
            kept = chance.randrange(len(reply.body))
            if request.into is not None:
                request.into[: min(kept, len(request.into))] = reply.body[: min(kept, len(request.into))]
            raise _lost("the connection broke off in the body")
        if kind == "flipped" and is_content and reply.body:
            body = bytearray(reply.body)
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
            reply = Reply(reply.status, bytes(body))
        return self._answer(request, reply)

    def _poll(self, request: Request, query: dict[str, str]) -> Answer:
        """Answer when there is something new, or the time is over."""
        scheduler, faults, chance = self.network.scheduler, self.faults, self._chance
        until_s = scheduler.now_s + int(query.pop("wait", "0"))
        query["limit"] = str(faults.page)
        asked = Request("GET", f"{ADDRESS}/api/v1/sync?{urlencode(query)}")
        while True:
            if faults.rates and chance.random() < faults.rates.get("reply_lost", 0.0):
                raise _lost("the connection broke off")
            reply = self._handle(asked)
            is_empty = reply.status == HTTPStatus.OK and b'"changes":[]' in reply.body[:20]
            if not is_empty or scheduler.now_s >= until_s:
                return self._answer(request, reply)
            self.network.news.wait(until_s)
            self._require_network()
            if request.cancelled():
                raise _lost("cancelled")

    def _handle(self, request: Request) -> Reply:
        return self.network.handle(self.device, self._actor, request)

    def _require_network(self) -> None:
        if self.is_away or self.network.is_down:
            raise _lost("there is no network", sent=False)

    def _answer(self, request: Request, reply: Reply) -> Answer:
        headers = http.client.HTTPMessage()
        if reply.retry_after_s:
            headers["Retry-After"] = str(reply.retry_after_s)
        into = request.into
        if into is not None and reply.status == HTTPStatus.OK and len(reply.body) == len(into):
            into[:] = reply.body
            return Answer(reply.status, headers, size=len(into))
        return Answer(reply.status, headers, reply.body, len(reply.body))


class SimNet(Remote):
    """`client.sync.seams.net.Net` in the client's own code."""

    def __init__(self, transport: SimTransport) -> None:
        super().__init__(ADDRESS, "token", patience_s=0.0)
        self._channel._transport = transport  # noqa: SLF001 -- the one seam below which nothing is ours
        self.transport = transport


def _bytes(body: Body | None) -> bytes:
    if body is None:
        return b""
    assert not isinstance(body, FileRange), "a simulated file has no descriptor"
    if isinstance(body, (bytes, memoryview)):
        return bytes(body)
    return b"".join(body)


def _refused(status: HTTPStatus, code: str, retry_after_s: int = 0) -> Reply:
    body = msgspec.json.encode({"status": int(status), "code": code, "title": code, "detail": f"Simulated: {code}."})
    return Reply(int(status), body, retry_after_s)


def _lost(reason: str, *, sent: bool = True) -> ConnectionLostError:
    return ConnectionLostError(reason, sent=sent)
