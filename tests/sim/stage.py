"""Everything of one run: the server, the network, the devices with their people, and who watches."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from app.auth.identity import Actor
from client.sync.model import PRIVATE, Path
from client.sync.settings import Settings
from client.transport import Request
from tests.sim.chance import seeded
from tests.sim.device import Machine, SimDevice, new_database
from tests.sim.disks import contents, lasting
from tests.sim.door import Door
from tests.sim.fs import SimFs
from tests.sim.net import Sent, SimNetwork, SimTransport
from tests.sim.oracle import Oracle
from tests.sim.past import ServerPast
from tests.sim.schedule import Scheduler, SimChance, SimClock, Tricks
from tests.sim.server import BEGIN_MS, SimServer
from tests.sim.users import Person, Tokens
from tests.sim.weather import Weather

NODES = "/api/v1/files/"
UPLOADS = "/api/v1/uploadRequest"
UPLOAD_ID = re.compile(rb"\b[0-9a-v]{21}\b")


@dataclass(slots=True)
class Stage:
    """See above. `trace` is what happened, a line each."""

    seed: int
    server: SimServer
    folder: FilePath
    weather: Weather
    scheduler: Scheduler
    network: SimNetwork
    past: ServerPast
    oracle: Oracle
    tricks: Tricks
    devices: list[SimDevice] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)
    writes: int = 0
    watching: bool = True

    @classmethod
    def build(cls, seed: int, server: SimServer, folder: FilePath, weather: Weather, owners: list[str]) -> "Stage":
        """Set a run up: a device for each name of a user in `owners`, none of which runs yet."""
        scheduler = Scheduler(f"schedule {seed}")
        past = ServerPast(server)
        network = SimNetwork(Door(server), scheduler)
        stage = cls(seed, server, folder, weather, scheduler, network, past, Oracle(past), Tricks(weather.tricks))
        network.before, network.after, network.note = stage._before, stage._after, stage.note
        tokens, free = Tokens(), {name: iter(actors) for name, actors in server.actors.items()}
        for number, owner in enumerate(owners):
            stage._add(f"d{number}", next(free[owner]), tokens)
        return stage

    def note(self, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.scheduler.now_s:10.3f} {what}")

    def contents(self) -> Iterator[bytes]:
        """Yield every content on any disk."""
        for device in self.devices:
            yield from contents(device.machine.fs)

    def lasting(self) -> Iterator[bytes]:
        """Yield every content on any disk that stays there by itself."""
        for device in self.devices:
            yield from lasting(device.machine.fs)

    def _add(self, name: str, actor: Actor, tokens: Tokens) -> None:
        seed, scheduler, weather = self.seed, self.scheduler, self.weather
        clock = SimClock(scheduler, BEGIN_MS, seeded(seed, name, "clock").choice([0, 0, 5_000, -86_400_000]))
        fs = SimFs(
            lambda: BEGIN_MS * 1_000_000 + int(scheduler.now_s * 1e9),
            scheduler.switch,
            weather.mode,
            seeded(seed, name, "disk"),
            weather.disk,
        )
        settings = Settings("/root", "/", "http://cairn.invalid", actor.username, str(actor.id), name)
        transport = SimTransport(self.network, name, actor, weather.net, f"net {seed} {name}")
        chance = SimChance(f"chance {seed} {name}", self.tricks)
        machine = Machine(name, actor, fs, transport, clock, settings, new_database(), chance, weather.watch)
        device = SimDevice(scheduler, machine, self.bugs.append, self.note)
        fs.on_change = self._hearer(device)
        self.devices.append(device)
        person_chance = seeded(seed, name, "person")

        def pause() -> None:
            scheduler.sleep(person_chance.choice([0.0, 0.001, weather.user_pause_s * person_chance.random()]))

        self.people.append(Person(name, fs, self.oracle, tokens, person_chance, pause, weather.names))

    def _hearer(self, device: SimDevice) -> Callable[[Path, bytes | None, bytes | None], None]:
        fs = device.machine.fs

        def keeps(content: bytes) -> bool:
            return content in contents(fs)

        def hear(path: Path, before: bytes | None, after: bytes | None) -> None:
            if path[0] != PRIVATE and self.watching:
                self.writes += 1
                self.oracle.changed(device.name, path, before, after, keeps)

        return hear

    def _before(self, request: Request) -> None:
        """Judge a delete before it is done, while it can still be seen what would go."""
        if request.method == "DELETE" and NODES in request.url:
            file_id = request.url.split(NODES)[1].partition("?")[0]
            self._doomed = self.past.below(file_id)

    def _after(self, sent: Sent) -> None:
        if not sent.is_read:
            self.writes += 1
            self.note(f"{sent.device} {sent.method} {sent.target.split('?')[0]} {sent.status}")
        if sent.method == "DELETE" and sent.target.startswith(NODES) and sent.status < 300:
            self.oracle.deleted(sent.device, self._doomed)
        if sent.target.startswith(UPLOADS):
            self._restores |= restored_by(sent)
        if "commit" in sent.target:
            ids = set(UPLOAD_ID.findall(sent.body)) | {sent.target.split("/")[-2].encode()}
            self.oracle.uploaded(sent.device, restoring=bool(ids & self._restores))

    _doomed: set[str] = field(default_factory=set)
    _restores: set[bytes] = field(default_factory=set)


def restored_by(sent: Sent) -> set[bytes]:
    """Return the ids of the uploads that an answer opened, if any of what was asked brings a node back."""
    return set(UPLOAD_ID.findall(sent.reply)) if b'"restore":true' in sent.body else set()
