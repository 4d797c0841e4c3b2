"""Mail that carries a one-use link."""

from email.message import EmailMessage

from webapp.core import smtp
from webapp.core.language import gettext

MailFailed = smtp.MailFailed


def send(*, smtp_url: str, sender: str, to: str, subject: str, body: str) -> None:
    """Hand one message to the server at ``smtp_url``.

    Raises:
        MailFailed: for whatever reason it was not taken.
    """
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = sender, to, subject
    except ValueError as error:
        raise MailFailed(type(error).__name__) from error
    message.set_content(body)
    smtp.deliver(smtp_url, message)


def invitation(*, name: str, inviter: str, link: str) -> tuple[str, str]:
    """Return subject and body of an invitation."""
    return gettext("Your invitation to Steward"), gettext(
        "Hello %(name)s,\n\n%(inviter)s has made an account for you in Steward."
        " Choose your password here:\n\n%(link)s\n\n"
        "The link works once, for seven days. If you did not expect this, ignore this message.\n",
        name=name,
        inviter=inviter,
        link=link,
    )


def password_reset(*, name: str, link: str) -> tuple[str, str]:
    """Return subject and body of a message that lets somebody choose a new password."""
    return gettext("Choose a new password for Steward"), gettext(
        "Hello %(name)s,\n\nchoose a new password here:\n\n%(link)s\n\n"
        "The link works once, for one day. If you did not expect this, tell your administrator.\n",
        name=name,
        link=link,
    )
