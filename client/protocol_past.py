"""The wire contract of any moment back, as the client reads it; see `client.protocol`."""

import msgspec

from client.protocol import File


class PastFile(File, frozen=True, gc=False, kw_only=True):
    """A file or folder as it was; `content` is `kept`, `nearest` or `gone`, and None of a folder."""

    content: str | None


class PastPage(msgspec.Struct, frozen=True):
    """A page of a folder as it was."""

    items: list[PastFile]
    next: str | None


class RewindRequest(msgspec.Struct, frozen=True):
    """Body of a rewind."""

    time_ms: int
    dry_run: bool


class UndoRequest(msgspec.Struct, frozen=True):
    """Body of an undo: one of the three says whose changes."""

    from_ms: int
    to_ms: int
    device_id: str | None
    link_id: str | None
    username: str | None
    dry_run: bool


class PlanEntry(msgspec.Struct, frozen=True, gc=False):
    """What is done to a node, or why it is left as it is."""

    file_id: str
    path: str
    name: str
    action: str
    reason: str | None


class Plan(msgspec.Struct, frozen=True):
    """Answer to a dry run: how much would be done, and the first of it."""

    changes: int
    kept: int
    items: list[PlanEntry]


class JobAccepted(msgspec.Struct, frozen=True):
    """Answer to a call whose work goes on."""

    job_id: str


class JobResult(msgspec.Struct, frozen=True):
    """How many nodes were put back, and how many left as they are; `reason` is why it ended early."""

    changed: int
    kept: int
    reason: str | None = None


class Job(msgspec.Struct, frozen=True):
    """How far a job is: `running`, `done` or `failed`."""

    job_id: str
    state: str
    done: int
    total: int
    result: JobResult | None


class KeptPage(msgspec.Struct, frozen=True):
    """A page of what a job left as it is."""

    items: list[PlanEntry]
    next: str | None


class AppScope(msgspec.Struct, frozen=True):
    """What an app password may at most: `reach` is `all` or `read`."""

    reach: str = "all"
    folder_id: str | None = None
    webdav_only: bool = False


class Device(msgspec.Struct, frozen=True):
    """One of a person's devices, sessions and app passwords; `…_ms` are Unix milliseconds."""

    device_id: str
    name: str
    kind: str = "device"
    created_ms: int = 0
    last_used_ms: int = 0
    current: bool = False
    scope: AppScope | None = None


class DevicePage(msgspec.Struct, frozen=True):
    """A page of devices."""

    items: list[Device]
    next: str | None
