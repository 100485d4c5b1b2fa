"""Errors that a command reports to its user in one sentence."""

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.errors import ListenerError


class CommandError(Exception):
    """A command cannot do what it was asked to. The text says why and, if possible, what to do about it."""


class BrokenHandler(CommandError):
    """A handler does not compile or cannot be imported. `lines` say what is wrong, where, and what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines


EXPECTED = (CommandError, ListenerError, BotoCoreError, ClientError)
"""Errors that end a command with a sentence and exit code 1. Anything else is a bug and shows a traceback."""


def sentence(error: Exception) -> str:
    """The sentence for one of the `EXPECTED` errors, or for an error of the operating system."""
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        text = f"AWS refused {error.operation_name}: {answer.get('Message') or answer.get('Code')}"
    elif isinstance(error, OSError) and error.strerror:
        text = ": ".join(filter(None, (error.filename and str(error.filename), error.strerror)))
    else:
        text = " ".join(str(error).split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
