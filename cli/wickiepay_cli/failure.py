"""What a command cannot do, said in one sentence to the person who asked."""

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.errors import ListenerError


class Failure(Exception):
    """A command cannot do what it was asked; the text says why, and where there is one, the way out."""


EXPECTED = (Failure, ListenerError, BotoCoreError, ClientError)
"""What ends a command with a sentence and exit code 1. Anything else is a mistake of ours, and shows as one."""


def sentence(error: Exception) -> str:
    """What to tell a person of one of the `EXPECTED` errors, or of an error of the machine."""
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        text = f"AWS refused {error.operation_name}: {answer.get('Message') or answer.get('Code')}"
    elif isinstance(error, OSError) and error.strerror:
        text = ": ".join(filter(None, (error.filename and str(error.filename), error.strerror)))
    else:
        text = " ".join(str(error).split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
