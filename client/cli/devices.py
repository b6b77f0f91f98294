"""cairn devices: what is signed in to the account."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array, printable, time_text
from client.protocol_past import Device


def run(arguments: Sequence[str]) -> int:
    """List devices, sessions and app passwords, or end some."""
    parser = Parser("devices", "List what is signed in to the account, or end some of it at once.")
    parser.add_argument("action", nargs="?", choices=("list", "revoke"), default="list", help="list if left out")
    parser.add_argument("device_ids", nargs="*", metavar="ID", help="what to revoke, as the list names it")
    options = parser.parse_args(arguments)
    if (options.action == "revoke") != bool(options.device_ids):
        parser.error("revoke takes one ID or more, and list none")

    with logged_in() as (remote, _):
        for device_id in options.device_ids:
            remote.revoke_device(device_id)
        if options.action == "revoke":
            return 0
        if options.json:
            print_array(remote.list_devices())
        else:
            for device in remote.list_devices():
                print(_line(device))
    return 0


def _line(device: Device) -> str:
    limits = ""
    if device.scope is not None:
        reads = "reads alone" if device.scope.reach == "read" else ""
        folder = "one folder" if device.scope.folder_id is not None else ""
        webdav = "WebDAV alone" if device.scope.webdav_only else ""
        limits = ", ".join(filter(None, (reads, folder, webdav)))
    kind = device.kind.replace("_", " ")
    mark = "  (this one)" if device.current else f"  ({limits})" if limits else ""
    return f"{device.device_id}  {kind:<12}  {time_text(device.last_used_ms)}  {printable(device.name)}{mark}"
