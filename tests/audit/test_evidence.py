"""A bundle of evidence proves itself anywhere, and no longer once anything of it was changed."""

# ruff: noqa: S311, S608 - chance, not secrets; the texts are ours

import base64
import contextlib
import hashlib
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.audit import sealed
from webapp.audit.evidence import bundle, covering, verify
from webapp.audit.merkle import root_of
from webapp.audit.multiproof import multiproof, root_from

ASKED = bundle.Asked(
    query="period=7",
    words=[("When", "Last 7 days")],
    made_at=datetime(2026, 1, 2, tzinfo=UTC),
    person={"id": 1, "name": "Aud Itor", "email": "aud@example.com"},
    source="https://steward.example.com",
    withheld=2,
)
LAST = "(SELECT max(id) FROM audit_event)"  # under seal 4


def make(log: sealed.Log, target: Path, where: str = "true") -> Path:
    """Unpack the bundle of some rows of a log into a directory."""
    rows = log.owner.execute(
        "SELECT id, epoch, xid::text::bigint, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM')"
        f" FROM audit_event WHERE {where} ORDER BY recorded_at, id"
    ).fetchall()
    packed = target.with_suffix(".zip")
    with log.as_sealer(), packed.open("wb") as file:
        found = covering.Covering(log.owner)
        for row_id, epoch, xid, month in rows:
            found.add(covering.Ref(id=row_id, epoch=epoch, xid=xid, month=month))
        assert not found.left
        bundle.write(
            file,
            connection=log.owner,
            key=log.key,
            covering=found,
            asked=ASKED,
            tell=lambda _done: None,
        )
    zipfile.ZipFile(packed).extractall(target)
    return target


def run(directory: Path, *arguments: str) -> tuple[int, str]:
    """Run the script of a bundle as an auditor does: no package, no environment."""
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments],
        cwd=directory,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def wrong(path: Path, **asked: Any) -> str:
    """Say what the same script finds, without the price of a process."""
    asked = {"keys": [], "checkpoints": {}, "tell": lambda _text: None} | asked
    try:
        verify.Check(verify.Bundle(path), **asked).run()
    except verify.Wrong as error:
        return str(error)
    return ""


@pytest.fixture
def taken(log: sealed.Log, tmp_path: Path) -> Path:
    """Every third row, under all four seals."""
    return make(log, tmp_path / "taken", "id % 3 = 1")


def test_the_script_needs_python_alone(log: sealed.Log, taken: Path, tmp_path: Path) -> None:
    code, said = run(taken)
    assert code == 0, said
    rows = (taken / "rows.jsonl").read_text().splitlines()
    assert len(rows) > 10
    assert "VERIFIED" in said and f"Rows       {len(rows)}" in said
    assert "When: Last 7 days" in said and "Aud Itor" in said and "2 that this person" in said
    assert {"id", "recorded_at", "changes", "reason"} <= set(json.loads(rows[0]))
    key = log.key.public_key().public_bytes_raw().hex()
    kept = tmp_path / "kept.jsonl"
    lines = [{"seal": seal, "hash": digest.hex()} for seal, digest in log.heads().items()]
    kept.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, said = run(taken, "--public-key", key, "--checkpoints", str(kept))
    assert code == 0 and "Your checkpoints agree: 1 compared" in said
    assert "--public-key" not in said  # nothing more to ask for
    kept.write_text(json.dumps({"seal": 99, "hash": "00" * 32}) + "\n")
    code, said = run(taken, "--checkpoints", str(kept))
    assert code == 2 and "NOT COMPARED" in said and "from 1 to 4" in said
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(taken / "verify.py", elsewhere)
    assert run(elsewhere, str(taken.with_suffix(".zip")))[0] == 0


def test_a_changed_byte_of_any_file_is_found(taken: Path) -> None:
    chance = random.Random(5)
    for path in sorted(taken.iterdir()):
        good = path.read_bytes()
        places = chance.sample(range(len(good)), min(8, len(good)))
        for place in {0, len(good) - 1, *places}:
            bad = bytearray(good)
            bad[place] ^= 1 << chance.randrange(8)
            path.write_bytes(bad)
            assert wrong(taken), (path.name, place)
        path.write_bytes(good)
    path = taken / "rows.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"system"', b'"change"', 1))
    code, said = run(taken)
    assert code == 1 and "NOT VERIFIED" in said and "rows.jsonl, lines 1 to " in said


def test_what_is_missing_or_exchanged_is_found(taken: Path) -> None:
    def lines(name: str) -> list[str]:
        return (taken / name).read_text().splitlines(keepends=True)

    def without(name: str, change: Callable[[list[str]], list[str]]) -> str:
        good = (taken / name).read_bytes()
        (taken / name).write_text("".join(change(lines(name))))
        said = wrong(taken)
        (taken / name).write_bytes(good)
        return said

    assert "rows.jsonl" in without("rows.jsonl", lambda rows: rows[1:])
    assert "rows.jsonl" in without("rows.jsonl", lambda rows: rows[:-1])
    assert "no seal covers it" in without("rows.jsonl", lambda rows: [*rows, rows[0]])
    assert "lines" in without("rows.jsonl", lambda rows: [rows[1], rows[0], *rows[2:]])
    swapped = without("seals.jsonl", lambda seals: [seals[0], seals[2], seals[1], *seals[3:]])
    assert "the chain is broken" in swapped
    assert "seals.jsonl" in without("seals.jsonl", lambda seals: seals[:-1])
    assert "comes first" in without("seals.jsonl", lambda seals: seals[1:])
    assert without("proofs.jsonl", lambda proofs: proofs[1:])
    damaged = without("seals.jsonl", lambda seals: [seals[0], "{}\n", *seals[2:]])
    assert damaged.startswith("seals.jsonl, line 2: ")
    (taken / "verify.py").unlink()
    assert wrong(taken) == "verify.py is missing."


def test_it_runs_only_isolated_and_takes_no_file_it_cannot_prove(
    log: sealed.Log, taken: Path
) -> None:
    (taken / "json.py").write_text("raise SystemExit(0)")
    code, said = run(taken)
    assert code == 0 and "not proven: json.py" in said and "4 seals" in said
    command = [sys.executable, "verify.py"]
    done = subprocess.run(command, cwd=taken, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "python3 -I verify.py" in done.stderr
    with zipfile.ZipFile(taken.with_suffix(".zip")) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    target, rows = taken.with_name("more.zip"), files["rows.jsonl"]
    more = {"rows.jsonl": "the same name", "ROWS.jsonl": "the same name", "json.py": "json.py"}
    for name, named in more.items():
        with zipfile.ZipFile(target, "w") as packed:
            for each, data in files.items():
                packed.writestr(each, data)
            if name in files:
                with pytest.warns(UserWarning, match="Duplicate"):
                    packed.writestr(name, rows)
            else:
                packed.writestr(name, rows)
        assert named in wrong(target), name


def test_what_is_asked_wrongly_is_said(
    taken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["verify.py", str(taken), *arguments])
        with contextlib.suppress(SystemExit):
            assert verify.main() == 1
        return "".join(capsys.readouterr())

    assert "64 hexadecimal digits" in said("--public-key", "zz")
    assert f"cannot read {tmp_path / 'none'}" in said("--checkpoints", str(tmp_path / "none"))
    help_ = said("--help")
    assert "may be repeated" in help_ and "heads kept outside" in help_
    kept = tmp_path / "heads"
    lines = [{"seal": 7, "hash": "00" * 32}, {"seal": 7, "hash": "01" * 32}]
    kept.write_text("\n\n".join(json.dumps(line) for line in lines))
    assert "line 3: seal 7 has two different hashes" in said("--checkpoints", str(kept))
    kept.write_text("{}")
    assert "line 1: is no checkpoint" in said("--checkpoints", str(kept))
    assert (verify.many(1, "seal"), verify.many(2, "seal")) == ("1 seal", "2 seals")


def test_whoever_rewrites_it_all_needs_the_key_and_the_checkpoints(
    log: sealed.Log, tmp_path: Path
) -> None:
    mine = log.key.public_key().public_bytes_raw()
    heads = {2: log.value("SELECT hash FROM audit_seal WHERE id = 2")}
    other = replace(log, key=Ed25519PrivateKey.generate())
    log.tamper(
        f"UPDATE audit_event SET reason = 'as if' WHERE id = {LAST}",
        *("DELETE FROM audit_leaf", "DELETE FROM audit_seal"),
    )
    other.seal()
    forged = make(other, tmp_path / "forged")
    assert wrong(forged) == ""  # consistent in itself
    assert "another key" in wrong(forged, keys=[mine])
    log.tamper("DELETE FROM audit_leaf", "DELETE FROM audit_seal")
    log.seal()  # with the true key, too
    forged = make(log, tmp_path / "again")
    assert wrong(forged, keys=[mine]) == ""
    assert "your checkpoint" in wrong(forged, keys=[mine], checkpoints=heads)


def test_nothing_is_given_out_that_would_not_verify(log: sealed.Log, tmp_path: Path) -> None:
    log.tamper(f"UPDATE audit_event SET reason = 'as if' WHERE id = {LAST}")
    with pytest.raises(bundle.NotProven, match="seal 4"):
        make(log, tmp_path / "all")
    assert wrong(make(log, tmp_path / "some", f"id < {LAST} - 12")) == ""


def test_openssl_and_sha256_say_the_same(taken: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here")
    text = (taken / "README.txt").read_text()
    pem = text[text.index("-----BEGIN") : text.index("KEY-----", text.index("-----END")) + 8]
    (taken / "key.pem").write_text("\n".join(line.strip() for line in pem.splitlines()) + "\n")
    files = ("-in", "manifest.json", "-sigfile", "manifest.sig")
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", *files]
    done = subprocess.run(command, cwd=taken, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout, done.stderr
    manifest = json.loads((taken / "manifest.json").read_text())
    for name, said in manifest["files"].items():
        assert hashlib.sha256((taken / name).read_bytes()).hexdigest() == said["sha256"]
    assert base64.b64decode(pem.splitlines()[1].strip())[12:].hex() == manifest["public_key"]


def test_signatures_as_rfc_8032_has_them() -> None:
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify.signed_by(public, b"\x72", signature)
    large = int.from_bytes(signature[32:], "little") + verify.ORDER
    assert not verify.signed_by(public, b"\x72", signature[:32] + large.to_bytes(32, "little"))
    nothing = (1).to_bytes(32, "little")  # as a key it agrees with any message
    other = (verify.P - 1).to_bytes(32, "little")
    for small in (nothing, other, bytes(32), (verify.P + 1).to_bytes(32, "little")):
        assert not verify.signed_by(small, b"any", nothing + bytes(32))
    for size in range(20):
        key = Ed25519PrivateKey.generate()
        message = random.Random(size).randbytes(size)
        public, signature = key.public_key().public_bytes_raw(), key.sign(message)
        assert verify.signed_by(public, message, signature)
        assert not verify.signed_by(public, message + b"x", signature)
        assert not verify.signed_by(public[::-1], message, signature)


def test_one_proof_for_any_choice_of_leaves() -> None:
    chance = random.Random(7)
    for count in (*range(1, 20), 64, 65, 1000):
        leaves = [chance.randbytes(32) for _ in range(count)]
        for chosen in (
            {0},
            {count - 1},
            set(range(count)),
            {*chance.sample(range(count), (count + 1) // 2)},
        ):
            proof = multiproof(leaves, chosen)
            known = {place: leaves[place] for place in chosen}
            assert root_from(count, known, proof) == root_of(leaves)
            known[min(chosen)] = b"\1" * 32
            assert root_from(count, known, proof) != root_of(leaves)
            for bad in (proof[:-1], [*proof, b"\0" * 32]):
                if bad != proof:
                    with pytest.raises(ValueError, match="proof"):
                        root_from(count, known, bad)
