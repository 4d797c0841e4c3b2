"""What lies in what, as a file says: containers in the register, above and below, and those that cannot be."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, upload, verdicts
from webapp.assets.importing import checking, mapping

HEAD = "Tag,Name,Type,Client,Project,Lies in\n"


@pytest.fixture
def home() -> Any:
    factories.make_type("Server")
    client = factories.make_client("Acme", code="ACME")
    return client, factories.make_project("Move", client_id=client.id)


def _asset(client: Any, tag: str, **values: Any) -> Any:
    return factories.make_asset(tag=tag, client_id=client.id, **values)


def _places(owner: Any) -> dict[str, tuple[str | None, int | None]]:
    rows = owner.execute(
        "SELECT a.tag, p.tag AS container, a.project_id FROM assets a LEFT JOIN assets p ON p.id = a.parent_id"
    )
    return {row["tag"]: (row["container"], row["project_id"]) for row in rows.fetchall()}


@pytest.mark.parametrize(
    "name", ["Lies in", "Parent", "parent asset", "Contained in", "Dentro de", "Está en"]
)
def test_the_column_is_guessed(name: str) -> None:
    assert mapping.guess(["Tag", name]) == ["tag", "parent"]


def test_containers_of_the_register_and_of_the_file_wherever_they_stand(
    app: Flask, sign_in: Any, owner: Any, home: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    client, project = home
    _asset(client, "ROOM", project_id=project.id)
    _asset(client, "OLD", version=1)
    person = sign_in(*ALL)
    run = upload(
        person,
        HEAD
        + "BLADE-1,Blade,Server,Acme,,chassis\n"  # below its container, in another batch
        + "BLADE-2,Blade,Server,Acme,Move,CHASSIS\n"
        + "OLD,,,,,chassis\n"
        + "LONE,Lone,Server,Acme,,\n"
        + "CHASSIS,Chassis,Server,Acme,,RACK\n"
        + "RACK,Rack,Server,Acme,,room\n"
        + "CARD,Card,Server,Acme,,BLADE-1\n",
    )
    assert check(app, person, owner, run) == {"new": 6, "changed": 1}
    changes = verdicts(owner, run)[4]["changes"]
    assert changes["parent_id"] == ["", "CHASSIS"] and changes["project_id"] == ["", "Move"]
    page = person.get(f"/assets/import/{run}").text
    assert "Lies in" in page and "CHASSIS" in page
    assert apply(app, person, owner, run) == {"new": 6, "changed": 1, "added": 6, "updated": 1}
    assert _places(owner) == {
        "ROOM": (None, project.id),
        "RACK": ("ROOM", project.id),
        "CHASSIS": ("RACK", project.id),
        "BLADE-1": ("CHASSIS", project.id),
        "BLADE-2": ("CHASSIS", project.id),
        "CARD": ("BLADE-1", project.id),
        "OLD": ("CHASSIS", project.id),
        "LONE": (None, None),
    }
    again = upload(person, HEAD + "BLADE-1,Blade,Server,Acme,,CHASSIS\nOLD,,,,,CHASSIS\n")
    assert check(app, person, owner, again) == {"same": 2}


def test_what_cannot_lie_there_is_refused_with_the_reason(
    app: Flask, sign_in: Any, owner: Any, home: Any
) -> None:
    client, project = home
    other = factories.make_client("Other", code="OTHER")
    _asset(other, "THEIRS")
    _asset(client, "HERE", project_id=project.id)
    outer = _asset(client, "OUTER")
    inner = _asset(client, "INNER", parent_id=outer.id)
    _asset(client, "DEEP", parent_id=inner.id)
    person = sign_in(*ALL)
    rows = {
        "N-1,N,Server,Acme,,NOWHERE": "no such asset",
        "N-2,N,Server,Acme,,THEIRS": "no such asset",
        "N-3,N,Server,Acme,,N-3": "inside itself",
        "OUTER,,,Acme,,DEEP": "inside itself",
        "N-4,N,Server,Acme,,N-5": "inside itself",
        "N-5,N,Server,Acme,,N-4": "inside itself",
        "N-6,N,Server,Acme,,N-5": "lies in row 7, which is wrong",
        "N-7,N,Nonsense,Acme,,": "no type “Nonsense”",
        "N-8,N,Server,Acme,,N-7": "lies in row 9, which is wrong",
        "N-9,N,Server,Other,,N-10": "no such asset",
        "N-10,N,Server,Acme,,": "",
        "N-11,N,Server,Acme,Move,OUTER": "lies in the project of the asset",
        "N-12,N,Server,Acme,Move,HERE": "",
        "DEEP,,,Acme,Move,": "lies in the project of the asset",
    }
    run = upload(person, HEAD + "\n".join(rows) + "\n")
    assert check(app, person, owner, run) == {"new": 2, "wrong": 12}
    found = verdicts(owner, run)
    for line, words in enumerate(rows.values(), start=2):
        said = " ".join(problem[1] for problem in found[line]["problems"])
        assert (words in said) if words else not said, (line, said)


def test_what_is_out_of_sight_is_no_container(
    app: Flask, sign_in: Any, owner: Any, home: Any
) -> None:
    client, project = home
    _asset(client, "ROOM")
    _asset(client, "SHELF", project_id=project.id)
    person = sign_in(*ALL, project_id=project.id)
    rows = "A-1,A,Server,Acme,Move,ROOM\nA-2,A,Server,Acme,Move,SHELF\n"
    run = upload(person, HEAD + rows)
    assert check(app, person, owner, run) == {"new": 1, "wrong": 1}
    assert "none that you see" in verdicts(owner, run)[2]["problems"][0][1]


def test_an_empty_cell_takes_it_out_and_what_comes_along_is_not_refused(
    app: Flask, sign_in: Any, owner: Any, home: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(checking, "BATCH", 1)
    client, project = home
    box = _asset(client, "BOX")
    _asset(client, "IN", parent_id=box.id)
    _asset(client, "OUT", parent_id=box.id)
    person = sign_in(*ALL)
    rows = "OUT,,,Acme,,\nBOX,,,Acme,Move,\nIN,,,Acme,Move,BOX\n"
    run = upload(person, HEAD + rows)
    assert check(app, person, owner, run, clear_blank=True) == {"changed": 3}
    assert apply(app, person, owner, run)["updated"] == 2
    assert _places(owner) == {
        "BOX": (None, project.id),
        "IN": ("BOX", project.id),
        "OUT": (None, None),
    }


def test_a_container_that_is_refused_at_last_takes_its_rows_with_it(
    app: Flask, sign_in: Any, owner: Any, home: Any
) -> None:
    person = sign_in(*ALL)
    run = upload(
        person, HEAD + "BOX,Box,Server,Acme,,\nIN,In,Server,Acme,,BOX\nC,C,Server,Acme,,\n"
    )
    assert check(app, person, owner, run) == {"new": 3}
    owner.execute(
        "UPDATE asset_import_rows SET verdict = 'same' WHERE run_id = %s AND line = 2", [run]
    )
    assert apply(app, person, owner, run)["refused"] == 1
    assert set(_places(owner)) == {"C"}
    assert "not brought in" in verdicts(owner, run)[3]["problems"][0][1]
