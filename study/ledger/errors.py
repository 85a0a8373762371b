"""The two errors of a ledger's files."""


class LedgerError(ValueError):
    """A ledger cannot be read; the message names the file and the reason, in one line."""


class StorageError(OSError):
    """The study's folder cannot be written; the message is one line. Nothing is half-written."""
