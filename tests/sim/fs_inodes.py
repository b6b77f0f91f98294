"""What a simulated disk is made of: its kind, its inodes, and changes of names."""

from dataclasses import dataclass

from client.sync.model import Kind, Stat


@dataclass(frozen=True, slots=True)
class SimMode:
    """What kind of disk it is. `journal`: names survive a power cut in order, and each rename as a whole."""

    case_sensitive: bool = True
    keeps_form: bool = True
    windows_names: bool = False
    step_ns: int = 10_000_000
    reuses_inodes: bool = True
    stable_inodes: bool = True
    exchanges: bool = True
    keeps_bits: bool = True
    events: bool = True
    journal: bool = True
    max_name_bytes: int = 255
    size: int = 1 << 40


class Inode:
    """A file, folder or link. `names` of a folder goes from key to name as stored and inode."""

    __slots__ = (
        "ctime_ns",
        "data",
        "device",
        "durable",
        "durable_names",
        "is_lost",
        "is_ours",
        "kind",
        "mode",
        "mtime_ns",
        "names",
        "number",
        "opens",
        "places",
        "unsynced",
    )

    def __init__(self, number: int, device: int, kind: Kind, mode: int, now_ns: int) -> None:
        self.number = number
        self.device = device
        self.kind = kind
        self.mode = mode
        self.mtime_ns = now_ns
        self.ctime_ns = now_ns
        self.data = bytearray()
        self.durable: tuple[bytes, int, int, int] = (b"", mode, now_ns, now_ns)
        self.unsynced = False
        self.is_lost = False
        self.is_ours = False
        self.names: dict[str, Entry] = {}
        self.durable_names: dict[str, Entry] = {}
        self.places: list[tuple[Inode, str]] = []
        self.opens = 0

    def stat(self) -> Stat:
        is_file = self.kind is Kind.FILE
        size = 0 if self.kind is Kind.FOLDER else len(self.data)
        return Stat(
            self.kind, size, self.mtime_ns, self.ctime_ns, self.number, self.device, is_file and bool(self.mode & 0o100)
        )

    def sync(self) -> None:
        if self.unsynced:
            self.durable = (bytes(self.data), self.mode, self.mtime_ns, self.ctime_ns)
            self.unsynced = False
        self.is_ours = False


Entry = tuple[str, Inode]


@dataclass(frozen=True, slots=True)
class NameChange:
    """A name in a folder now stands for this entry, or for none. All of one operation have its number."""

    operation: int
    folder: Inode
    key: str
    entry: Entry | None
    before: Inode | None

    @property
    def slot(self) -> "Slot":
        return self.folder, self.key

    @property
    def removes_folder(self) -> bool:
        return self.entry is None and self.before is not None and self.before.kind is Kind.FOLDER

    @property
    def is_of_folders(self) -> bool:
        return self.removes_folder or (self.entry is not None and self.entry[1].kind is Kind.FOLDER)

    def apply(self) -> None:
        """Make it durable."""
        if self.entry is None:
            self.folder.durable_names.pop(self.key, None)
        else:
            self.folder.durable_names[self.key] = self.entry


Slot = tuple[Inode, str]
"""A name in a folder."""
