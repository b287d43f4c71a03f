"""The environment in which pages are rendered.

Belongs: Jinja2 with autoescape and the pages' filters, the style sheet and the policy that allows it alone.
Does not belong: what a page shows (report.py, gates.py).
Rule: the policy of a page refuses every load; its one style sheet is allowed by its hash, so there are no style
attributes.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from medreason.pages import texts
from medreason.pages.theme import OUTCOME_INKS


def render_page(template: str, **values: Any) -> str:
    """A page from a template of this wing; every value is escaped unless a drawing made it."""
    style = style_sheet()
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),
            policy=content_policy(style),
            **values,
        )
    )


def content_policy(style: str) -> str:
    """Content-Security-Policy: nothing is loaded or run, one style sheet applies."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def style_sheet() -> str:
    """The text between the style tags."""
    return resources.files(__package__).joinpath("templates", "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("medreason.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible_text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": texts.count,
        "counted": texts.counted,
        "short": texts.short_hash,
        "words": texts.words,
        "share": texts.share,
        "cut": texts.cut,
        "safe_link": safe_link,
    }
    environment.globals["outcome_inks"] = OUTCOME_INKS
    return environment


def _visible_text(value: Any) -> Any:
    return texts.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def safe_link(url: str) -> str:
    """The address where it is one of the web, else nothing: a source's registry entry is text, not trust."""
    return url if url.startswith("https://") and not set(url) & set(" \"'<>\\\n\t") else ""
