"""The actions of the log that need no more than the name of what they were done to."""

from webapp.core.language import N_

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
