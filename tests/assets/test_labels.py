"""Labels are drawn, and then scanned."""

import io
import time
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from flask import has_app_context
from PIL import Image
from reportlab.graphics.barcode.qrencoder import QR8bitByte, QRCode

from tests import factories
from webapp.assets import labels, qr
from webapp.assets.labels import LAYOUTS, Label, draw


def pages(pdf: bytes, *, scale: float = 4) -> list[Image.Image]:
    return [page.render(scale=scale).to_pil() for page in pypdfium2.PdfDocument(pdf)]


def scanned(picture: Image.Image) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"qr": [], "bars": []}
    for code in zxingcpp.read_barcodes(picture):
        found["qr" if code.format == zxingcpp.BarcodeFormat.QRCode else "bars"].append(code.text)
    return found


def words(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def made(number: int, **values: str) -> Label:
    tag = f"A-{number:06}"
    return Label(
        **{
            "tag": tag,
            "name": "Centrifugal pump, second floor",
            "client": "Northwind",
            "url": f"https://steward.example.com/assets/{tag}",
            **values,
        }
    )


@pytest.mark.parametrize("key", LAYOUTS)
def test_a_full_sheet_scans(key: str) -> None:
    layout = LAYOUTS[key]
    sheet = [made(number) for number in range(layout.each)]
    (picture,) = pages(draw(sheet, layout))
    found = scanned(picture)
    assert sorted(found["qr"]) == [one.url for one in sheet]
    assert sorted(found["bars"]) == [one.tag for one in sheet]


def test_labels_stay_on_the_page() -> None:
    for layout in LAYOUTS.values():
        for number in (0, layout.each - 1):
            x, y = layout.corner(number)
            assert x >= 0 and y >= -0.01
            assert x + layout.size[0] <= layout.page[0] + 0.01
            assert y + layout.size[1] <= layout.page[1] + 0.01


def test_a_used_sheet_begins_where_it_is_new() -> None:
    layout = LAYOUTS["a4-24"]
    first, second = pages(draw([made(1), made(2)], layout, start=24))
    assert scanned(first)["qr"] == [made(1).url]
    assert scanned(second)["qr"] == [made(2).url]
    (code,) = zxingcpp.read_barcodes(first, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.position.top_left.y > first.height * 0.8


def test_a_long_tag_has_no_bars_but_is_read_and_scanned() -> None:
    tag = "X" * 64
    one = made(1, tag=tag, url=f"https://steward.example.com/assets/{tag}?client=NORTHWIND-EUROPE")
    for layout in LAYOUTS.values():
        pdf = draw([one], layout)
        found = scanned(pages(pdf)[0])
        assert found == {"qr": [one.url], "bars": []}


def test_long_names_are_cut_and_other_alphabets_printed() -> None:
    layout = LAYOUTS["tape-62"]
    cyrillic, greek = "\u041d\u0430\u0441\u043e\u0441", "\u0391\u03bd\u03c4\u03bb\u03af\u03b1"
    text = words(draw([made(1, name=f"{cyrillic} {greek} Größe", client="Ünïted " * 30)], layout))
    assert cyrillic in text and greek in text and "Größe" in text
    assert labels.ELLIPSIS in text
    assert "□" not in text


def test_what_is_cut_fits() -> None:
    labels._fonts()
    whole = labels.lines("supercalifragilistic " * 9, labels.FONT, 8, 100, most=2)
    assert len(whole) == 2 and whole[1].endswith("…")
    assert labels.cut("abc", labels.FONT, 8, 100) == "abc"


@pytest.mark.parametrize("length", [1, 14, 15, 42, 43, 122, 123, 180, 181, 213, 214, 700, 2000])
def test_a_code_is_what_reportlab_makes_of_it(length: int) -> None:
    text = ("https://steward.example.com/assets/Ä-1?client=X&" * 50)[:length]
    slow = QRCode(None, qr.LEVEL)
    slow.addData(QR8bitByte(text))
    slow.version = slow.calculate_version()
    slow.makeImpl(False, qr.MASK)
    assert qr.modules(text) == [[bool(dark) for dark in row] for row in slow.modules]


def test_two_thousand_take_seconds() -> None:
    start = time.monotonic()
    pdf = draw([made(number) for number in range(labels.MOST)], LAYOUTS["a4-40"])
    assert time.monotonic() - start < 20  # 2 on an idle machine
    assert len(pypdfium2.PdfDocument(pdf)) == labels.MOST / 40


def test_the_label_of_an_asset_leads_to_it(sign_in: Callable[..., Any]) -> None:
    thing = factories.make_asset("Pump")
    client = sign_in("*")
    reply = client.get(f"/assets/{thing.tag}/label.pdf?layout=tape-24")
    assert (reply.status_code, reply.mimetype) == (200, "application/pdf")
    assert reply.headers["Content-Disposition"] == f"inline; filename=label-{thing.tag}.pdf"
    found = scanned(pages(reply.data)[0])
    assert found == {"qr": [f"http://localhost/assets/{thing.tag}"], "bars": [thing.tag]}
    assert client.get(f"/assets/{thing.tag}/label.pdf?layout=none").status_code == 404
    assert client.get(f"/assets/{thing.tag}/label.pdf?layout=a4-24&start=25").status_code == 404


def test_no_transaction_waits_for_the_drawing(
    sign_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    thing, client = factories.make_asset(), sign_in("*")
    inside: list[bool] = []

    def slow(*_: Any, **__: Any) -> bytes:
        inside.append(has_app_context())
        return b"%PDF-"

    monkeypatch.setattr(labels, "draw", slow)
    assert client.get(f"/assets/{thing.tag}/label.pdf").data == b"%PDF-"
    assert inside == [False]


def test_scanning_asks_to_sign_in_and_comes_back(client: Any) -> None:
    thing = factories.make_asset()
    reply = client.get(f"/assets/{thing.tag}")
    assert reply.status_code in {302, 303}
    assert f"next=/assets/{thing.tag}" in reply.location.replace("%2F", "/")


def test_of_two_with_one_tag_each_names_its_client(sign_in: Callable[..., Any]) -> None:
    for code in ("ONE", "TWO"):
        factories.make_asset(tag="SAME-1", client_id=factories.make_client(code=code).id)
    other = factories.make_asset(tag="SAME-2")
    ids = [other.id, other.id - 1, other.id - 2]
    reply = sign_in("*").post("/assets/labels", data={"ids": ids, "layout": "a4-24", "start": "1"})
    assert sorted(scanned(pages(reply.data)[0])["qr"]) == [
        "http://localhost/assets/SAME-1?client=ONE",
        "http://localhost/assets/SAME-1?client=TWO",
        "http://localhost/assets/SAME-2",
    ]


def test_chosen_or_all_that_match(
    sign_in: Callable[..., Any], audit_rows: Callable[..., list[dict[str, Any]]]
) -> None:
    pumps = [factories.make_asset(f"Pump {n}") for n in range(3)]
    factories.make_asset("Chair")
    client = sign_in("*")
    page = client.get(f"/assets/labels?ids={pumps[0].id},{pumps[1].id}").get_data(as_text=True)
    assert pumps[0].tag in page and pumps[2].tag not in page
    data = {"matching": "?q=pump", "layout": "letter-30", "start": "2"}
    reply = client.post("/assets/labels", data=data)
    assert len(scanned(pages(reply.data)[0])["qr"]) == 3
    (row,) = audit_rows(action="asset.labelled", actor_id=client.user.id)
    assert (row["category"], row["changes"]["rows"]) == ("export", 3)
    assert client.get("/assets/labels").status_code == 200  # says what to do


@pytest.mark.parametrize(
    "wrong", [{"layout": "a3"}, {"start": "0"}, {"start": "25"}, {"start": "x"}, {"ids": ""}]
)
def test_what_is_wrong_is_said(sign_in: Callable[..., Any], wrong: dict[str, str]) -> None:
    thing = factories.make_asset()
    data = {"ids": str(thing.id), "layout": "a4-24", "start": "1", **wrong}
    assert sign_in("*").post("/assets/labels", data=data).status_code == 422


def test_another_clients_assets_get_no_labels(sign_in: Callable[..., Any]) -> None:
    mine, other = factories.make_asset(), factories.make_asset()
    client = sign_in("assets", client_id=mine.client_id)
    assert client.get(f"/assets/{other.tag}/label.pdf").status_code == 404
    reply = client.post(
        "/assets/labels", data={"ids": [mine.id, other.id], "layout": "a4-24", "start": "1"}
    )
    assert scanned(pages(reply.data)[0])["bars"] == [mine.tag]


def test_the_pdf_is_one(sign_in: Callable[..., Any]) -> None:
    thing = factories.make_asset("Name with “quotes” & <b>tags</b>")
    pdf = sign_in("assets").get(f"/assets/{thing.tag}/label.pdf").data
    assert "<b>tags</b>" in words(pdf).replace("\r\n", "")
    assert io.BytesIO(pdf).read(5) == b"%PDF-"


def test_a_wrong_first_place_is_said_there_and_a_tape_has_none(sign_in: Callable[..., Any]) -> None:
    thing = factories.make_asset()
    client = sign_in("assets")
    data = {"ids": [thing.id], "layout": "a4-24", "start": "25"}
    refused = client.post("/assets/labels", data=data)
    assert refused.status_code == 422
    assert "This sheet has the places 1 to 24." in refused.text.split('id="start-error"')[1]
    tape = next(key for key, layout in LAYOUTS.items() if layout.each == 1)
    printed = client.post("/assets/labels", data=data | {"layout": tape, "start": "3"})
    assert printed.status_code == 200 and printed.mimetype == "application/pdf"
