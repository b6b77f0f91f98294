"""What a person chose for one root: kept as JSON in the state folder, read again when the daemon is told to."""

import msgspec

from client.sync.known import Confirmed, Limits


class Rate(msgspec.Struct, frozen=True):
    """A limit of bandwidth: bytes a second each way (None: none), from and to minutes of the day (equal: always)."""

    up: int | None = None
    down: int | None = None
    from_minute: int = 0
    to_minute: int = 0


class Settings(msgspec.Struct, frozen=True):
    """All of them. `root` is an absolute path here, `remote` the path at the server when the root was made."""

    root: str
    remote: str
    server: str
    username: str
    device_id: str
    device_name: str
    paused: bool = False
    ignore: list[str] = []
    excluded: list[str] = []  # ids of folders that selective sync leaves out
    rates: list[Rate] = []
    limits: Limits = Limits()
    may_delete: list[Confirmed] | int | None = None  # what a person confirmed of what was held; see `confirmed`
    bring_back: bool = False  # a person refused held deletes: the files are fetched again; taken away in the same way
    fetch_decayed: bool = False  # what decayed here is to be fetched from the server; taken away in the same way
    number: int = 0  # grows with every change
    remote_id: str | None = None  # the id of the folder at `remote` when the root was made

    @property
    def confirmed(self) -> list[Confirmed]:
        """What a person confirmed of what was held; the engine counts it down, and takes it away when it is used.

        A number alone, as older versions wrote it, does not say of what, and allows nothing: it is held and shown anew.
        """
        return self.may_delete if isinstance(self.may_delete, list) else []
