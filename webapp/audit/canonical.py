"""A row of the log as the bytes that seals, proofs and files taken away rest on.

The expressions are SQL over the alias ``e`` of audit_event, written out and never a stored function: whoever owns the
database could change that. A form once used stays: a new one gets the next number, and each seal names its own.
"""

import hashlib

FORM = 1

_MICROSECONDS = "(extract(epoch FROM e.{}) * 1000000)::bigint"
_AS = {
    "recorded_at": _MICROSECONDS.format("recorded_at"),
    "occurred_at": _MICROSECONDS.format("occurred_at"),
    "xid": "e.xid::text",
}
COLUMNS = (
    *("id", "recorded_at", "occurred_at", "xid", "epoch", "request_id", "actor_id", "actor_name"),
    *("via", "ip", "user_agent", "method", "path", "page", "action", "category", "outcome"),
    *("object_type", "object_id", "object_label", "client_id", "changes", "reason"),
)

# The text that a row is: every column but `search` (made from others) by its name, in this order. Of all ways to write
# an object this is the fastest; jsonb would sort the keys, at three times the price.
LINE = (
    "(SELECT row_to_json(x)::text FROM (SELECT "  # noqa: S608 - our own names
    + ", ".join(f"{_AS.get(name, f'e.{name}')} AS {name}" for name in COLUMNS)
    + ") x)"
)
LEAF = f"sha256('\\x00'::bytea || convert_to({LINE}, 'UTF8'))"

# Leaves of a seal stand in this order: the index (epoch, xid) has it, however long the log.
ORDER = "e.xid, e.id"
MONTH = "to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM')"


def leaf(line: bytes) -> bytes:
    """Give the hash of a canonical line, as a leaf of a Merkle tree."""
    return hashlib.sha256(b"\x00" + line).digest()
