"""`wickiepay stacks`: the webhook listeners that there are."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from botocore.exceptions import NoCredentialsError, NoRegionError

from wickiepay_cli.commands.options import SEVERAL, AsJson, several
from wickiepay_cli.errors import sentence
from wickiepay_cli.output.tables import say, show_table, stream_json, tell
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.discovery import Deployment, deployments
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import client_of, session_of

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


def stacks(
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="The AWS profile to look with.")
    ] = None,
    regions: Annotated[
        list[str] | None,
        typer.Option(
            "--region",
            **several(),
            metavar="NAME",
            help=f"An AWS region to look in; {SEVERAL}",
            show_default="the profile's",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the deployed listeners, and the local one.

    They are known by the tag application=wickiepay-webhook-listener, or by their outputs. Where nothing is configured
    for AWS, the local one alone is looked for.
    """
    local = local_stack.read(local_stack.state_folder())
    found = chain(_local(local), _deployed(profile, regions or [], local))
    if as_json:
        stream_json(found)
    elif listed := list(found):
        show_table(
            ("stack", "region", "env", "status", "updated at"),
            (
                (
                    each.name,
                    "this machine" if each.local else each.region,
                    each.environment,
                    each.status,
                    f"{each.updated_at[:10]} {each.updated_at[11:16]}",
                )
                for each in listed
            ),
        )
        for each in listed:
            say(f"{each.name}: {each.webhook_url or 'no webhook URL yet'}")
    else:
        say("There is no stack.")


def _local(local: LocalStack | None) -> Iterator[Deployment]:
    return deployments(local.client("cloudformation"), local=True) if local else iter(())


def _deployed(profile: str | None, regions: Sequence[str], local: LocalStack | None) -> Iterator[Deployment]:
    """Those in an account. Raises botocore's errors, but for one: nobody has configured AWS, nor asked for it here.

    Where AWS_ENDPOINT_URL leads to the emulator, the local stack is there as well: it is listed once.
    """
    session = session_of(profile)
    try:
        for region in dict.fromkeys(regions) or [None]:
            client: CloudFormationClient = client_of(session, "cloudformation", region)
            for each in deployments(client):
                if not (local and _is_at(client, local.aws.endpoint_url) and each.name == local.stack_name):
                    yield each
    except (NoCredentialsError, NoRegionError) as error:
        if profile or regions:
            raise
        tell(f"No AWS account was asked: {sentence(error)}")


def _is_at(client: "CloudFormationClient", endpoint_url: str) -> bool:
    """Whether a client asks this endpoint, however it is spelled."""
    asked, known = (urlsplit(url.replace("localhost", "127.0.0.1")) for url in (client.meta.endpoint_url, endpoint_url))
    return asked.netloc == known.netloc
