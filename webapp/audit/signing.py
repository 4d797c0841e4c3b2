"""The keys that sign seals: Ed25519, the private one in a file that its owner alone may read."""

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_LENGTH = 32
OTHERS = 0o007


class ProofError(Exception):
    """What keeps the sealer from its work, in words for whoever runs the machine: English, like its log."""


class NoSealer(ProofError):
    """Nobody can seal or verify here: the sealer's role or key is unknown, or cannot be used."""


def load_key(path: Path, *, create: bool = False) -> Ed25519PrivateKey:
    """Read the private key that signs seals; make one, readable by its owner only, if there is none.

    Raises:
        NoSealer: there is no such key, or it cannot be used.
    """
    try:
        if create and not path.exists():
            _make(path)
        if path.stat().st_mode & OTHERS:
            raise NoSealer(f"{path}: others may use this key; take that from them (chmod 600)")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise NoSealer(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NoSealer(f"{path}: is no private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoSealer(f"{path}: is no Ed25519 key")
    return key


def public_key(path: Path) -> bytes:
    """Give the 32 bytes of a public key: of the private key in a file, or the public one in it (PEM or hex).

    Raises:
        NoSealer: there is no such key, or it cannot be used.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NoSealer(f"{path}: {error.strerror}") from error
    if b"PRIVATE" in text:
        return load_key(path).public_key().public_bytes_raw()
    with suppress(ValueError, UnicodeDecodeError):
        if len(raw := bytes.fromhex(text.decode().strip())) == KEY_LENGTH:
            return raw
    try:
        key = serialization.load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoSealer(f"{path}: is no public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise NoSealer(f"{path}: is no Ed25519 key")
    return key.public_bytes_raw()


def trusted_keys(path: Path) -> frozenset[bytes]:
    """Give the public keys that may have signed: of the private key in ``path``, and of those it replaced.

    The latter stand in a file beside it, one a line in hex.

    Raises:
        NoSealer: there is no such key, or it cannot be used.
    """
    earlier = _earlier(path)
    lines = earlier.read_text().split() if earlier.exists() else []
    try:
        return frozenset({public_key(path), *map(bytes.fromhex, lines)})
    except ValueError as error:
        raise NoSealer(f"{earlier}: is no list of public keys") from error


def trust_also(path: Path, public: bytes) -> None:
    """Note that the private key in ``path`` replaces the one that belongs to ``public``."""
    if public not in trusted_keys(path):
        with _earlier(path).open("a") as file:
            file.write(public.hex() + "\n")


def _earlier(path: Path) -> Path:
    return path.with_name(path.name + ".earlier")


def is_signed(message: bytes, signature: bytes, public: bytes) -> bool:
    """Tell whether the owner of a public key signed this."""
    try:
        _read(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=16)
def _read(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def _make(path: Path) -> None:
    """Write a new key aside and link it into place, so that of two first starts both read the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text)
        os.fsync(descriptor)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        os.close(descriptor)
        draft.unlink()
