"""Ledgers as somebody would write them who also writes the checksums."""

import json
from collections.abc import Iterable
from pathlib import Path

from study.ledger import chain, end_mark
from study.ledger.json_records import Json


def write(path: Path, lines: Iterable[Json]) -> None:
    """Write the lines with checksums that fit, whatever they had, and no mark of their end."""
    content, checksum = b"", ""
    for line in lines:
        bare = {key: value for key, value in line.items() if key != "chain"}
        linked, checksum = chain.link(json.dumps(bare).encode(), checksum)
        content += linked + b"\n"
    path.write_bytes(content)
    end_mark.path_of(path).unlink(missing_ok=True)
