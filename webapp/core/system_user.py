"""The user that the embedded PostgreSQL runs as when we are root, and what that user may reach."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

SYSTEM_USER = "steward-postgres"  # PostgreSQL refuses to run as root


class NotOurs(Exception):
    """Something else stands where a private directory should be."""


class Identity(NamedTuple):
    """What a child process is told about who it is; None means as we are."""

    name: str | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None


def server_identity(data: Path, *, reach: tuple[Path, ...]) -> Identity:
    """Who runs the server: we, or if we are root the owner of the data, or a user made for it."""
    if os.geteuid() != 0:
        return Identity()
    uid = data.stat().st_uid if data.exists() else 0
    user = name_of(uid) if uid != 0 else made_user()
    for path in reach:
        let_through(path, user)
    return Identity(user, pwd.getpwnam(user).pw_gid, ())


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def made_user() -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER).pw_name
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    if useradd is not None:
        subprocess.run([useradd, *options, SYSTEM_USER], check=False, capture_output=True)
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER).pw_name
    return "nobody"


def let_through(path: Path, user: str) -> None:
    """Let the server's user pass (not look into) the directories above a path."""
    for directory in (path, *path.parents):
        mode = directory.stat().st_mode
        if mode & stat.S_IXOTH or directory.stat().st_uid == pwd.getpwnam(user).pw_uid:
            continue
        setfacl = shutil.which("setfacl")
        command = [setfacl or "", "-m", f"u:{user}:x", str(directory)]
        if setfacl and subprocess.run(command, check=False, capture_output=True).returncode == 0:
            continue
        directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def own_directory(path: Path, user: str | None) -> None:
    """A directory that only the server's user may enter; anything else at its place is refused."""
    uid = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if found.st_uid == os.geteuid() != uid and stat.S_ISDIR(found.st_mode):
        os.chown(path, uid, -1, follow_symlinks=False)
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise NotOurs(f"{path} is not a directory of {name_of(uid)}; remove it.")
    path.chmod(0o700)
