"""The queue: what its address asks for, one page of it, its counts, and all of it for a file."""

from webapp.tickets.queries.queue.conditions import zone_of
from webapp.tickets.queries.queue.filters import (
    COLUMNS,
    DEFAULT_COLUMNS,
    VIEWS,
    Filters,
    columns_from,
    filters_from,
    key_text,
)
from webapp.tickets.queries.queue.lists import (
    LISTING,
    all_rows,
    list_tickets,
    listing_of,
    matching_ids,
    news,
    rows_by_id,
    view_counts,
    within,
)
from webapp.tickets.queries.queue.naming import names_of
from webapp.tickets.queries.queue.rows import Row

__all__ = [
    "COLUMNS",
    "DEFAULT_COLUMNS",
    "LISTING",
    "VIEWS",
    "Filters",
    "Row",
    "all_rows",
    "columns_from",
    "filters_from",
    "key_text",
    "list_tickets",
    "listing_of",
    "matching_ids",
    "names_of",
    "news",
    "rows_by_id",
    "view_counts",
    "within",
    "zone_of",
]
