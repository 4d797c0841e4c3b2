"""What a person may type into the composer of a ticket."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from webapp.core.forms import BlankIsNone, CommandModel, Paragraphs
from webapp.tickets.models import Status, Via
from webapp.tickets.schemas import MAX_BODY, Id, MaybeId

MAX_FILES = 50
MAX_RESOLUTION = 10_000
MAX_TYPED = 1000  # of a field beside the description


def _unix(value: Any) -> Any:
    """Browsers send a form's lines with both characters."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def _writable(value: str) -> str:
    return value.replace("\0", "")


Text = Annotated[
    Annotated[Paragraphs, BeforeValidator(_unix), AfterValidator(_unix)],
    Field(max_length=MAX_BODY),
]


class Saying(CommandModel):
    """A reply, a note or what the requester said; what is typed into the other ones stays."""

    mode: Literal["reply", "note", "asker"] = "reply"
    body: Text = ""
    note: Text = ""
    asked: Text = ""
    heard: Literal["phone", "email", "in_person"] = "phone"
    seen: MaybeId = None
    viewed: MaybeId = None
    anyway: bool = False
    status: Annotated[Status | None, BlankIsNone] = None
    resolution: Annotated[
        Annotated[Paragraphs, BeforeValidator(_unix), Field(max_length=MAX_RESOLUTION)] | None,
        BlankIsNone,
    ] = None
    files: Annotated[tuple[Id, ...], Field(max_length=MAX_FILES)] = ()

    @property
    def is_note(self) -> bool:
        """Tell which of the two is sent."""
        return self.mode == "note"

    @property
    def field(self) -> str:
        """The name of what is sent."""
        return {"note": "note", "asker": "asked"}.get(self.mode, "body")

    @property
    def said(self) -> str:
        """What is sent."""
        return str(getattr(self, self.field))

    @property
    def via(self) -> Via | None:
        """How it came in, if it is the requester's."""
        return Via(self.heard) if self.mode == "asker" else None


Unsent = Annotated[str, BeforeValidator(_unix), AfterValidator(_writable)]
DraftBody = Annotated[Unsent, Field(max_length=MAX_BODY)]
DraftKey = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Typed(CommandModel):
    """A draft as it stands: whatever was typed, as far as it can be kept."""

    mode: Literal["reply", "note"] = "reply"
    body: DraftBody = ""


class Keyed(CommandModel):
    """Which new ticket somebody is writing."""

    draft: DraftKey


class TypedTicket(Keyed):
    """A new ticket as it stands, whatever was typed into it."""

    body: DraftBody = ""
    fields: dict[str, Annotated[Unsent, Field(max_length=MAX_TYPED)]] = Field(default_factory=dict)
