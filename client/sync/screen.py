"""A Status as one screen for a person: in step, or what is missing, and what to do about it."""

from collections.abc import Iterator, Sequence

from client.display import duration_text, size_text
from client.names import shown
from client.sync.known import Held
from client.sync.status import Status, Transfer

_MOST_LINES = 10  # of any one list
_PERCENT = 100
_STATES = {
    "in_step": "In step with the server.",
    "syncing": "Syncing.",
    "scanning": "Looking through the folder.",
    "paused": "Paused: `cairn resume` goes on.",
    "offline": "The server is out of reach: what changes here is sent when it is back.",
    "stopped": "Stopped: no process keeps this folder in step; `cairn sync` starts one.",
    "blocked": "Something is in the way, see below.",
}
_SIDES = {"here": "on this device", "there": "at the server"}
_AGES = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def render(status: Status, width: int, now_ms: int) -> str:
    """Return the screen, no line wider than `width` characters where a path can be cut; ends without a line end."""
    return "\n".join(_lines(status, max(width, 40), now_ms))


def summary(status: Status, *, agrees: bool) -> str:
    """Return how a run that has ended left things: a line, and one more for each thing that is not in order.

    `agrees` tells whether both sides agreed at its end, but for what is in the way.
    """
    blocked = sum(not problem.is_note for problem in status.problems)
    notes = len(status.problems) - blocked
    open_ends = [
        f"Not yet safe at the server: {_count(status.not_safe_files, 'file')}." if status.not_safe_files else "",
        f"To do: {pending}." if (pending := _pending(status)) else "",
        *(f"{_held(hold)} `cairn held` lists and decides." for hold in status.held),
        f"In the way: {_count(blocked, 'problem')}, told above." if blocked else "",
        f"Could not be looked at: {_count(len(status.unknown), 'path')}." if status.unknown else "",
    ]
    left = [f"  {line}" for line in open_ends if line]
    place = f"{shown(status.root)} and {shown(status.remote)} at {shown(status.server)}"
    if not agrees:
        first = f"{place} are not in step yet{':' if left else ': run it again.'}"
    else:
        first = f"{place} are in step{', but for this:' if left else '.'}"
    told = [f"Left out: {_count(notes, 'thing')} that cannot be synced, told above."] if notes else []
    return "\n".join((first, *left, *told, *_notes(status)))


def _lines(status: Status, width: int, now_ms: int) -> Iterator[str]:
    yield f"{shown(status.root)} and {shown(status.remote)} at {shown(status.server)}"
    yield _headline(status, now_ms)
    if pending := _pending(status):
        yield f"To do: {pending}."
    if status.transfers:
        yield ""
        yield _rates(status)
        yield from _listed([_transfer(transfer, width) for transfer in status.transfers], len(status.transfers))
    if status.not_safe_files:
        yield ""
        yield f"Not yet safe at the server: {_count(status.not_safe_files, 'file')}."
        yield from _listed([f"  {_cut(path, width - 2)}" for path in status.not_safe], status.not_safe_files)
    for hold in status.held:
        yield ""
        yield from _hold(hold, width)
    if status.problems:
        yield ""
        yield f"In the way ({len(status.problems):,}):"
        problems = [f"  {_named(item.path, item.message)}" for item in status.problems]
        yield from _listed(problems, len(problems))
    if status.unknown:
        yield ""
        yield "Could not be looked at, so nothing is taken for deleted there:"
        unknown = [f"  {_named(item.path, item.reason)}" for item in status.unknown]
        yield from _listed(unknown, len(unknown))
    notes = list(_notes(status))
    if notes:
        yield ""
        yield from notes


def _headline(status: Status, now_ms: int) -> str:
    line = _STATES[status.state]
    if status.state == "in_step" and (status.problems or status.held or status.unknown):
        line = "In step with the server, but for what is listed below."
    if status.state == "in_step" or status.last_sync_ms is None:
        return line
    return f"{line} Last in step {_age(now_ms - status.last_sync_ms)}."


def _pending(status: Status) -> str:
    pending = status.pending
    parts = [
        f"send {_count(pending.send, 'file')} ({size_text(pending.send_bytes)})" if pending.send else "",
        f"fetch {_count(pending.fetch, 'file')} ({size_text(pending.fetch_bytes)})" if pending.fetch else "",
        f"move {pending.move:,}" if pending.move else "",
        f"delete {pending.delete:,}" if pending.delete else "",
    ]
    return ", ".join(filter(None, parts))


def _rates(status: Status) -> str:
    rates = [
        f"{size_text(status.rate_up)}/s up" if any(item.up for item in status.transfers) else "",
        f"{size_text(status.rate_down)}/s down" if any(not item.up for item in status.transfers) else "",
        f"{duration_text(status.seconds_left)} left" if status.seconds_left is not None else "",
    ]
    return f"Under way: {', '.join(filter(None, rates))}"


def _transfer(transfer: Transfer, width: int) -> str:
    percent = _PERCENT * transfer.done // transfer.size if transfer.size else _PERCENT
    end = f"  {min(percent, _PERCENT):>3} % of {size_text(transfer.size)}"
    return f"  {'up  ' if transfer.up else 'down'}  {_cut(transfer.path, width - 8 - len(end))}{end}"


def _hold(hold: Held, width: int) -> Iterator[str]:
    yield _held(hold)
    yield from _listed([f"  {_cut(path, width - 2)}" for path in hold.examples], hold.files)
    yield "  `cairn held confirm` lets them go on, `cairn held refuse` brings the files back."


def _held(hold: Held) -> str:
    change = "going" if hold.reason == "held_deletes" else "becoming empty"
    return f"Held: {hold.files:,} of {hold.tracked:,} files {change} {_SIDES.get(hold.side, '')}, until you say so."


def _notes(status: Status) -> Iterator[str]:
    if status.conflicts:
        yield f"Conflict copies: {status.conflicts:,}; `cairn conflicts` lists them."
    if status.came_back:
        yield (
            f"Sent as new: {_count(status.came_back, 'file')}, since this device had lost its memory. What of them had "
            "been deleted elsewhere came back by that: delete what you do not want."
        )
    if status.polled_folders:
        yield (
            f"Polled: {_count(status.polled_folders, 'folder')}, since the system allows no more watches; raise "
            "fs.inotify.max_user_watches for changes there to be seen at once."
        )
    elif not status.watching and status.state != "stopped":
        yield "Polled: this disk does not tell of changes, so they are seen when the folder is looked through."


def _named(path: str, sentence: str) -> str:
    return shown(f"{path}: {sentence}" if path and not sentence.startswith(path) else sentence)


def _listed(lines: Sequence[str], of: int) -> Iterator[str]:
    """Yield the first lines of a list of `of` items, and how many more there are."""
    yield from lines[:_MOST_LINES]
    more = of - min(len(lines), _MOST_LINES)
    if more > 0:
        yield f"  … and {more:,} more"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _cut(path: str, width: int) -> str:
    """Return a path with its middle left out where it is too wide."""
    text = shown(path)
    if len(text) <= width:
        return text
    tail = max((width - 1) * 2 // 3, 1)
    return f"{text[: max(width - 1 - tail, 0)]}…{text[-tail:]}"


def _age(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    for length, unit in _AGES:
        if seconds >= length:
            return f"{_count(seconds // length, unit)} ago"
    return "just now"
