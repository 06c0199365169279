"""Draw docs/images/brief-mail.png and brief-slack.png: a brief as a mail program and Slack show it.

python scripts/brief_pictures.py demo "Goldport Care" docs/images

Needs Chromium. Slack's own page is not drawn; its blocks are, in their order and with their marks.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from html import escape, unescape
from pathlib import Path
from typing import Any

from groundswell.engine import Project
from groundswell.handoff.rendering.mail import mail_html
from groundswell.handoff.rendering.slack import slack_blocks

PAGE = """<!doctype html><meta charset=utf-8><style>
body{font:15px/1.46 Lato,Helvetica,Arial,sans-serif;color:#1d1c1d;margin:16px;width:660px}
h1{font-size:18px;margin:0 0 6px} .s{margin:8px 0;white-space:pre-wrap}
.f{display:grid;grid-template-columns:1fr 1fr;gap:8px;margin:8px 0;white-space:pre-wrap}
.c{color:#616061;font-size:13px;margin:4px 0} q{quotes:none;display:block;
border-left:4px solid #ddd;
padding-left:10px} .b{border:1px solid #bbb;border-radius:4px;padding:5px 12px;margin-right:8px;
display:inline-block;font-weight:700} .p{background:#007a5a;color:#fff;border-color:#007a5a}
</style>"""


def marked(text: str) -> str:
    """Return Slack's mark-up as HTML."""
    html = escape(unescape(text), quote=False)
    html = re.sub(r"\*(.+?)\*", r"<b>\1</b>", html)
    html = re.sub(r"(?<!\w)_(.+?)_(?!\w)", r"<i>\1</i>", html)
    return re.sub(r"^&gt;\s?(.*)$", r"<q>\1</q>", html, flags=re.MULTILINE)


def drawn(block: dict[str, Any]) -> str:
    """Return one block as HTML."""
    match block["type"]:
        case "header":
            return f"<h1>{escape(block['text']['text'])}</h1>"
        case "context":
            return "".join(f"<div class=c>{marked(one['text'])}</div>" for one in block["elements"])
        case "actions":
            return "".join(pressed(one) for one in block["elements"])
        case "section" if "fields" in block:
            fields = "".join(f"<div>{marked(one['text'])}</div>" for one in block["fields"])
            return f"<div class=f>{fields}</div>"
        case "section":
            return f"<div class=s>{marked(block['text']['text'])}</div>"
        case _:
            return "<hr>"


def pressed(element: dict[str, Any]) -> str:
    """Return a button or a menu as HTML."""
    if element["type"] == "button":
        style = "b p" if element.get("style") == "primary" else "b"
        return f"<span class='{style}'>{escape(element['text']['text'])}</span>"
    return f"<span class=b>{escape(element['placeholder']['text'])} ▾</span>"


def draw(page: str, picture: Path, size: str) -> None:
    """Render a page to a picture."""
    chromium = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += ["--disable-background-networking", f"--user-data-dir={folder}/profile"]
        shot = [f"--window-size={size}", f"--screenshot={picture.absolute()}", file.as_uri()]
        subprocess.run([chromium, *options, *shot], check=True, capture_output=True)  # noqa: S603


def main() -> None:
    """Draw both pictures of one account's brief."""
    project, account, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    with Project.open(project) as opened:
        brief = opened.brief(account)
    draw(mail_html(brief), folder / "brief-mail.png", "760,900")
    blocks = slack_blocks(brief, handoff_id="h0")
    draw(PAGE + "".join(map(drawn, blocks)), folder / "brief-slack.png", "700,900")


if __name__ == "__main__":
    main()
