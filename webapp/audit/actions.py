"""What actions are called: the log has codes, people read words; and those that need no more than a name."""

from webapp.core.language import N_, gettext
from webapp.core.object_types import TYPES, title_of

SIMPLE = {
    "session.refused": N_("tried to sign in as %(label)s and was refused"),
    "session.ended": N_("signed %(label)s out of a browser"),
    "user.viewed": N_("looked at the page of %(label)s"),
    "access.explained": N_("asked what %(label)s may do"),
    "user.invited": N_("invited %(label)s"),
    "user.deactivated": N_("deactivated %(label)s"),
    "user.restored": N_("restored %(label)s"),
    "user.joined": N_("accepted the invitation of %(label)s"),
    "user.link_made": N_("made a link for %(label)s to choose a password"),
    "mail.sent": N_("mailed a link to %(label)s"),
    "mail.failed": N_("could not mail a link to %(label)s"),
    "role.copied": N_("copied a role to %(label)s"),
    "attachment.created": N_("added the file %(label)s"),
    "attachment.renamed": N_("renamed a file to %(label)s"),
    "attachment.deleted": N_("deleted the file %(label)s"),
    "attachment.restored": N_("restored the file %(label)s"),
    "attachment.made_main": N_("made %(label)s the main photo"),
    "attachment.downloaded": N_("downloaded the file %(label)s"),
    "attachment.purged": N_("removed the deleted file %(label)s for good"),
    "attachments.purged": N_("removed what was left of deleted files"),
    "asset.labelled": N_("printed labels"),
    "system.seed_started": N_("began to fill in the demo data"),
    "system.seeded": N_("filled in the demo data"),
    "access.synced": N_("brought the pages and permissions up to date"),
    "system.purged": N_("removed what nobody needs any more"),
    "job.retried": N_("had the job %(label)s tried again"),
    "job.cancelled": N_("took the job %(label)s out of the queue"),
}
# The second half of a code; what is not here is shown as it is, without its underscores.
DONE = {
    "assigned": N_("assigned"),
    "closed": N_("closed"),
    "created": N_("created"),
    "deleted": N_("deleted"),
    "denied": N_("refused"),
    "ended": N_("ended"),
    "exported": N_("exported"),
    "failed": N_("failed"),
    "merged": N_("merged"),
    "moved": N_("moved"),
    "noted": N_("noted"),
    "opened": N_("opened"),
    "read": N_("read"),
    "refused": N_("refused"),
    "renamed": N_("renamed"),
    "reopened": N_("reopened"),
    "replied": N_("answered"),
    "resolved": N_("resolved"),
    "restored": N_("restored"),
    "revoked": N_("taken away"),
    "sent": N_("sent"),
    "split": N_("split"),
    "updated": N_("changed"),
    "viewed": N_("looked at"),
}
# The first half, where it is not a kind of record.
ABOUT = {
    "access": N_("access"),
    "audit": N_("audit log"),
    "import": N_("import"),
    "mail": N_("mail"),
    "request": N_("request"),
    "session": N_("session"),
    "system": N_("system"),
    "time": N_("time"),
    "users": N_("people"),
}


def action_title(action: str) -> str:
    """Return an action as people say it: “Ticket: answered”."""
    kind, verb = action.partition(".")[::2]
    about = gettext(ABOUT[kind]) if kind in ABOUT else ""
    about = about or (title_of(kind) if kind in TYPES else kind.replace("_", " "))
    done = gettext(DONE[verb]) if verb in DONE else verb.replace("_", " ")
    return f"{about[:1].upper()}{about[1:]}: {done}" if done else about
