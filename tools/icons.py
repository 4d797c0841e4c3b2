"""Rebuild static/img/icons.svg from an unpacked @tabler/icons package: icons.py PATH/TO/package."""

import re
import sys
from pathlib import Path

SPRITE = Path(__file__).parent.parent / "static" / "img" / "icons.svg"
NAMES = """
adjustments alert-triangle archive arrow-back-up arrow-down arrow-left arrow-right arrow-up ban
barcode bell binary-tree briefcase building calendar category chart-bar check chevron-down
chevron-left chevron-right chevron-up circle-check clipboard-list clock columns command copy
database device-desktop dots download edit external-link eye eye-off file filter folder help
headset hierarchy history home id inbox info-circle key keyboard layout-dashboard layout-sidebar link
list lock login logout mail map-pin menu-2 message moon package palette paperclip phone photo
player-play plus printer progress qrcode refresh rotate route scan search selector settings
shield shield-check sitemap star sun tag ticket tool trash upload user user-check user-off
user-plus users x
"""


def symbol(name: str, source: str) -> str:
    """Turn one icon file into a symbol; the sprite's users set size and colour."""
    shapes = re.sub(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", source)
    match = re.search(r"<svg[^>]*>(.*)</svg>", shapes, re.DOTALL)
    if match is None:
        raise ValueError(name)
    drawing = re.sub(r"\s*\n\s*", "", match[1])
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>'
    )


def main(package: Path) -> None:
    """Write the sprite, one symbol a line."""
    folder = package / "icons" / "outline"
    symbols = [symbol(name, (folder / f"{name}.svg").read_text()) for name in sorted(NAMES.split())]
    body = "\n".join(symbols)
    SPRITE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n')


if __name__ == "__main__":
    main(Path(sys.argv[1]))
