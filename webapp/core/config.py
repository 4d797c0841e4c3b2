"""What differs between two deployments, read from the environment, checked at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
import secrets
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from webapp.core import embedded_pg

ROOT = Path(__file__).resolve().parents[2]
APP_ROLE = "steward_app"
SEALER_ROLE = "steward_sealer"
MIN_SECRET_LENGTH = 32
DRIVER = "postgresql+psycopg"


class ConfigError(Exception):
    """The environment is not fit to start with; one problem per line."""


def _database_url(value: str) -> str:
    try:
        url = make_url(value)
    except ArgumentError:
        raise ValueError("is not a URL") from None
    if url.drivername not in {"postgres", "postgresql", DRIVER}:
        raise ValueError(f"must start with postgresql://, not {url.drivername}://")
    if not url.database:
        raise ValueError("names no database")
    return url.set(drivername=DRIVER).render_as_string(hide_password=False)


def _starts_with(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must start with {' or '.join(f'{s}://' for s in schemes)}")
        return value.rstrip("/")

    return AfterValidator(check)


def _mail_address(value: str) -> str:
    if parseaddr(value)[1] != value or "@" not in value[1:-1]:
        raise ValueError("must be one mail address")
    return value


def _networks(value: object) -> tuple[Network, ...]:
    """Read networks (10.0.0.0/8) with commas between."""
    if not isinstance(value, str):
        return tuple(value)  # type: ignore[arg-type]
    names = [name.strip() for name in value.split(",") if name.strip()]
    try:
        return tuple(ipaddress.ip_network(name) for name in names)
    except ValueError as error:
        raise ValueError(f"must be networks with commas between: {error}") from None


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


class Settings(BaseSettings):
    """Every setting, typed; each is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="forbid")

    database_url: DatabaseUrl | None = Field(default=None, repr=False)
    database_owner_url: DatabaseUrl | None = Field(default=None, repr=False)
    database_sealer_url: DatabaseUrl | None = Field(default=None, repr=False)
    secret_key: SecretStr = SecretStr("")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    web_workers: int = Field(default=1, ge=1, le=64)
    web_threads: int = Field(default=4, ge=1, le=256)
    redis_url: Annotated[str, _starts_with("redis", "rediss", "unix")] | None = Field(
        default=None, repr=False
    )
    data_dir: Annotated[Path, AfterValidator(_absolute)] = ROOT / "var"
    demo: bool = False
    smtp_url: Annotated[str, _starts_with("smtp", "smtps")] | None = Field(default=None, repr=False)
    mail_from: str = "Steward <steward@localhost>"
    mail_reply_to: Annotated[str, AfterValidator(_mail_address)] | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    base_url: Annotated[str, _starts_with("http", "https")] | None = None
    keep_imports_days: int = Field(default=90, ge=1, le=36500)
    keep_exports_days: int = Field(default=7, ge=1, le=365)
    seal_key_file: Annotated[Path, AfterValidator(_absolute)] | None = None
    checkpoint_file: Annotated[Path, AfterValidator(_absolute)] | None = None
    checkpoint_mail: Annotated[str, AfterValidator(_mail_address)] | None = None
    checkpoint_url: Annotated[str, _starts_with("http", "https")] | None = Field(
        default=None, repr=False
    )
    checkpoint_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = ()

    @property
    def embedded(self) -> bool:
        """True if Steward runs a PostgreSQL of its own below `data_dir`."""
        return self.database_url is None

    @property
    def listening_url(self) -> str:
        """The address that Steward listens on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        """The address that people use: `base_url`, else the one that Steward listens on."""
        return self.base_url or self.listening_url

    def owner_url(self) -> str | None:
        """The URL of the role that owns the tables; None if only the app's role is known."""
        if self.database_url is None:
            return self._embedded_url(user=embedded_pg.OWNER, password=None)
        if self.database_owner_url is not None:
            return self.database_owner_url
        return None if self._names_app_role() else self.database_url

    def app_url(self) -> str:
        """The URL of the role that the app works as, which owns nothing."""
        if self.database_url is None:
            return self._embedded_url(user=APP_ROLE, password=self.role_password(APP_ROLE))
        if self.database_owner_url is not None or self._names_app_role():
            return self.database_url
        owner = make_url(self.database_url)
        return _text(owner.set(username=APP_ROLE, password=self.role_password(APP_ROLE)))

    def sealer_url(self) -> str | None:
        """The URL of the role that seals the log; None if nobody told it."""
        if self.database_sealer_url is not None:
            return self.database_sealer_url
        password = self.role_password(SEALER_ROLE)
        if self.database_url is None:
            return self._embedded_url(user=SEALER_ROLE, password=password)
        if self.database_owner_url is not None or self._names_app_role():
            return None
        owner = make_url(self.database_url)
        return _text(owner.set(username=SEALER_ROLE, password=password))

    def role_password(self, role: str) -> str:
        """The password of a role of ours, derived, so that nobody has to store it."""
        key = self.secret_key.get_secret_value().encode()
        digest = hmac.new(key, f"{role} database role".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def seal_key(self) -> Path:
        """The private key that signs seals: `seal_key_file`, else one in `data_dir`."""
        return self.seal_key_file or self.data_dir / "seal.key"

    @property
    def checkpoints(self) -> Path:
        """The file outside the database that heads of the chain are added to."""
        return self.checkpoint_file or self.data_dir / "audit-checkpoints.jsonl"

    def _names_app_role(self) -> bool:
        return self.database_url is not None and make_url(self.database_url).username == APP_ROLE

    def _embedded_url(self, *, user: str, password: str | None) -> str:
        server = embedded_pg.server_for(self.data_dir)
        server.ensure()
        url = make_url(server.uri(user, embedded_pg.DATABASE))
        return _text(url.set(password=password) if password else url)


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigError: naming everything that is wrong with it.
    """
    problems = _secret_problems() + _owner_problems()
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [_sentence(detail) for detail in error.errors()] + problems
    if problems:
        raise ConfigError("\n".join(problems))
    if not settings.secret_key.get_secret_value():
        secret = SecretStr(_kept_secret(settings.data_dir))
        settings = settings.model_copy(update={"secret_key": secret})
    return settings


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _env(name: str) -> str:
    folded = {key.upper(): value for key, value in os.environ.items()}
    return folded.get(name, "")


def _secret_problems() -> list[str]:
    length = len(_env("SECRET_KEY"))
    if length == 0 and _env("DATABASE_URL"):
        return [f"SECRET_KEY: required with DATABASE_URL, at least {MIN_SECRET_LENGTH} characters"]
    if 0 < length < MIN_SECRET_LENGTH:
        return [f"SECRET_KEY: has {length} characters, needs at least {MIN_SECRET_LENGTH}"]
    return []


def _owner_problems() -> list[str]:
    if _env("DATABASE_OWNER_URL") and not _env("DATABASE_URL"):
        return ["DATABASE_OWNER_URL: is set, so DATABASE_URL must be the app's own URL"]
    return []


def _sentence(detail: Any) -> str:
    name = ".".join(str(part) for part in detail["loc"]).upper()
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}"


def _kept_secret(data_dir: Path) -> str:
    """The secret of this installation, made on first use and readable by its owner only."""
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(48))
        secret = path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"DATA_DIR: {path} cannot be used: {error.strerror}") from error
    if len(secret) < MIN_SECRET_LENGTH:
        raise ConfigError(f"DATA_DIR: {path} holds no usable secret; delete it to get a new one")
    return secret


def _write_once(path: Path, text: str) -> None:
    # Written aside and linked into place, so that of two first starts both read the same secret.
    draft = path.with_name(f".secret_key.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink()
