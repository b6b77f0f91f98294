"""What commands of this machine may do to a data folder, beside a running server through it or else by themselves."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.account_operations import account_operations
from app.application import Cairn, open_cairn
from app.config import Settings
from app.control import TIMEOUT_S, Operation, ask_server
from app.data_folder import DataFolder, DataFolderError
from storage.disk import LocalDisk
from storage.errors import StorageError


def operations_of(cairn: Cairn) -> dict[str, Operation]:
    """Return every operation by its name; arguments and answers are plain JSON."""

    async def rotate_keys(arguments: Mapping[str, Any]) -> None:
        cairn.keyring.rotate(int(time.time()), void_old=bool(arguments["now"]))

    async def collect(arguments: Mapping[str, Any]) -> dict[str, Any]:
        return asdict(await cairn.collector.collect(over_half=bool(arguments["over_half"])))

    async def show_tls(_: Mapping[str, Any]) -> dict[str, Any]:
        certificates = cairn.services.certificates
        return {"in_use": certificates.shown is not None, "problem": certificates.problem}

    async def migrate(arguments: Mapping[str, Any]) -> None:
        if arguments["undo"]:
            await cairn.migration.undo()
        else:
            await cairn.migration.begin(str(arguments["to"]))

    async def empty(_: Mapping[str, Any]) -> None:
        await cairn.migration.empty()

    async def store_status(_: Mapping[str, Any]) -> dict[str, Any]:
        return asdict(await cairn.migration.status())

    store = {"store.migrate": migrate, "store.empty": empty, "store.status": store_status}
    return {
        **store,
        "gc": collect,
        "tls.status": show_tls,
        "keys.rotate": rotate_keys,
        **cairn.at_rest.operations(),
        **account_operations(cairn.services),
    }


def require_folder(settings: Settings) -> None:
    """Make no data folder where somebody only mistyped its name.

    Raises:
        DataFolderError: there is no data folder.
    """
    if not DataFolder(settings.data.folder, LocalDisk()).exists:
        raise DataFolderError(f"There is no Cairn in {settings.data.folder}: name its data folder with --data.")


async def perform(
    settings: Settings, operation: str, arguments: Mapping[str, Any], *, timeout_s: float | None = TIMEOUT_S
) -> Any:
    """Do an operation on the data folder: through the server that runs on it, else here under its lock.

    Args:
        timeout_s: how long the server may take; None for as long as it likes.

    Raises:
        ControlError: the running server refused.
        DataFolderError: another process has the folder and does not answer.
        AppError, StorageError: refused here.
    """
    folder = DataFolder(settings.data.folder, LocalDisk())
    try:
        return await ask_server(folder, operation, arguments, timeout_s=timeout_s)
    except OSError:  # no server answers: the lock tells whether that is because none runs
        pass
    try:
        with folder:
            async with open_cairn(settings, folder, on_failure=_ignore) as cairn:
                return await operations_of(cairn)[operation](arguments)
    except DataFolderError as error:
        raise DataFolderError(f"{error} It does not answer on {Path('guard') / folder.control.name}.") from error


def _ignore(_: StorageError) -> None:
    """Do nothing: the operation itself raises what the disk did."""
