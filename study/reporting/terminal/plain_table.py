"""The style of all tables in the terminal."""

from rich.table import Table


def plain_table(*heads: str) -> Table:
    """An empty table without borders; long texts wrap."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table
