"""The PostgreSQL that Steward brings along, when no other is named."""

from __future__ import annotations

from pathlib import Path

OWNER = "postgres"
DATABASE = "steward"


class EmbeddedServer:
    """A server whose data lies in `<data_dir>/postgres`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def ensure(self) -> None:
        """Attach to the running server, or start it."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the server if this process started it."""

    def uri(self, user: str, database: str) -> str:
        """The address of a database for a role."""
        raise NotImplementedError


def server_for(data_dir: Path) -> EmbeddedServer:
    """The one server object of this process for a data directory."""
    return EmbeddedServer(data_dir)
