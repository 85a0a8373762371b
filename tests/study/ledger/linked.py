"""Ledgers as somebody would write them who also writes the checksums."""

import json
from collections.abc import Iterable
from pathlib import Path

from study.ledger import chain
from study.ledger.json_records import Json


def write(path: Path, lines: Iterable[Json]) -> None:
    """Write the lines with checksums that fit, whatever they had."""
    content, checksum = b"", ""
    for line in lines:
        bare = {key: value for key, value in line.items() if key != "chain"}
        linked, checksum = chain.link(json.dumps(bare).encode(), checksum)
        content += linked + b"\n"
    path.write_bytes(content)
