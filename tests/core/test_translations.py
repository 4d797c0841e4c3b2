"""The interface speaks Spanish, and wholly."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.pages import CheckedClient

SPANISH = Path(__file__).parents[2] / "translations" / "es" / "LC_MESSAGES"


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (SPANISH / "messages.po").open("rb") as source:
        return read_po(source, locale="es")


def _forms(texts: str | tuple[str, ...] | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)\w", text))


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def test_every_text_is_translated(catalogue: Catalog) -> None:
    messages = _messages(catalogue)
    assert len(messages) > 300
    assert [one.id for one in messages if one.fuzzy or not all(_forms(one.string))] == []


def test_placeholders_are_kept(catalogue: Catalog) -> None:
    differing = [
        one.id
        for one in _messages(catalogue)
        for text, translated in zip(_forms(one.id), _forms(one.string), strict=True)
        if _placeholders(text) != _placeholders(translated)
    ]
    assert differing == []


def test_the_compiled_catalogue_is_up_to_date(catalogue: Catalog) -> None:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    assert (SPANISH / "messages.mo").read_bytes() == compiled.getvalue()


def test_signing_in_is_spanish_for_who_prefers_it(client: CheckedClient) -> None:
    page = client.get("/login", headers={"Accept-Language": "es"}).get_data(as_text=True)
    assert '<html lang="es"' in page
    assert "Iniciar sesión" in page
    assert "Correo electrónico" in page
    assert "E-mail address" not in page
