"""How the demo describes types of assets and models."""

from dataclasses import dataclass, field
from typing import Any


def attribute(key: str, label: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    """As much of an attribute as differs from the usual."""
    return {"key": key, "label": label, "kind": kind, **more}


@dataclass(frozen=True, kw_only=True, slots=True)
class Make:
    """A model: its maker's name, price, how its serial numbers look, and the attributes it always has.

    In a serial ``#`` is a digit, ``@`` a letter or digit, and ``{yw}`` the year and week of its making.
    """

    maker: str
    model: str
    cost: int
    serial: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A type of asset: how many there are of it, how they are tagged and named, and how long they are covered."""

    name: str
    tag: str
    count: int
    about: str
    attributes: tuple[dict[str, Any], ...]
    makes: tuple[Make, ...]
    title: str = "{model}"
    years: int = 3  # of warranty
    handed_out: bool = False
    work: tuple[str, ...] = ()  # projects that bring it
    varies: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    rooms: tuple[str, ...] = ()  # else any


MAC = attribute("mac", "MAC address", unique=True)
HOST = attribute("hostname", "Host name")
