from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from ._import import Imported
    from ._arrays import Samples


class OpusZarrError(Exception):
    """What no exception of Python describes. ``location`` names the recording, object or file, if known."""

    def __init__(self, message: str, location: str | None = None) -> None:
        super().__init__(message, location)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        return self.message


class DamageError(OpusZarrError):
    """Stored bytes differ from what was written, or are missing. ``location`` is the object, and ``bytes`` the
    range in it, as (start, stop), if known. The message states what is wrong with them."""

    def __init__(
        self, message: str, location: str | None = None, bytes: tuple[int, int] | None = None
    ) -> None:
        super().__init__(message, location)
        self.bytes = bytes

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return DamageError, (self.message, self.location, self.bytes)


class NotExactError(OpusZarrError):
    """A read could not be shown to be exact, and it was asked to be."""


class LockedError(OpusZarrError):
    """Another writer is writing the recording."""


class BatchError(OpusZarrError):
    """Some rows of a batch could not be read.

    ``rows`` has the exception of each, by its number. ``samples`` has the batch, with zeros in those rows.
    """

    def __init__(self, rows: dict[int, Exception], samples: Samples) -> None:
        row, first = next(iter(rows.items()))
        super().__init__(f"{len(rows)} of {len(samples)} rows cannot be read; row {row}: {first}")
        self.rows = rows
        self.samples = samples

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return type(self), (self.rows, self.samples)


class ImportFailedError(OpusZarrError):
    """Some files could not be imported. ``results`` has the outcome of every file."""

    def __init__(self, results: list[Imported]) -> None:
        failed = [result for result in results if result.outcome == "failed"]
        first = "; ".join(failed[0].messages)
        super().__init__(
            f"{len(failed)} of {len(results)} files could not be imported; first: {first}",
            str(failed[0].path),
        )
        self.results = results

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return type(self), (self.results,)
