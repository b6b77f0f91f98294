"""What the world does to devices and server: restarts, power cuts, lost and old databases, people who choose."""

import contextlib
import random
from collections.abc import Callable

import msgspec

from app.auth.identity import Actor
from app.errors import AppError
from app.services.access import Role
from client.sync.model import MARKER, Kind
from client.sync.seams.files import Trouble
from tests.sim.device import SimDevice
from tests.sim.disks import Before, Saved, contents, entries, entries_of, hide_marker, put_back, save, show_marker
from tests.sim.fs import SimFs
from tests.sim.fs_tree import Inode
from tests.sim.stage import Stage
from tests.sim.users import Person
from tests.sim.weather import DISASTERS

RULES: tuple[list[str], ...] = ([], ["b.txt"], ["c"], ["/a"])


class World:
    """Does what its stage's weather allows, one event after the other."""

    def __init__(self, stage: Stage, chance: random.Random, begin: Callable[[Person], None]) -> None:
        """Take what lets a person go on whose machine was down."""
        self._stage = stage
        self._chance = chance
        self._begin = begin
        self._states: dict[str, bytes] = {}
        self._disks: dict[str, Saved] = {}
        self._backup = False
        self._shared: list[tuple[Actor, str, str]] = []
        self._hidden: tuple[SimFs, Inode | None] | None = None

    def end(self) -> None:
        """Take back what does not last for ever."""
        if self._hidden is not None:
            show_marker(*self._hidden)
        self._hidden = None
        server = self._stage.server
        for owner, folder, other in self._shared:  # what a viewer changes stays unsent for ever, which is no rest
            with contextlib.suppress(AppError):
                server.call(server.cairn.services.sharing.share(owner, folder, other, Role.EDITOR))
        self._stage.network.news.set()

    def live(self) -> None:
        """Let things happen until the end."""
        stage, chance = self._stage, self._chance
        while True:
            stage.scheduler.sleep(chance.expovariate(1 / stage.weather.world_pause_s))
            event = chance.choice(stage.weather.events)
            device = chance.choice(stage.devices)
            stage.note(f"world: {event} {device.name}")
            if event in DISASTERS:
                stage.oracle.disasters.append(event)
            getattr(self, f"_{event}")(device)

    # Processes and power

    def _restart(self, device: SimDevice) -> None:
        device.kill()
        device.start()

    def _rest(self, device: SimDevice) -> None:
        device.kill()
        self._stage.scheduler.sleep(self._chance.choice([1.0, 60.0, 7200.0]))
        device.start()

    def _power_cut(self, device: SimDevice) -> None:
        stage, fs = self._stage, device.machine.fs
        person = next(each for each in stage.people if each.device == device.name)
        device.kill()
        stage.scheduler.kill(f"user {device.name}")
        person.forget_handles()
        before, all_before = Before.of(fs), list(contents(fs))
        fs.crash(self._chance)
        stage.oracle.lost(device.name, all_before, contents(fs))
        stage.oracle.torn(device.name, before.torn(fs))
        stage.scheduler.sleep(self._chance.choice([0.0, 1.0]))
        device.start()
        self._begin(person)

    # Databases and folders

    def _lose_state(self, device: SimDevice) -> None:
        device.kill()
        device.lose_state()
        device.start()

    def _old_state(self, device: SimDevice) -> None:
        device.kill()
        saved = self._states.pop(device.name, None)
        if saved is None:
            self._states[device.name] = device.save_state()
        else:
            device.put_state_back(saved)
        device.start()

    def _old_folder(self, device: SimDevice) -> None:
        stage, fs = self._stage, device.machine.fs
        saved = self._disks.pop(device.name, None)
        if saved is None and not entries_of(fs, MARKER):
            return  # a folder from before its first sync may be any: that one is for a person
        if saved is None:
            self._disks[device.name] = save(fs)
            if device.is_running:
                self._restart(device)  # a backup of the very run that it is put back after cannot be told from a delete
            return
        person = next(each for each in stage.people if each.device == device.name)
        device.kill()
        stage.scheduler.kill(f"user {device.name}")
        person.forget_handles()
        before = list(contents(fs))
        put_back(fs, saved)
        stage.oracle.lost(device.name, before, contents(fs))
        device.start()
        self._begin(person)

    def _no_marker(self, device: SimDevice) -> None:
        fs = device.machine.fs
        self._hidden = (fs, hide_marker(fs))
        self._stage.scheduler.sleep(self._chance.choice([5.0, 300.0]))
        self.end()
        if not device.is_running:
            device.start()

    def _unreadable(self, device: SimDevice) -> None:
        fs = device.machine.fs
        folders = [path for path, kind in entries(fs).items() if kind is Kind.FOLDER]
        path = self._chance.choice([(), *folders])
        fs.deny(path, Trouble.UNREADABLE)
        self._stage.scheduler.sleep(self._chance.choice([1.0, 30.0, 600.0]))
        fs.allow(path)

    # The server

    def _server_restart(self, _: SimDevice) -> None:
        self._stage.server.stop()
        self._stage.network.is_down = True
        self._stage.scheduler.sleep(self._chance.choice([0.1, 30.0]))
        self._stage.server.start()
        self._stage.network.is_down = False
        self._stage.network.news.set()

    def _server_back(self, _: SimDevice) -> None:
        self._put_server_back(whole=False)

    def _server_copied_back(self, _: SimDevice) -> None:
        self._put_server_back(whole=True)

    def _put_server_back(self, *, whole: bool) -> None:
        stage = self._stage
        backup = stage.folder / "backup"
        if not self._backup:
            stage.server.copy(backup)
            self._backup = True
            return
        stage.server.put_back(backup, whole=whole)
        stage.past.forget()
        stage.oracle.server_lost(stage.lasting())
        stage.network.news.set()

    # People who choose

    def _clock_jump(self, device: SimDevice) -> None:
        device.machine.clock.offset_ms += self._chance.choice([-86_400_000, -3_600_000, 60_000, 31_536_000_000])

    def _rules(self, device: SimDevice) -> None:
        device.tell(msgspec.structs.replace(device.machine.settings, ignore=self._chance.choice(RULES)))

    def _selection(self, device: SimDevice) -> None:
        nodes = self._stage.past.view(device.machine.actor).values()
        folders = sorted(node.id for node in nodes if node.content is None)
        excluded = self._chance.sample(folders, min(len(folders), self._chance.choice([0, 1, 1, 2])))
        device.tell(msgspec.structs.replace(device.machine.settings, excluded=sorted(excluded)))

    def _share(self, device: SimDevice) -> None:
        stage, server, owner = self._stage, self._stage.server, device.machine.actor
        other = next(name for name in server.actors if name != owner.username)
        nodes = stage.past.view(owner).values()
        folders = sorted(node.id for node in nodes if node.content is None and len(node.path) == 1)
        if not folders:
            return
        folder, sharing = self._chance.choice(folders), server.cairn.services.sharing
        try:
            if self._chance.random() < 0.5:
                self._shared.append((owner, folder, other))
                server.call(sharing.share(owner, folder, other, self._chance.choice([Role.EDITOR, Role.VIEWER])))
            else:
                server.call(sharing.remove(owner, folder, other))
        except AppError as error:
            stage.note(f"world: {error}")
        stage.network.news.set()

    def _pause(self, device: SimDevice) -> None:
        device.tell(msgspec.structs.replace(device.machine.settings, paused=True))
        self._stage.scheduler.sleep(self._chance.choice([1.0, 100.0]))
        device.tell(msgspec.structs.replace(device.machine.settings, paused=False))

    def _away(self, device: SimDevice) -> None:
        device.machine.transport.is_away = True
        self._stage.network.news.set()
        self._stage.scheduler.sleep(self._chance.choice([1.0, 100.0, 3000.0]))
        device.machine.transport.is_away = False
