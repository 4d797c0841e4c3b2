"""Handing a message to a mail server. Never waits long, never says more than that it failed."""

import smtplib
import ssl
from contextlib import ExitStack
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

TIMEOUT = 8.0
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class MailFailed(Exception):
    """The mail server did not take the message."""


class NotEncrypted(OSError):
    """The server offers no encryption, and is not to see a password without it."""


def deliver(smtp_url: str, message: EmailMessage) -> None:
    """Hand one message to the server at ``smtp_url`` (``smtp://`` or ``smtps://``, user and password optional).

    Raises:
        MailFailed: for whatever reason it was not taken.
    """
    try:
        with _connect(smtp_url) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailFailed(type(error).__name__) from error


def _connect(smtp_url: str) -> smtplib.SMTP:
    url = urlsplit(smtp_url)
    host, tls = url.hostname or "localhost", ssl.create_default_context()
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT, context=tls)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT)
    with ExitStack() as opened:
        opened.callback(server.close)
        if url.scheme == "smtp":
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=tls)
        if url.username:
            if not isinstance(server.sock, ssl.SSLSocket) and host not in HERE:
                raise NotEncrypted
            server.login(unquote(url.username), unquote(url.password or ""))
        opened.pop_all()  # all is well: the caller closes it
    return server
