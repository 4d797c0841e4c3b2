"""Mentions in a text: ``[@Ana Ruiz](user:12)``, which reads well and names one person for good."""

import re
from collections.abc import Mapping

MENTION = re.compile(r"\[@([^\[\]\n]{1,200})\]\(user:([1-9]\d{0,17})\)", re.ASCII)
MOST = 50  # people that one message mentions


def mentioned(body: str) -> list[int]:
    """Return the ids of those whom a text mentions, in order and once."""
    return list(dict.fromkeys(int(found[2]) for found in MENTION.finditer(body)))[:MOST]


def named(body: str, names: Mapping[int, str]) -> str:
    """Write mentions with the names that people have; of whoever is not in ``names`` only the word stays."""

    def write(found: re.Match[str]) -> str:
        key = int(found[2])
        if key not in names:
            return f"@{found[1]}"
        return written(key, names[key])

    return MENTION.sub(write, body)


def written(user_id: int, name: str) -> str:
    """Return how a person is mentioned."""
    plain = " ".join(re.sub(r"[\[\]\n]", " ", name).split()) or "?"
    return f"[@{plain}](user:{user_id})"


def plain(body: str) -> str:
    """Return a text as it is read: mentions are names."""
    return named(body, {})
