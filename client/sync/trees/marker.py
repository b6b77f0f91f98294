"""The root marker: tells a folder that is not mounted, swapped or put back from the one that the state knows.

`.cairn/root` holds the root's id, the device's, and a generation that is renewed at each start, soon after what both
sides agreed on has changed, and at the end: the state notes it as next, then the marker gets it, then the state makes
it current, each step durable. Spec: sync engine, section 2.
"""

import contextlib
from enum import Enum

import msgspec

from client.sync.model import MARKER, PRIVATE, TMP
from client.sync.seams.clock import Chance
from client.sync.seams.files import Fs, FsError, Trouble
from client.sync.trees.state import State

ROOT, DEVICE, CURRENT, NEXT = "root", "device", "generation", "next_generation"
MAX_MARKER = 4096  # bytes


class Start(Enum):
    """What the marker says of the folder and the state that were opened."""

    FIRST = "first"  # both are new
    KNOWN = "known"  # they go together
    UNMOUNTED = "unmounted"  # the state knows this root, and the marker is not there: stop, and change nothing
    NO_BASE = "no_base"  # one of them was put back, lost or swapped: what both sides agreed on counts as lost


class _Marker(msgspec.Struct, frozen=True):
    root: str
    device: str
    generation: str


def begin(fs: Fs, state: State, chance: Chance, *, device_id: str = "") -> Start:
    """Judge the marker, and renew it unless the start is refused, which changes nothing.

    With NO_BASE the synced rows are forgotten, and so are attempts, in the same transaction that notes the next
    generation: a crash at any step after it cannot bring them back.

    Raises:
        FsError: the disk could not be looked at or written to; whether there is a marker is then not known.
        StateError: the state could not be written.
    """
    found = _read(fs)
    start = _judge(state, found)
    if start is Start.UNMOUNTED:
        return start
    with state.transaction():
        if start is Start.FIRST and state.meta(ROOT) is None:
            state.set_meta(ROOT, chance.token())
        if start is Start.NO_BASE:
            if found is not None and found.root == state.meta(ROOT):
                state.clear_lineage()  # the folder may be the older one: its files need not come from those versions
            _forget_base(state, chance)
        state.set_meta(DEVICE, device_id)
        generation = _begin_generation(state, chance, found)
    _finish_generation(fs, state, chance, generation)
    return start


def renew(fs: Fs, state: State, chance: Chance) -> None:
    """Begin a new generation in the midst of a run, if the folder is still the one that was begun with.

    Else a copy of the folder, or of the state, that was made during a long run would pass for the present one.

    Raises:
        FsError: the disk could not be written to.
        StateError: the state could not be written.
    """
    found = _read(fs)
    if found is not None and _judge(state, found) is Start.KNOWN:
        with state.transaction():
            generation = _begin_generation(state, chance, found)
        _finish_generation(fs, state, chance, generation)


def _begin_generation(state: State, chance: Chance, found: _Marker | None) -> str:
    if found is not None and found.generation == state.meta(NEXT):
        state.set_meta(CURRENT, found.generation)  # the last try ended after the marker was written
    generation = chance.token()
    state.set_meta(NEXT, generation)
    return generation


def _finish_generation(fs: Fs, state: State, chance: Chance, generation: str) -> None:
    _write(fs, _Marker(state.meta(ROOT) or "", state.meta(DEVICE) or "", generation), chance)
    with state.transaction():
        state.set_meta(CURRENT, generation)
        state.set_meta(NEXT, None)


def check(fs: Fs, state: State) -> bool:
    """Tell whether the folder is still the one that was begun with. What cannot be looked at is not."""
    try:
        return is_known(fs, state)
    except FsError:
        return False


def is_known(fs: Fs, state: State) -> bool:
    """Tell whether the folder is still the one that was begun with; raise FsError if it cannot be looked at."""
    found = _read(fs)
    return found is not None and _judge(state, found) is Start.KNOWN


def _judge(state: State, found: _Marker | None) -> Start:
    root, current, following = state.meta(ROOT), state.meta(CURRENT), state.meta(NEXT)
    if found is None:
        return Start.FIRST if current is None else Start.UNMOUNTED
    if found.root != root or found.generation not in {current, following}:
        return Start.NO_BASE
    if current is None:
        return Start.FIRST  # the first start ended after the marker was written
    return Start.KNOWN


def _forget_base(state: State, chance: Chance) -> None:
    state.clear_synced()
    state.drop_attempts([key for key, _ in state.attempts()])
    state.set_meta(ROOT, chance.token())


def _read(fs: Fs) -> _Marker | None:
    """Return the marker, or None if it is not there. One that cannot be understood is there, and known to nobody."""
    try:
        reading = fs.open(MARKER)
    except FsError as error:
        if error.trouble is Trouble.ABSENT:
            return None
        raise
    with contextlib.closing(reading):
        content = reading.read(MAX_MARKER, 0)
    try:
        return msgspec.json.decode(content, type=_Marker)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Marker("", "", "")


def _write(fs: Fs, marker: _Marker, chance: Chance) -> None:
    for folder in ((PRIVATE,), TMP):
        _make_folder(fs, folder)
    temporary = (*TMP, f"marker-{chance.token()}")
    writing = fs.create(temporary)
    with contextlib.closing(writing):
        writing.write(msgspec.json.encode(marker), 0)
        writing.sync()
    fs.replace(temporary, MARKER)
    fs.sync_folders([(), (PRIVATE,)])


def _make_folder(fs: Fs, folder: tuple[str, ...]) -> None:
    try:
        fs.make_folder(folder)
    except FsError as error:
        if error.trouble is not Trouble.EXISTS:
            raise
