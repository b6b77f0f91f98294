"""cairn undo: what one device, person or link did in a span of time, taken back."""

from collections.abc import Sequence
from datetime import datetime

from client.cli.common import Parser, logged_in
from client.cli.takeback import show
from client.errors import UsageError
from client.moments import parse_time
from client.protocol_past import UndoRequest
from client.remote import Remote


def run(arguments: Sequence[str]) -> int:
    """Take back what one actor did, and keep what others have changed since."""
    parser = Parser(
        "undo",
        "Take back what one device, person or link did in a span of time. What others have changed since stays as it "
        "is and is listed. It is done by new changes, so it can itself be taken back.",
    )
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--device", metavar="NAME", help="one of your devices: its name or id")
    whose.add_argument("--user", metavar="NAME", help="a person: yourself, or one who may change what you own")
    whose.add_argument("--link", metavar="ID", help="one of your links")
    parser.add_argument("--from", dest="start", required=True, metavar="TIME", help="2026-11-24T18:30, or `2h ago`")
    parser.add_argument("--to", dest="end", default="now", metavar="TIME", help="as --from; now if left out")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    options = parser.parse_args(arguments)

    now = datetime.now().astimezone()
    start_ms, end_ms = parse_time(options.start, now), parse_time(options.end, now)
    with logged_in() as (remote, _):
        device_id = None if options.device is None else _device(remote, options.device)
        asked = UndoRequest(start_ms, end_ms, device_id, options.link, options.user, options.dry_run)
        return show(remote, remote.undo(asked), as_json=options.json, quiet=options.quiet)


def _device(remote: Remote, name: str) -> str:
    """Return the id of the device that is meant."""
    found = {device.device_id for device in remote.list_devices() if name in (device.name, device.device_id)}
    if len(found) != 1:
        what = "none of your devices" if not found else "more than one of your devices: give its id"
        raise UsageError(f"{name} is {what}; `cairn devices` lists them.")
    return found.pop()
