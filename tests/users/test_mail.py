"""Mail goes out after the commit, to a real server, over TLS that is checked."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.core.test_unit_of_work import refusing
from webapp.core import smtp
from webapp.users import mail

NEW = {"name": "Zoë", "email": "zoe@example.com"}
FAILED = "did not take the mail"


class Inbox:
    """What a mail server was handed."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.mails: list[bytes] = []
        self.answer = answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.content)
        return self.answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Iterator[str]:
    server = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop()


@pytest.fixture
def mailing(app: Any) -> Iterator[Callable[[str], None]]:
    """`mailing(url)`: have the app hand its mail to that server."""
    before = app.extensions["steward"]

    def use(url: str) -> None:
        app.extensions["steward"] = before.model_copy(update={"smtp_url": url})

    yield use
    app.extensions["steward"] = before


def test_a_forged_host_gets_no_link(app: Any, sign_in: Any, mailing: Any) -> None:
    inbox, client = Inbox(), sign_in("*")
    with serving(inbox) as address:
        mailing(f"smtp://{address}")
        cookie = f"steward={client.get_cookie('steward').value}"
        forged = {"Host": "evil.example", "Cookie": cookie}
        forger = app.test_client(use_cookies=False)
        assert forger.post("/users/new", data=NEW, headers=forged).status_code == 303
    (one,) = inbox.mails
    assert b"http://127.0.0.1:8000/invitation/" in one and b"evil.example" not in one


def test_a_form_sent_twice_is_mailed_once(sign_in: Any, mailing: Any, audit_rows: Any) -> None:
    inbox, client = Inbox(), sign_in("*")
    with serving(inbox) as address:
        mailing(f"smtp://{address}")
        first, second = (client.post("/users/new", data=NEW | {"_key": "once"}) for _ in "ab")
    assert first.location == second.location
    shown = client.get(first.location).text
    assert "zoe@example.com by mail" in shown
    assert "/invitation/" not in shown and FAILED not in shown
    assert [b"/invitation/" in one for one in inbox.mails] == [True]
    (row,) = audit_rows("user", int(first.location.rsplit("/", 1)[1]), action="mail.sent")
    assert row["actor_id"] == client.user.id and row["outcome"] == "ok"
    assert row["request_id"] == first.headers["X-Request-ID"]


def test_what_was_not_saved_is_not_announced(sign_in: Any, mailing: Any, owner: Any) -> None:
    inbox, client = Inbox(), sign_in("*")
    with serving(inbox) as address:
        mailing(f"smtp://{address}")
        with refusing(owner, "user_tokens", deferred=True):
            assert client.post("/users/new", data=NEW).status_code == 503
        assert client.post("/users/new", data=NEW | {"name": ""}).status_code == 422
        assert inbox.mails == []
        assert client.post("/users/new", data=NEW).status_code == 303
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("refusal", [None, "554 no"])
def test_a_mail_that_was_not_taken_is_told(
    sign_in: Any, mailing: Any, audit_rows: Any, refusal: str | None
) -> None:
    inbox, client = Inbox(refusal or ""), sign_in("*")
    if refusal:
        with serving(inbox) as address:
            mailing(f"smtp://{address}")
            page = client.post("/users/new", data=NEW).location
    else:
        mailing(f"smtp://127.0.0.1:{free_port()}")
        page = client.post("/users/new", data=NEW).location
    shown = client.get(page).text
    assert FAILED in shown and "by mail" not in shown
    assert FAILED in client.get(page).text  # until there is a new link
    (row,) = audit_rows("user", int(page.rsplit("/", 1)[1]), action="mail.failed")
    assert row["outcome"] == "failed" and row["reason"]
    client.post(f"{page}/link", data={"copy": "y"})
    shown = client.get(page).text
    assert re.search(r"/invitation/[\w-]+", shown) and FAILED not in shown
    assert "/invitation/" not in client.get(page).text


def test_nobody_copies_a_link_that_went_out(sign_in: Any, mailing: Any) -> None:
    inbox, client = Inbox(), sign_in("*")
    with serving(inbox) as address:
        mailing(f"smtp://{address}")
        page = client.post("/users/new", data=NEW).location
        client.post(f"{page}/link", data={"copy": "y"})
    assert "/invitation/" not in client.get(page).text
    assert len(inbox.mails) == 2


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> trustme.CA:
    """A certificate authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def with_certificate(authority: trustme.CA, scheme: str) -> dict[str, Any]:
    """How a server that shows a certificate of the authority is started."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if scheme == "smtps":
        # aiosmtpd offers AUTH only after STARTTLS, unless told so.
        return {"ssl_context": context, "auth_require_tls": False}
    return {"tls_context": context, "require_starttls": True}


def send(url: str) -> None:
    mail.send(smtp_url=url, sender="steward@example.com", to="a@b.org", subject="Hi", body="Hello")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_trusted_certificate(authority: trustme.CA, scheme: str) -> None:
    inbox, tried = Inbox(), []

    def check(*args: Any) -> AuthResult:
        tried.append(args[-1])
        return AuthResult(success=True)

    options = with_certificate(authority, scheme)
    with serving(inbox, authenticator=check, auth_required=True, **options) as address:
        send(f"{scheme}://us%40er:p%2Fw@{address}")
    assert len(inbox.mails) == 1
    assert tried == [LoginPassword(b"us@er", b"p/w")]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_of_somebody_else_is_refused(authority: trustme.CA, scheme: str) -> None:
    inbox = Inbox()
    with (
        serving(inbox, **with_certificate(trustme.CA(), scheme)) as address,
        pytest.raises(mail.MailFailed, match="SSLCertVerificationError"),
    ):
        send(f"{scheme}://{address}")
    assert inbox.mails == []


def test_no_password_goes_out_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    monkeypatch.setattr(smtp, "HERE", frozenset())
    with (
        serving(inbox) as address,
        pytest.raises(mail.MailFailed, match="NotEncrypted"),
    ):
        send(f"smtp://user:password@{address}")
    assert inbox.mails == []
