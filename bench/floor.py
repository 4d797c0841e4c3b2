"""The least that a page can cost: the same SQL by hand, the same bytes through Jinja, in bare Flask.

`pages.py` records what each page of Steward asked and answered; this app replays it.
"""

import os
import pickle  # nosec B403 - our own file, written a moment ago
from pathlib import Path
from queue import LifoQueue

import psycopg
from flask import Flask, render_template_string
from markupsafe import Markup

PAGES = pickle.loads(Path(os.environ["FLOOR_FILE"]).read_bytes())  # noqa: S301 - our own file
TEMPLATE = "{% for line in lines %}{{ line }}{% endfor %}"

app = Flask(__name__)
connections: LifoQueue[psycopg.Connection] = LifoQueue()


@app.route("/<int:number>", methods=["GET", "POST"])
def page(number: int) -> str:
    """Run the statements of a page in one transaction, then render its lines."""
    recorded = PAGES[number]
    connection = (
        psycopg.connect(os.environ["FLOOR_DSN"]) if connections.empty() else connections.get()
    )
    with connection.cursor() as cursor:
        for statement, parameters in recorded["statements"]:
            cursor.execute(statement, parameters)
            if cursor.description:
                cursor.fetchall()
    connection.commit()
    connections.put(connection)
    lines = [Markup(line) for line in recorded["lines"]]  # noqa: S704 - bytes of our own page
    return render_template_string(TEMPLATE, lines=lines)
