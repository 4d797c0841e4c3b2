"""A log in a database of its own."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.audit import sealed
from webapp.core.config import Settings


@pytest.fixture(scope="session")
def sealed_once(
    migrated_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Ed25519PrivateKey]:
    return sealed.make(migrated_database("sealed"), tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def log(sealed_once: tuple[Settings, Ed25519PrivateKey]) -> Iterator[sealed.Log]:
    """A log with four seals: 10 rows of last month, 11 + 20 + 10 of this one; what happens to it is taken back."""
    with sealed.as_owner(sealed_once[0]) as owner, owner.transaction() as transaction:
        yield sealed.Log(*sealed_once, owner)
        raise psycopg.Rollback(transaction)
