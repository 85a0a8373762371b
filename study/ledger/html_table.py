"""A table of facts as HTML, for a notebook's output."""

from collections.abc import Mapping
from html import escape


def html_table(facts: Mapping[str, str]) -> str:
    """A row per fact; nothing in it is markup."""
    rows = (
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in facts.items()
    )
    return f"<table>{''.join(rows)}</table>"
