"""Posting something to an address outside: to no machine of the own network, and wherever it points, no further.

A name is resolved once, every address it has is looked at, and the connection goes to one of those: what the name
points at a moment later does not matter. Redirects are not followed.
"""

import base64
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT = 8.0  # seconds that one step may take
WHOLE = 20.0  # and all of them, however slowly somebody answers
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# They lead to an IPv4 address that is part of them; nobody needs them to be reached.
_TUNNELS = tuple(
    ipaddress.ip_network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


class NotPosted(Exception):
    """It was not taken; ``kind`` and ``detail`` say why, without anything secret."""

    def __init__(self, kind: str, detail: object = "") -> None:
        """Keep the kind (a word of the program) and its detail."""
        super().__init__(f"{kind}:{detail}")
        self.kind = kind
        self.detail = str(detail)


class _Plain(http.client.HTTPConnection):
    """Connects to the address that was looked at; the name is only said."""

    def __init__(self, name: str, port: int, address: Address) -> None:
        super().__init__(name, port, timeout=TIMEOUT)
        self._address = str(address)

    def connect(self) -> None:
        """Open the connection to the pinned address."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Encrypted(_Plain):
    """The same with TLS, whose certificate must be of the name."""

    def connect(self) -> None:
        """Open the connection and shake hands."""
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def post(url: str, body: bytes, *, headers: Mapping[str, str], allowed: Iterable[Network]) -> None:
    """Post ``body`` to ``url``; it is taken if the answer is a success.

    Args:
        url: http or https; a name and password in it are sent as such.
        body: what is sent.
        headers: besides those that belong to any request.
        allowed: networks that may be reached although they are not public.

    Raises:
        NotPosted: for whatever reason it was not taken.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = _resolve(parts.hostname or "", port, tuple(allowed))
        made = _Encrypted if parts.scheme == "https" else _Plain
        status = _send(made(parts.hostname or "", port, address), parts, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotPosted("failed", type(error).__name__) from error
    if HTTPStatus(300) <= status < HTTPStatus.BAD_REQUEST:
        raise NotPosted("redirected", status)
    if not HTTPStatus.OK <= status < HTTPStatus(300):
        raise NotPosted("answered", status)


def name_of(url: str) -> str:
    """Return an address as people may read it: without path, query and password, which may be secrets."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "?"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _resolve(host: str, port: int, allowed: tuple[Network, ...]) -> Address:
    """Return an address of a name, if each that it has may be reached."""
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotPosted("unknown-host", host) from error
    found = [_plain(str(row[4][0])) for row in rows]
    for address in found:
        if not _may_reach(address, allowed):
            raise NotPosted("own-network", address)
    return found[0]


def _plain(text: str) -> Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _may_reach(address: Address, allowed: tuple[Network, ...]) -> bool:
    if any(address in net for net in allowed if net.version == address.version):
        return True
    tunnel = any(address in net for net in _TUNNELS if net.version == address.version)
    return address.is_global and not address.is_multicast and not tunnel


def _send(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
) -> int:
    said = {"User-Agent": "Steward", "Connection": "close", **headers}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        said["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    clock = threading.Timer(WHOLE, _cut, (connection,))
    clock.daemon = True
    clock.start()
    try:
        connection.request("POST", path, body=body, headers=said)
        return connection.getresponse().status
    finally:
        clock.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection whose other side takes too long, however little it sends each time."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
