"""The measures as a Parquet file: the columns of the CSV, typed, and null where it is empty."""

from __future__ import annotations

import io

from intakebot.model import OperatorError
from intakebot.report.build import Report
from intakebot.report.exports import COLUMNS, rows

NUMBERS = {"n": "int64", "x": "int64", "value": "float64", "lo": "float64", "hi": "float64"}
COUNTS = {"excluded": "int64", "definitions_version": "int64"}


def to_parquet(report: Report) -> bytes:
    """Raises OperatorError where pyarrow is not here."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise OperatorError(
            f"Parquet needs pyarrow: {error}; pip install pyarrow, or take the CSV"
        ) from error
    kinds = {**NUMBERS, **COUNTS}
    schema = pyarrow.schema(
        [(name, pyarrow.type_for_alias(kinds.get(name, "string"))) for name in COLUMNS]
    )
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows(report)]
    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(found, schema), out)
    return out.getvalue()
