"""Whose bucket it is: a mark names the store, so that two servers cannot share one and lose each other's chunks."""

import json
import secrets
from pathlib import Path

from storage.disk import Disk, replace_file
from storage.errors import BadStoreError
from storage.layout import BUCKET_LINE, LAYOUT, MARKED, read_claim, read_layout
from storage.s3.client import AwayError, Client
from storage.s3.keys import OBJECTS

MARK = "cairn-store.json"


class Claim:
    """What the data folder knows of its bucket: the store's id, and whether the bucket bears it already."""

    def __init__(self, root: Path, disk: Disk, *, is_beside: bool = False) -> None:
        """Read it; a new store gets an id.

        Args:
            root: the folder of the store.
            disk: the seam to the operating system.
            is_beside: the store has, or had, chunks in files as well.

        Raises:
            BadStoreError: the chunks of this store lie in files, or it is of a newer program.
        """
        self._disk = disk
        if not is_beside and read_layout(root, disk) == LAYOUT:
            raise BadStoreError(
                f'{root} keeps its chunks in files: leave storage.backend = "local", and see cairn store migrate.'
            )
        self._path, claim = read_claim(root, disk)
        lines = claim.decode("ascii", "replace").splitlines()
        if lines and (len(lines) not in {2, 3} or lines[0] != BUCKET_LINE):
            raise BadStoreError(f"{self._path} is of a newer program")
        self.store_id = lines[1] if lines else secrets.token_hex(16)
        self.is_made = self.was_made = len(lines) == 3  # noqa: PLR2004 - the third says so
        if not lines:
            self._write()

    def check(self, client: Client) -> None:
        """See that the bucket is this store's, and keeps what it is given; mark a new one.

        Raises:
            BadStoreError: it is not, or does not.
            StoreUnavailableError, StoreFullError: nothing can be said now.
        """
        if rules := client.expiring():
            raise BadStoreError(f"The bucket lets objects expire (lifecycle rule {rules[0]}): remove that rule.")
        owner = self._owner(client)
        if owner is None:
            if self.is_made:
                raise BadStoreError("The bucket does not bear the mark of this store: is it the right one?")
            if any(True for _ in client.keys(OBJECTS)):
                raise BadStoreError("The bucket holds objects of a store and no mark: name an empty one, or a prefix.")
            owner = self._mark(client)
        if owner != self.store_id:
            raise BadStoreError("The bucket belongs to another Cairn: name another bucket, or a prefix of its own.")
        if not self.is_made:
            self.is_made = True
            self._write()

    def _mark(self, client: Client) -> str | None:
        """Mark the bucket; return whose mark it bears then: another may have come first."""
        refused = None
        try:
            client.put(MARK, json.dumps({"store": self.store_id, "form": 1}).encode(), is_new=True)
        except AwayError as error:
            refused = error
        owner = self._owner(client)
        if owner is None and refused is not None:
            raise refused
        return owner

    @staticmethod
    def _owner(client: Client) -> str | None:
        try:
            return str(json.loads(client.get(MARK))["store"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise BadStoreError(f"The mark {MARK} in the bucket cannot be read.") from error

    def _write(self) -> None:
        text = f"{BUCKET_LINE}\n{self.store_id}\n".encode()
        replace_file(self._disk, self._path, text + (MARKED if self.is_made else b""))
