"""Steward: who may do what, what is owned where, and who changed what."""

from pathlib import Path

from flask import Flask, g, has_request_context, request
from flask_babel import Babel
from flask_compress import Compress
from flask_login import LoginManager
from flask_migrate import Migrate
from sqlalchemy import event
from sqlalchemy.pool import QueuePool
from whitenoise import WhiteNoise

from webapp import serve
from webapp.access import cli as access_cli
from webapp.access import identity
from webapp.access import models as _access_models  # noqa: F401
from webapp.access import views as access_views
from webapp.assets import import_models as _import_models  # noqa: F401
from webapp.assets import models as _asset_models  # noqa: F401
from webapp.assets import views as asset_views
from webapp.attachments import cli as attachment_cli
from webapp.attachments import models as _attachment_models  # noqa: F401
from webapp.audit import cli as audit_cli
from webapp.audit import models as _audit_models  # noqa: F401
from webapp.audit import recorder
from webapp.audit import seal_models as _seal_models  # noqa: F401
from webapp.core import (
    database,
    error_pages,
    guards,
    health,
    htmx,
    idempotency,
    liveness,
    logging,
    security,
    templating,
    unit_of_work,
)
from webapp.core.config import Settings, load_settings
from webapp.core.db import db
from webapp.core.identity import person
from webapp.core.language import LANGUAGES
from webapp.dashboard import views as dashboard_views
from webapp.jobs import cli as job_cli
from webapp.jobs import models as _job_models  # noqa: F401
from webapp.jobs import views as job_views
from webapp.live import views as live_views
from webapp.notifications import models as _notification_models  # noqa: F401
from webapp.notifications import views as notification_views
from webapp.organisation import models as _organisation_models  # noqa: F401
from webapp.organisation import views as organisation_views
from webapp.oversight import cli as _oversight_cli  # noqa: F401 - adds to `flask audit`
from webapp.oversight import models as _oversight_models  # noqa: F401
from webapp.oversight import views as audit_views
from webapp.roles import views as role_views
from webapp.saved_views import models as _saved_view_models  # noqa: F401
from webapp.saved_views import views as saved_view_views
from webapp.seed import cli as seed_cli
from webapp.tickets import cli as ticket_cli
from webapp.tickets import models as _ticket_models  # noqa: F401
from webapp.tickets import views as ticket_views
from webapp.users import account_views, auth_views
from webapp.users import cli as user_cli
from webapp.users import models as _user_models  # noqa: F401
from webapp.users import views as user_views

ROOT = Path(__file__).resolve().parents[1]
BLUEPRINTS = (
    health.bp,
    auth_views.bp,
    dashboard_views.bp,
    organisation_views.bp,
    asset_views.bp,
    ticket_views.bp,
    live_views.bp,
    saved_view_views.bp,
    user_views.bp,
    account_views.bp,
    role_views.bp,
    access_views.bp,
    audit_views.bp,
    notification_views.bp,
    job_views.bp,
)
COMMANDS = (
    user_cli.cli,
    access_cli.cli,
    audit_cli.cli,
    seed_cli.seed,
    serve.serve,
    serve.db_url,
    job_cli.worker,
    attachment_cli.cli,
    ticket_cli.cli,
)
ONE_YEAR = 31_536_000


def create_app(settings: Settings | None = None) -> Flask:
    """Build an app that is either ready to serve or fails here and now.

    Raises:
        ConfigError: if the environment is not fit to start with.
        UnguardedView: if a route does not say who may use it.
        UnknownEndpoint: if a page of the menu leads nowhere.
    """
    settings = settings or load_settings()
    logging.configure(settings.log_level)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.from_mapping(_flask_config(settings))
    app.extensions["steward"] = settings
    _init_extensions(app)

    logging.init_app(app)
    # What runs first is registered first; after_request runs the other way round, so that
    # the unit of work sees the finished reply.
    unit_of_work.init_app(app)
    idempotency.init_app(app)
    security.init_app(app, settings)
    guards.init_app(app)
    recorder.listen()
    app.after_request(htmx.vary)
    templating.init_app(app)
    error_pages.init_app(app)

    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.demo:
        app.register_blueprint(dashboard_views.styleguide)
    for command in COMMANDS:
        app.cli.add_command(command)
    guards.assert_all_views_guarded(app)
    templating.assert_pages_exist(app)
    with app.app_context():
        event.listen(db.engine, "connect", database.refuse_unsafe)
        liveness.ask_seldom(db.engine)
    _serve_static(app)
    return app


def assert_safe_to_serve(app: Flask) -> None:
    """Refuse a database role that could go around the policies or the log.

    Raises:
        UnsafeRole: saying what it could do.
    """
    with app.app_context(), db.engine.connect() as connection:
        database.assert_safe_role(connection)


def _flask_config(settings: Settings) -> dict[str, object]:
    secure = (settings.base_url or "").startswith("https://")
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DEMO": settings.demo,
        "SQLALCHEMY_DATABASE_URI": settings.app_url(),
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "poolclass": QueuePool,
            "pool_pre_ping": True,
            "pool_size": 10,
            "max_overflow": 10,
            "pool_timeout": 5,
            "connect_args": database.CONNECT_ARGS,
        },
        "SESSION_COOKIE_NAME": "__Host-steward" if secure else "steward",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PREFERRED_URL_SCHEME": "https" if secure else "http",
        "WTF_CSRF_TIME_LIMIT": 12 * 3600,
        "MAX_CONTENT_LENGTH": 26 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "MAX_FORM_PARTS": 2000,
        **security.rate_limit_config(settings),
        "COMPRESS_MIN_SIZE": 1024,
        "COMPRESS_BR_LEVEL": 3,
        "COMPRESS_LEVEL": 3,
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
    }


def _init_extensions(app: Flask) -> None:
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    Compress(app)
    Babel(app, locale_selector=_language, timezone_selector=lambda: None)
    login = LoginManager(app)
    login.session_protection = None  # the session's row in the database is what counts
    login.user_loader(identity.load)
    login.unauthorized_handler(auth_views.ask_to_sign_in)


def _language() -> str | None:
    if not has_request_context():
        return None

    who = person() if g.get("person_known") else None
    return who.locale if who else request.accept_languages.best_match(LANGUAGES)


def _serve_static(app: Flask) -> None:
    """Serve static files before Flask, under a name that changes with their contents."""
    static = WhiteNoise(app.wsgi_app, max_age=ONE_YEAR, immutable_file_test=lambda *_: True)
    static.add_files(str(ROOT / "static"), prefix=f"static/{templating.static_version()}/")
    app.wsgi_app = static  # type: ignore[method-assign]
