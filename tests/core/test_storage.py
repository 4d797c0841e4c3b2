"""Bytes on the local disk: by hash, once, whole or not at all."""

import errno
import hashlib
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from webapp.core.storage import LocalStorage, StorageFull, TooLarge, put


@pytest.fixture
def disk(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def on_disk(disk: LocalStorage) -> list[Path]:
    return [path for path in disk.root.rglob("*") if path.is_file()]


def test_what_is_put_is_found_by_its_hash(disk: LocalStorage) -> None:
    content = b"abc" * 300_000
    name, size = put(disk, io.BytesIO(content))
    assert (name, size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert disk.exists(name)
    with disk.open(name) as file:
        assert file.read() == content
    assert list(disk.names()) == [name]


def test_equal_bytes_lie_there_once_and_are_private(disk: LocalStorage) -> None:
    name, _ = put(disk, io.BytesIO(b"same"))
    again, _ = put(disk, io.BytesIO(b"same"))
    assert again == name
    (path,) = on_disk(disk)
    assert path == disk.root / name[:2] / name[2:]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_draft_that_nobody_keeps_is_gone(disk: LocalStorage) -> None:
    with disk.receive(io.BytesIO(b"draft")) as draft, draft.open() as file:
        assert file.read() == b"draft"
    assert on_disk(disk) == []
    assert not disk.exists(draft.sha256)


def test_reading_stops_at_the_limit(disk: LocalStorage) -> None:
    endless = io.BytesIO(b"x" * 2_000_000)
    with pytest.raises(TooLarge), disk.receive(endless, limit=500_000):
        pass
    assert endless.tell() < 1_000_000
    assert on_disk(disk) == []


def test_a_full_disk_is_said_and_leaves_nothing(
    disk: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull), disk.receive(io.BytesIO(b"x")):
        pass
    assert on_disk(disk) == []


def test_delete_tells_whether_something_was_there(disk: LocalStorage) -> None:
    name, _ = put(disk, io.BytesIO(b"x"))
    assert disk.delete(name)
    assert not disk.delete(name)
    with pytest.raises(FileNotFoundError):
        disk.open(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_hash_is_a_name(disk: LocalStorage, name: str) -> None:
    with pytest.raises(ValueError, match="sha-256"):
        disk.open(name)


def test_abandoned_drafts_go(disk: LocalStorage) -> None:
    put(disk, io.BytesIO(b"x"))
    old, new = disk.root / "drafts" / "old", disk.root / "drafts" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(old, (yesterday, yesterday))
    assert disk.forget_drafts() == 1
    assert new.exists() and not old.exists()


def test_what_is_kept_can_still_be_read_and_kept_again(disk: LocalStorage) -> None:
    stream: Any = io.BytesIO(b"twice")
    with disk.receive(stream) as draft:
        draft.keep()
        draft.keep()
        with draft.open() as file:
            assert file.read() == b"twice"
