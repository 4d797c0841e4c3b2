"""Markdown of people becomes HTML that can do no harm, and reads as they meant it."""

import pytest
from flask import Flask

from webapp.tickets import markdown, mentioning
from webapp.tickets.markdown import Links

LINKS = Links(person="/users/", files=((5, "/tickets/1001/files/5/preview"),))
EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe src=//evil.example></iframe>",
    "<style>body{display:none}</style>",
    '<svg onload="alert(1)">',
    "<form action=/logout method=post><button>x",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "[x](\\\\evil.example)",
    "[x](file:///etc/passwd)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](https://evil.example/track.png)",
    '![x](attachment:5 "><script>alert(1)</script>")',
    '![" onerror="alert(1)](attachment:5)',
    '[x](https://a.example "onclick=alert(1)")',
    '[x](https://a.example/"onmouseover="alert(1))',
    "<https://a.example/<script>>",
    "[x]: javascript:alert(1)\n\n[x]",
    "[@x](user:1'onclick='alert(1))",
    "[@x](user:../../logout)",
    "[f](attachment:5/../../../logout)",
    "```<script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```",
    '```" onload="alert(1)\nx\n```',
    "> <details open ontoggle=alert(1)>\n> a\n> b\n> c\n> d\n\nx",
    "|<img src=x onerror=alert(1)>|\n|-|\n|<b onclick=alert(1)>x|",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<details open ontoggle=alert(1)>",
    "www.evil.example\u202ejavascript:alert(1)",
]


@pytest.mark.parametrize("typed", EVIL)
def test_nothing_that_runs_comes_through(app: Flask, typed: str) -> None:
    with app.test_request_context():
        html = str(markdown.render(typed, LINKS))
    tags = html.replace("&lt;", "").lower()
    for bad in (
        "<script",
        "<iframe",
        "<style",
        "<svg",
        "<form",
        "<button",
        'src="https',
        'src="data',
    ):
        assert bad not in tags, html
    inside = [part.split(">")[0] for part in html.split("<")[1:]]
    for tag in inside:
        plain = tag.lower()
        assert " on" not in _without_values(plain), html
        assert "javascript:" not in plain and "data:" not in plain and "vbscript:" not in plain, (
            html
        )
        assert 'href="//' not in plain and 'href="/\\' not in plain, html


def _without_values(tag: str) -> str:
    """The tag without what stands in quotes."""
    return "".join(tag.split('"')[::2])


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("**b** *i* ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>"),
        ("# Big\n\n## Less", "<h4>Big</h4>\n<h5>Less</h5>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        (
            "see https://a.b/?c=1&d",
            '<p>see <a href="https://a.b/?c=1&amp;d" rel="noopener nofollow" target="_blank">https://a.b/?c=1&amp;d</a></p>',
        ),
        ("[t](/tickets/1002)", '<p><a href="/tickets/1002">t</a></p>'),
        ("setup.py and a.b", "<p>setup.py and a.b</p>"),
        ("[@Ana](user:7)", '<p><a href="/users/7" class="mention">@Ana</a></p>'),
        (
            "![a](attachment:5)",
            '<p><img class="shot" src="/tickets/1001/files/5/preview" alt="a" loading="lazy"></p>',
        ),
        ("![gone](attachment:6) [f](attachment:6)", "<p>gone <span>f</span></p>"),
        ("```\na < b\n```", '<pre tabindex="0"><code>a &lt; b\n</code></pre>'),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
    ],
)
def test_it_reads_as_it_was_meant(app: Flask, typed: str, html: str) -> None:
    with app.test_request_context():
        assert str(markdown.render(typed, LINKS)).strip() == html


def test_long_quotes_are_folded_beside_an_answer_and_open_alone(app: Flask) -> None:
    quote = "\n".join(f"> line {n}" for n in range(5))
    with app.test_request_context():
        folded = str(markdown.render(f"{quote}\n\nThanks", LINKS))
        assert folded.startswith(
            '<details class="quoted"><summary>Quoted text</summary><blockquote>'
        )
        assert "details" not in markdown.render(quote, LINKS)
        assert "details" not in markdown.render("> short\n\nThanks", LINKS)


def test_a_mention_without_a_page_of_people_is_no_link(app: Flask) -> None:
    with app.test_request_context():
        assert "href" not in markdown.render("[@Ana](user:7)", Links())


def test_mentions_are_read_and_named() -> None:
    body = "[@A](user:3) [@B](user:3) [@C](user:04) [x](user:5) [@D](user:6)"
    assert mentioning.mentioned(body) == [3, 6]
    assert mentioning.named("[@A](user:3), [@B](user:4)", {3: "Ana [x]"}) == "[@Ana x](user:3), @B"
