"""Photos for a few of the demo's assets, drawn rather than taken."""

import io
from collections.abc import Iterable

from PIL import Image, ImageDraw
from sqlalchemy import select

from webapp.assets.models import Asset, AssetType
from webapp.attachments import services as attachments
from webapp.core.db import db
from webapp.seed.demo import Demo

SIZE = (640, 480)
EACH = 2  # of a kind
# Of each kind: the wall, and boxes of colour as shares of the picture: left, top, right, bottom.
Box = tuple[str, float, float, float, float]
PICTURES: dict[str, tuple[str, tuple[Box, ...]]] = {
    "Laptop": (
        "#dfe6ec",
        (
            ("#2b3440", 0.22, 0.16, 0.78, 0.62),
            ("#4f7cac", 0.25, 0.20, 0.75, 0.58),
            ("#a9b4bf", 0.14, 0.64, 0.86, 0.72),
        ),
    ),
    "Rack": (
        "#e8e6e1",
        (
            ("#1f2429", 0.32, 0.05, 0.68, 0.95),
            ("#3c4650", 0.35, 0.12, 0.65, 0.20),
            ("#3c4650", 0.35, 0.24, 0.65, 0.32),
            ("#4f9d69", 0.61, 0.15, 0.63, 0.17),
            ("#4f9d69", 0.61, 0.27, 0.63, 0.29),
        ),
    ),
    "Van": (
        "#cfe0e8",
        (
            ("#7d8790", 0.0, 0.80, 1.0, 1.0),
            ("#f4f4f0", 0.12, 0.32, 0.86, 0.76),
            ("#4c6b80", 0.66, 0.38, 0.82, 0.54),
            ("#202020", 0.20, 0.72, 0.30, 0.86),
            ("#202020", 0.68, 0.72, 0.78, 0.86),
        ),
    ),
    "Fire extinguisher": (
        "#ece7df",
        (
            ("#b3262e", 0.40, 0.26, 0.60, 0.90),
            ("#202020", 0.44, 0.16, 0.56, 0.26),
            ("#f2efe8", 0.43, 0.45, 0.57, 0.62),
        ),
    ),
    "Boiler": (
        "#e2e4e6",
        (
            ("#f7f7f5", 0.32, 0.12, 0.68, 0.82),
            ("#9aa3ab", 0.38, 0.58, 0.62, 0.66),
            ("#b87333", 0.40, 0.82, 0.43, 1.0),
            ("#b87333", 0.57, 0.82, 0.60, 1.0),
        ),
    ),
}


def hang_up(demo: Demo) -> None:
    """Give the first assets of some kinds a photo, through the service."""
    for kind, (wall, boxes) in PICTURES.items():
        with demo.step(demo.people[3]):
            first = (
                select(Asset)
                .join(AssetType, AssetType.id == Asset.type_id)
                .where(AssetType.name == kind)
                .order_by(Asset.id)
                .limit(EACH)
            )
            for asset in db.session.scalars(first).all():
                attachments.add(
                    client_id=asset.client_id,
                    asset_id=asset.id,
                    name=f"{asset.tag}.jpg",
                    file=io.BytesIO(_drawn(wall, boxes, asset.tag)),
                    user_id=demo.people[3].id,
                )


def _drawn(wall: str, boxes: Iterable[Box], tag: str) -> bytes:
    picture = Image.new("RGB", SIZE, wall)
    pen = ImageDraw.Draw(picture)
    wide, high = SIZE
    for colour, left, top, right, bottom in boxes:
        pen.rounded_rectangle(
            (left * wide, top * high, right * wide, bottom * high), 12, fill=colour
        )
    pen.text((24, high - 40), tag, fill="#30363c", font_size=24)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=85)
    return kept.getvalue()
