"""The environment: read, checked, and turned into the URLs of two roles."""

from pathlib import Path

import pytest

from webapp.core.config import ConfigError, Settings, load_settings

SECRET = "s" * 40


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/steward")
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("BASE_URL", "steward.example.com")
    monkeypatch.setenv("TRUSTED_PROXIES", "-1")
    with pytest.raises(ConfigError) as told:
        load_settings()
    named = {line.split(":")[0] for line in str(told.value).splitlines()}
    assert named == {"DATABASE_URL", "PORT", "BASE_URL", "TRUSTED_PROXIES", "SECRET_KEY"}


def test_a_short_secret_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    with pytest.raises(ConfigError, match=r"^SECRET_KEY: has 7 characters") as told:
        load_settings()
    assert "hunter2" not in str(told.value)


def test_empty_means_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "PORT", "SECRET_KEY"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.embedded and settings.redis_url is None and settings.port == 8000


def test_the_embedded_secret_is_kept_and_private(tmp_path: Path) -> None:
    first, second = load_settings(), load_settings()
    assert first.secret_key == second.secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def _settings(**urls: str) -> Settings:
    return Settings.model_validate({"secret_key": SECRET, **urls})


def test_the_app_works_as_a_role_of_its_own() -> None:
    settings = _settings(database_url="postgres://boss:pw@db.example:5433/steward?sslmode=require")
    assert settings.owner_url() == (
        "postgresql+psycopg://boss:pw@db.example:5433/steward?sslmode=require"
    )
    password = settings.role_password("steward_app")
    assert settings.app_url() == (
        f"postgresql+psycopg://steward_app:{password}@db.example:5433/steward?sslmode=require"
    )
    assert len(password) == 43 and "pw" not in repr(settings)


def test_an_owner_of_its_own_leaves_the_app_url_alone() -> None:
    settings = _settings(
        database_url="postgresql://web:a@db/steward",
        database_owner_url="postgresql://boss:b@db/steward",
    )
    assert settings.app_url() == "postgresql+psycopg://web:a@db/steward"
    assert settings.owner_url() == "postgresql+psycopg://boss:b@db/steward"


def test_the_app_role_alone_knows_no_owner() -> None:
    settings = _settings(database_url="postgresql://steward_app:a@db/steward")
    assert settings.app_url() == "postgresql+psycopg://steward_app:a@db/steward"
    assert settings.owner_url() is None


def test_the_sealer_works_as_a_role_of_its_own() -> None:
    settings = _settings(database_url="postgresql://boss:pw@db/steward")
    password = settings.role_password("steward_sealer")
    assert settings.sealer_url() == f"postgresql+psycopg://steward_sealer:{password}@db/steward"
    assert password != settings.role_password("steward_app")


def test_the_sealer_is_unknown_unless_somebody_tells_it() -> None:
    urls = {
        "database_url": "postgresql://web:a@db/steward",
        "database_owner_url": "postgresql://boss:b@db/steward",
    }
    assert _settings(**urls).sealer_url() is None
    assert _settings(database_url="postgresql://steward_app:a@db/steward").sealer_url() is None
    told = _settings(**urls, database_sealer_url="postgresql://steward_sealer:c@db/steward")
    assert told.sealer_url() == "postgresql+psycopg://steward_sealer:c@db/steward"
    assert ":c@" not in repr(told)


def test_where_heads_go_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.seal_key == tmp_path / "seal.key"
    assert settings.checkpoints == tmp_path / "audit-checkpoints.jsonl"
    monkeypatch.setenv("CHECKPOINT_NETWORKS", "10.0.0.0/8, fd00::/8")
    assert [str(net) for net in load_settings().checkpoint_networks] == ["10.0.0.0/8", "fd00::/8"]
    monkeypatch.setenv("CHECKPOINT_NETWORKS", "10.0.0.1/8")
    monkeypatch.setenv("CHECKPOINT_MAIL", "nobody")
    monkeypatch.setenv("CHECKPOINT_URL", "ftp://elsewhere")
    with pytest.raises(ConfigError) as told:
        load_settings()
    named = {line.split(":")[0] for line in str(told.value).splitlines()}
    assert named == {"CHECKPOINT_NETWORKS", "CHECKPOINT_MAIL", "CHECKPOINT_URL"}
