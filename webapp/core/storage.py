"""Where the bytes of files lie: one small interface, and the local disk as its first implementation.

A file is found by its sha-256, so two equal ones lie there once. What is received is a draft until somebody keeps it:
that leaves time to look at it, and to lock its hash against a purge.
"""

import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Protocol

from flask import current_app

from webapp.core.errors import DomainError
from webapp.core.language import _

BLOCK = 256 * 1024
MAX_BYTES = 25 * 1024 * 1024
SHA256 = re.compile(r"[0-9a-f]{64}")
_DRAFTS = "drafts"
_ABANDONED = 24 * 3600  # seconds after which nobody is still writing a draft
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class TooLarge(DomainError):
    """The file holds more bytes than it may."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"

    def __init__(self, limit: int) -> None:
        """Name the limit."""
        super().__init__(_("It is larger than %(limit)s MB.", limit=limit // 1024**2))


class StorageFull(DomainError):
    """The disk takes no more."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    code = "storage_full"

    def __init__(self) -> None:
        """Say that nothing was saved."""
        super().__init__(_("There is no space left for files. Nothing was saved."))


class Draft(Protocol):
    """Bytes that were received and are not kept yet."""

    sha256: str
    size: int

    def open(self) -> IO[bytes]:
        """Read them."""

    def keep(self) -> None:
        """Put them where ``Storage.open`` finds them; doing so twice does no harm."""


class Storage(Protocol):
    """What every kind of storage does."""

    def receive(
        self, stream: IO[bytes], *, limit: int = MAX_BYTES
    ) -> AbstractContextManager[Draft]:
        """Take in a stream; what is not kept until the end of the block is forgotten."""

    def open(self, sha256: str) -> IO[bytes]:
        """Read a file; raises FileNotFoundError."""

    def exists(self, sha256: str) -> bool:
        """Tell whether the file is there."""

    def delete(self, sha256: str) -> bool:
        """Remove a file; tell whether it was there."""

    def names(self) -> Iterator[str]:
        """Go through the hashes of all files."""


def put(storage: Storage, stream: IO[bytes], *, limit: int = MAX_BYTES) -> tuple[str, int]:
    """Receive and keep; return hash and size."""
    with storage.receive(stream, limit=limit) as draft:
        draft.keep()
        return draft.sha256, draft.size


class LocalDraft:
    """A file aside, of which the hash is known."""

    def __init__(self, path: Path, target: Path, *, sha256: str, size: int) -> None:
        """Remember where it lies and where it would go."""
        self.path, self.target = path, target
        self.sha256, self.size = sha256, size

    def open(self) -> IO[bytes]:
        """Read it, wherever it is by now."""
        return (self.path if self.path.exists() else self.target).open("rb")

    def keep(self) -> None:
        """Rename it into place: others see all of it or nothing."""
        if self.target.exists() or not self.path.exists():
            return
        with _full_disk():
            self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.replace(self.target)
            _sync_directory(self.target.parent)


class LocalStorage:
    """Files below one directory, in 256 folders by the first two digits of their hash."""

    def __init__(self, root: Path) -> None:
        """Work below ``root``, which need not exist."""
        self.root = root

    @contextmanager
    def receive(self, stream: IO[bytes], *, limit: int = MAX_BYTES) -> Iterator[LocalDraft]:
        """Write to a file aside while hashing.

        Raises:
            TooLarge: once ``limit`` is passed; the rest is not read.
            StorageFull: if the disk is.
        """
        with _full_disk():
            drafts = self.root / _DRAFTS
            drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=drafts)  # 0600
        path = Path(name)
        try:
            with _full_disk(), os.fdopen(handle, "wb") as file:
                sha256, size = _copy(stream, file, limit)
            yield LocalDraft(path, self._path(sha256), sha256=sha256, size=size)
        finally:
            path.unlink(missing_ok=True)

    def open(self, sha256: str) -> IO[bytes]:
        """Read a file.

        Raises:
            FileNotFoundError: if it is not there.
        """
        return self._path(sha256).open("rb")

    def exists(self, sha256: str) -> bool:
        """Tell whether the file is there."""
        return self._path(sha256).is_file()

    def delete(self, sha256: str) -> bool:
        """Remove a file; tell whether it was there."""
        try:
            self._path(sha256).unlink()
        except FileNotFoundError:
            return False
        return True

    def names(self) -> Iterator[str]:
        """Go through the hashes of all files."""
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            for path in folder.iterdir():
                if SHA256.fullmatch(name := folder.name + path.name):
                    yield name

    def forget_drafts(self) -> int:
        """Remove what killed processes left half written; return how many."""
        before, count = time.time() - _ABANDONED, 0
        for path in (self.root / _DRAFTS).glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    count += 1
        return count

    def _path(self, sha256: str) -> Path:
        if not SHA256.fullmatch(sha256):
            raise ValueError("not a sha-256")
        return self.root / sha256[:2] / sha256[2:]


def files() -> LocalStorage:
    """Return the storage of this app's files."""
    return LocalStorage(current_app.extensions["steward"].data_dir / "files")


def _copy(stream: IO[bytes], file: IO[bytes], limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        size += len(block)
        if size > limit:
            raise TooLarge(limit)
        digest.update(block)
        file.write(block)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest(), size


def _sync_directory(path: Path) -> None:
    """Have the name survive a power cut, too."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageFull from error
        raise
