"""cairn limit: how much of the line sync may take, and when."""

import re
from argparse import Namespace
from collections.abc import Sequence

import msgspec

from client.cli.common import Parser, note, print_json
from client.cli.root import find_root, reload, split_words
from client.display import size_text
from client.errors import UsageError
from client.sync.settings import Rate

ACTIONS = ("list", "none")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([KMG]?)(?:i?B)?(?:/s)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SPAN = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)", re.ASCII)
_HOUR, _DAY = 60, 24 * 60


def run(arguments: Sequence[str]) -> int:
    """Show, set or remove limits."""
    parser = Parser(
        "limit",
        "Limit the bytes a second that sync sends and fetches, always or at some time of the day; without options, "
        "show the limits. A limit for a time of the day goes before the one for always; `none` removes all.",
    )
    parser.add_argument("words", metavar="[DIR] list|none", nargs="*", help="list if left out")
    parser.add_argument("--up", metavar="RATE", help="at most so much a second to the server: 2M, 500K, or none")
    parser.add_argument("--down", metavar="RATE", help="the same from the server")
    parser.add_argument("--between", metavar="HH:MM-HH:MM", help="only then; other times have limits of their own")
    options = parser.parse_args(arguments)

    folder, action, rest = split_words(options.words, ACTIONS)
    sets = options.up is not None or options.down is not None
    if rest or (action == "none" and sets) or (options.between is not None and not sets):
        raise UsageError("Say `none`, or --up and --down with or without --between: see `cairn limit --help`.")
    root = find_root(folder)
    settings = root.settings
    if sets or action == "none":
        settings = root.change(
            lambda now: msgspec.structs.replace(now, rates=_changed(now.rates, options) if sets else [])
        )
        if not reload(root):
            note("It counts from the next `cairn sync` on.", quiet=options.quiet)
    if options.json:
        print_json(settings.rates)
    elif not options.quiet:
        for rate in settings.rates:
            print(_line(rate))
        if not settings.rates:
            print("No limits.")
    return 0


def _changed(rates: Sequence[Rate], options: Namespace) -> list[Rate]:
    """Return the limits with that of one time changed as asked for, those for always last."""
    time = (0, 0) if options.between is None else _minutes(options.between)
    before = next((rate for rate in rates if _time(rate) == time), Rate())
    up = before.up if options.up is None else _bytes(options.up)
    down = before.down if options.down is None else _bytes(options.down)
    kept = [rate for rate in rates if _time(rate) != time]
    if up is not None or down is not None:
        kept.append(Rate(up, down, *time))
    return sorted(kept, key=lambda rate: (rate.from_minute == rate.to_minute, _time(rate)))


def _time(rate: Rate) -> tuple[int, int]:
    return rate.from_minute, rate.to_minute


def _bytes(text: str) -> int | None:
    if text == "none":
        return None
    found = _RATE.fullmatch(text)
    rate = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if rate < 1:
        raise UsageError(f"{text!r} is no rate: write bytes a second as 2M, 500K or none; `cairn pause` stops all.")
    return rate


def _minutes(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no time of the day: write 08:00-18:30.")
    times = [int(found[n]) * _HOUR + int(found[n + 1]) for n in (1, 3)]
    if any(int(found[n]) >= _HOUR for n in (2, 4)) or max(times) > _DAY:
        raise UsageError(f"{text!r} is no time of the day: write 08:00-18:30.")
    start, end = (time % _DAY for time in times)
    if start == end:
        raise UsageError("That is the whole day: leave --between out.")
    return start, end


def _line(rate: Rate) -> str:
    up, down = (f"{size_text(limit)}/s" if limit is not None else "no limit" for limit in (rate.up, rate.down))
    if rate.from_minute == rate.to_minute:
        return f"always       up {up}, down {down}"
    return f"{_clock(rate.from_minute)}-{_clock(rate.to_minute)}  up {up}, down {down}"


def _clock(minute: int) -> str:
    return f"{minute // _HOUR:02}:{minute % _HOUR:02}"
