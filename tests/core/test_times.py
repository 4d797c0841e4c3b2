"""Times as each reader's clock and language say them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask, g

from webapp.core.language import speaking
from webapp.core.templating import exactly, when, when_text

AT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def test_no_reader_sees_the_clock_of_another(app: Flask) -> None:
    readers = {
        ("America/New_York", "en"): "31 Jan 2026, 18:30",
        ("Asia/Tokyo", "en"): "1 Feb 2026, 08:30",
        ("America/New_York", "es"): "31 ene 2026, 18:30",
        ("Asia/Tokyo", "es"): "1 feb 2026, 08:30",
        ("UTC", "en"): "31 Jan 2026, 23:30",
    }
    for (zone, locale), said in readers.items():
        with app.test_request_context():
            g.reader = (ZoneInfo(zone), locale)
            assert when_text(AT) == said == when_text(AT.astimezone(ZoneInfo("Asia/Kolkata")))
            assert f">{said}</time>" in when(AT)


def test_a_mail_tells_times_in_the_language_of_whom_it_goes_to(app: Flask) -> None:
    with app.test_request_context():
        assert "Jan" in when_text(AT)
        with speaking("es"):
            assert "ene" in when_text(AT)
        assert "Jan" in when_text(AT)


def test_seconds_and_the_zone_are_told_where_they_count(app: Flask) -> None:
    with app.test_request_context():
        g.reader = (ZoneInfo("Europe/Madrid"), "es")
        assert ">1 feb 2026, 00:30:07 CET<" in exactly(AT.replace(second=7))
