"""What servers and the `flask` command load."""

import sys

from webapp import create_app
from webapp.core.config import ConfigError
from webapp.core.embedded_pg import EmbeddedError

GUNICORN_GIVES_UP = 3  # on any other code it would start the worker again and again

try:
    app = create_app()
except (ConfigError, EmbeddedError) as error:
    sys.stderr.write(f"Steward cannot start:\n{error}\n")
    sys.exit(GUNICORN_GIVES_UP)
