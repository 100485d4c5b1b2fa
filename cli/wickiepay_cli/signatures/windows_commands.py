"""Commands that browsers copy for Windows: curl for cmd.exe, and Invoke-WebRequest for PowerShell."""

import re
from typing import Final

from wickiepay_cli.errors import CommandError

# --- cmd.exe: its own escapes, then those of a program's arguments ------------------------------------
_FOR_CMD = re.compile(r"(?:[^'\"^]|\"[^\"]*\")*+\^(?:\"|\r?\n)")
_CARET = re.compile(r"\^\r?\n(.?)|\^(.)|(\"[^\"\r\n]*\"?)", re.DOTALL)
_ARGUMENT = re.compile(
    r"""\\(?P<escaped>["\\])|(?P<twice>"")|(?P<quote>")|(?P<blank>[ \t\r\n]+)|(?P<text>[^\\" \t\r\n]+|\\)"""
)


def is_for_cmd(command: str) -> bool:
    """Whether a curl command is for cmd.exe: a caret comes before an opening quote or the end of a line."""
    return _FOR_CMD.match(command) is not None


def cmd_words(command: str) -> list[str]:
    """The arguments of a command for cmd.exe, as the browser that wrote it meant them.

    Browsers double every backslash. (Programs undo that only before a quote, so the command, when run, sends others.)
    """
    line = _CARET.sub(lambda found: found[3] or found[2] or found[1] or "", command)
    words, word, quoted = list[str](), "", False
    begun = False
    for found in _ARGUMENT.finditer(line):
        if found["blank"] and not quoted:
            words += [word] if begun else []
            word, begun = "", False
            continue
        begun = True
        if found["quote"]:
            quoted = not quoted
        else:
            word += found["escaped"] or found["blank"] or found["text"] or ('"' if quoted else "")
    return [*words, word] if begun else words


# --- PowerShell -------------------------------------------------------------------------------------
_COMMAND = re.compile(r"\b(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b", re.IGNORECASE)
_TEXT = r"""@'\r?\n.*?\r?\n'@|@"\r?\n.*?\r?\n"@|"(?:`.|""|[^"`])*"|'(?:''|[^'])*'"""
_PAIR = re.compile(rf"({_TEXT}|[\w-]+)\s*=\s*({_TEXT})", re.DOTALL)
_BODY = re.compile(
    rf"-Body\s+(?:\(\s*\[(?:System\.)?Text\.Encoding\]::UTF8\.GetBytes\(\s*)?({_TEXT})", re.DOTALL | re.IGNORECASE
)
_EXPANDED = re.compile(r"""`(?P<escaped>.)|""|\$\(\[char\](?P<unit>\d+)\)""", re.DOTALL)
_MEANT: Final = {"0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def is_powershell(text: str) -> bool:
    """Whether a text is a PowerShell command that sends a request."""
    return _COMMAND.search(text) is not None


def powershell_request(command: str) -> tuple[list[tuple[str, str]], bytes]:
    """The headers and body of the request that a PowerShell command sends. Raises `CommandError` without a body."""
    body = _BODY.search(command)
    if body is None:
        raise CommandError("The PowerShell command shows no body: there is no -Body with a text in it.")
    headers = [
        (_said(name), _said(value)) for name, value in _PAIR.findall(command[: body.start()] + command[body.end() :])
    ]
    return headers, _said(body[1]).encode("utf-8", "surrogatepass")


def _said(written: str) -> str:
    """The text that a literal means."""
    if written.startswith("@"):
        text = re.sub(r"\A@.\r?\n|\r?\n.@\Z", "", written)
        return _expanded(text) if written[1] == '"' else text
    if written.startswith("'"):
        return written[1:-1].replace("''", "'")
    return _expanded(written[1:-1]) if written.startswith('"') else written


def _expanded(text: str) -> str:
    def said(found: re.Match[str]) -> str:
        if found["unit"]:
            return chr(int(found["unit"]))
        return _MEANT.get(found["escaped"], found["escaped"]) if found["escaped"] else '"'

    # A character may be written as its two surrogates in UTF-16.
    return _EXPANDED.sub(said, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
