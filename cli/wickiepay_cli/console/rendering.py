"""Pages from templates. Whatever is put into one is escaped: for HTML, and what could disguise text (see `escaped`)."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from wickiepay_cli.output.tables import escaped, milliseconds, seconds


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("wickiepay_cli.console"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What has to come back from a form as it was is escaped for HTML alone.
    templates.filters |= {"seconds": seconds, "milliseconds": milliseconds, "exact": Markup.escape}
    return templates


def _shown(value: object) -> object:
    match value:
        case None:
            return ""
        case Markup():
            return value
        case str():
            return escaped(value, lines=True)
    return value


def rendered(template: str, **content: Any) -> str:  # noqa: ANN401  what the template shows
    return _templates().get_template(template).render(content)


def page(template: str, status: int = 200, **content: Any) -> HTMLResponse:  # noqa: ANN401  what the template shows
    return HTMLResponse(rendered(template, **content), status)
