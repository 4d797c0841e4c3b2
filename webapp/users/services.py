"""What changes people and their accounts. Everything flushes, nothing commits."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from webapp.access import queries as access_queries
from webapp.access import services as access
from webapp.access.grants import Grant
from webapp.access.identity import SignedIn, token_hash
from webapp.access.models import UserRole
from webapp.core import bulk, refusals, trail
from webapp.core.db import db
from webapp.core.errors import DomainError, check_version
from webapp.core.language import _
from webapp.users import passwords, queries, schemas, sessions
from webapp.users.models import Theme, TokenKind, User, UserToken

LIFETIMES = {TokenKind.INVITATION: timedelta(days=7), TokenKind.PASSWORD_RESET: timedelta(days=1)}
LAST_ADMINISTRATOR = _(
    "The last person who may edit roles everywhere, or who holds everything, must keep that."
)
TAKEN = _("Somebody with this address has an account already.")
REFUSALS: refusals.Refusals = {"uq_users_lower_email": (TAKEN, "email")}
DEAD_LINK = _("This link was used before, has expired, or was never valid. Ask for a new one.")


def invite(actor: SignedIn, command: schemas.Invite) -> tuple[User, str]:
    """Create an account without a password; return it and the token of its invitation.

    Raises:
        DomainError: if somebody has the address.
        Denied: if the actor may not give the first role.
    """
    user = create(name=command.name, email=command.email)
    if command.role_id is not None:
        if command.scope is None:
            raise DomainError(_("Choose where the role holds."), field="scope")
        give_role(actor, user=user, role_id=command.role_id, scope=command.scope)
    return user, _make_token(user, TokenKind.INVITATION, actor_id=actor.id)


def create(*, name: str, email: str, password_hash: str | None = None) -> User:
    """Add a person; the unique index decides between two who do so at once.

    Raises:
        DomainError: if somebody has the address.
    """
    if queries.email_taken(email):
        raise DomainError(TAKEN, field="email")
    user = User(name=name, email=email, password_hash=password_hash)
    with refusals.told(REFUSALS):
        db.session.add(user)
    return user


def _make_token(user: User, kind: TokenKind, *, actor_id: int | None) -> str:
    """Make a link's token of 256 random bits; links from before stop working."""
    spoil_tokens(user)
    token = secrets.token_urlsafe(32)
    db.session.add(
        UserToken(
            user_id=user.id,
            kind=kind,
            token_hash=token_hash(token),
            created_by_id=actor_id,
            expires_at=datetime.now(UTC) + LIFETIMES[kind],
        )
    )
    db.session.flush()
    return token


def spoil_tokens(user: User) -> None:
    """Make every link of a person useless."""
    for token in queries.unused_tokens(user.id):
        token.used_at = datetime.now(UTC)


def new_link(actor: SignedIn, user: User) -> tuple[TokenKind, str]:
    """Make a link with which a person chooses a password: the invitation again, or a reset.

    Raises:
        Denied: if the person holds more than the actor.
        DomainError: if the person is deactivated.
    """
    access.require_not_above(actor, target_id=user.id)
    if not user.is_active:
        raise DomainError(_("Restore this person first."))
    kind = TokenKind.PASSWORD_RESET if user.password_hash else TokenKind.INVITATION
    token = _make_token(user, kind, actor_id=actor.id)
    trail.note(
        "user.link_made", category="access", changes={"kind": [None, kind.value]}, **_it(user)
    )
    return kind, token


class DeadLink(DomainError):
    """A link that was used before, has expired, or was never valid."""


def use_link(token: str, kind: TokenKind, password: schemas.NewPassword) -> User:
    """Set the password of the person whose link this is, once; every session ends.

    Raises:
        DeadLink: if the link does not work.
        DomainError: if the password is refused.
    """
    found = queries.usable_token(token_hash(token), kind, lock=True)
    if found is None:
        raise DeadLink(DEAD_LINK)
    _, user = found
    trail.act_as(user.name, user_id=user.id)
    set_password(user, password.password, again=password.again)
    spoil_tokens(user)
    sessions.end_all_sessions(user, reason="password chosen by link")
    verb = "user.joined" if kind == TokenKind.INVITATION else "user.password_reset"
    trail.note(verb, category="access", **_it(user))
    db.session.flush()
    return user


def set_password(user: User, password: str, *, again: str) -> None:
    """Give a person a password that the rules accept.

    Raises:
        DomainError: saying what is wrong with it.
    """
    if password != again:
        raise DomainError(_("Both passwords must be the same."), field="again")
    if problem := passwords.weakness(password, about=(user.name, *user.email.split("@"))):
        raise DomainError(problem, field="password")
    user.password_hash = passwords.hash_password(password)


def change_password(user: User, command: schemas.ChangePassword) -> None:
    """Replace a person's own password.

    Raises:
        DomainError: if the one so far is wrong, or the new one is refused.
    """
    if not passwords.matches(command.current, user.password_hash):
        raise DomainError(_("This is not your password."), field="current")
    set_password(user, command.password, again=command.again)
    trail.note("user.password_changed", category="access", **_it(user))
    db.session.flush()


def edit(actor: SignedIn, user: User, command: schemas.EditPerson) -> None:
    """Change what is known about a person; a new address ends the sessions.

    Raises:
        StaleVersion: if somebody saved since.
        Denied: if the person holds more than the actor.
        DomainError: if somebody has the address.
    """
    check_version(user, command.version)
    access.require_not_above(actor, target_id=user.id)
    moved = command.email != user.email
    if moved and queries.email_taken(command.email, but=user.id):
        raise DomainError(TAKEN, field="email")
    with refusals.told(REFUSALS):
        user.name, user.email = command.name, command.email
        user.locale, user.timezone = command.locale, command.timezone
    if moved:
        spoil_tokens(user)  # they went to the old address
        keep = actor.session_id if actor.id == user.id else None
        sessions.end_all_sessions(user, but=keep, reason="address changed")


def end_sessions(actor: SignedIn, user: User, *, session_id: int | None = None) -> int:
    """Sign a person out of one browser, or of all; return how many sessions ended.

    Raises:
        Denied: if the person holds more than the actor.
    """
    access.require_not_above(actor, target_id=user.id)
    if session_id is None:
        return sessions.end_all_sessions(user, reason="ended by an administrator")
    sessions.end_session(session_id, action="session.ended")
    return 1


def edit_profile(user: User, command: schemas.Profile) -> None:
    """Change what a person says about themselves."""
    user.name, user.locale, user.timezone = command.name, command.locale, command.timezone
    db.session.flush()


def choose_theme(user: User, theme: str) -> None:
    """Remember how pages shall look."""
    user.theme = Theme(theme)
    db.session.flush()


def why_not_deactivate(actor: SignedIn, user: User, grants: Sequence[Grant]) -> str | None:
    """Say why the actor cannot shut a person out, or None; asks the database nothing."""
    if user.id == actor.id:
        return _("Nobody deactivates themselves.")
    if not user.is_active:
        return _("Deactivated already.")
    for grant in grants:
        if access.missing_for(
            actor.grants, pages=grant.pages, permissions=grant.permissions, place=grant.place
        ):
            return _(
                "Holds the role “%(role)s”, which gives more than you hold yourself.",
                role=grant.role,
            )
    return None


def deactivate(actor: SignedIn, user: User, *, reason: str) -> None:
    """Shut a person out at once: sessions and links end, roles stay for a later return.

    Raises:
        Denied: if the person holds more than the actor.
        DomainError: if it is the actor, somebody deactivated already, or the last administrator.
    """
    if user.id != actor.id:
        access.require_not_above(actor, target_id=user.id)
    if problem := why_not_deactivate(actor, user, []):
        raise DomainError(problem)
    _shut_out(user, reason=reason)


def chosen(
    ids: Sequence[int], matching: str | None, *, lock: bool = False
) -> tuple[list[User], bool]:
    """Return the people of a selection or, where given, of a filter; and whether more match than one action takes."""
    if matching is None:
        return queries.get_users(ids, lock=lock), False
    filters = queries.filters_from(bulk.args_of(matching))
    found = queries.matching_ids(filters, limit=bulk.MOST + 1)
    return queries.get_users(found[: bulk.MOST], lock=lock), len(found) > bulk.MOST


def deactivate_many(actor: SignedIn, command: schemas.DeactivateMany) -> tuple[int, int]:
    """Shut out those who may be; return how many were, and how many were refused.

    Raises:
        SeenOther: if others match the filter now than those who were confirmed.
    """
    people, _more = chosen(command.ids, command.matching, lock=True)
    if command.matching is not None:
        bulk.check_seal((user.id for user in people), seen=command.seen)
    grants = access_queries.grants_of(user.id for user in people)
    done = 0
    for user in people:
        if why_not_deactivate(actor, user, grants[user.id]) is None:
            _shut_out(user, reason=command.reason)
            done += 1
    return done, len(people) - done


def _shut_out(user: User, *, reason: str) -> None:
    before = access_queries.administrators()
    trail.because(reason)
    user.is_active = False
    spoil_tokens(user)
    sessions.end_all_sessions(user, reason=reason)
    trail.note("user.deactivated", category="access", **_it(user))
    db.session.flush()
    if before.outlast(access_queries.administrators()):
        raise DomainError(LAST_ADMINISTRATOR)


def restore(actor: SignedIn, user: User, *, reason: str) -> None:
    """Let a person in again, with the roles from before.

    Raises:
        Denied: if the person holds more than the actor.
    """
    access.require_not_above(actor, target_id=user.id)
    if user.is_active:
        raise DomainError(_("This person is active already."))
    trail.because(reason)
    user.is_active = True
    trail.note("user.restored", category="access", **_it(user))
    db.session.flush()


def give_role(
    actor: SignedIn, *, user: User, role_id: int, scope: str, reason: str | None = None
) -> None:
    """Give a person a role within ``scope``: everywhere, or a kind of place and its id.

    Raises:
        Denied: if the actor may not.
        DomainError: if the role or the place does not exist, or the person holds it there.
    """
    role = access_queries.get_role(role_id)
    if role is None:
        raise DomainError(_("This role does not exist any more."), field="role_id")
    kind, number = scope.partition(":")[::2]
    place = {f"{kind}_id": int(number)} if number else {}
    access.assign_role(
        actor, user_id=user.id, user_name=user.name, role=role, reason=reason, **place
    )


def take_role(actor: SignedIn, *, user: User, grant: UserRole, reason: str) -> None:
    """Take a role from a person.

    Raises:
        Denied: if the actor may not.
        DomainError: if nobody would be left who may edit roles everywhere.
    """
    role = access_queries.get_role(grant.role_id)
    if role is None:
        raise DomainError(_("This role does not exist any more."))
    before = access_queries.administrators()
    try:
        access.revoke_role(actor, grant=grant, user_name=user.name, role=role, reason=reason)
    except LookupError:
        raise DomainError(_("This role holds in a place that you may not see.")) from None
    if before.outlast(access_queries.administrators()):
        raise DomainError(LAST_ADMINISTRATOR)


def _it(user: User) -> dict[str, object]:
    return {"object_type": "user", "object_id": user.id, "object_label": user.name}
