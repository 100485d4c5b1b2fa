"""`wickiepay provider key`: the RSA key that requests to the provider's API are signed with."""

import typer

from wickiepay_api.errors import ProviderError
from wickiepay_api.keys import CURRENT, PREVIOUS, fingerprint, keys_in, name_in_use, public_pem
from wickiepay_cli.commands.options import AsJson, Yes, confirm_change, on_stack
from wickiepay_cli.errors import sentence
from wickiepay_cli.operations.provider import api_of, client_id, create_key, secret_of, stored_keys
from wickiepay_cli.output.tables import say, show_json, show_table, tell, write
from wickiepay_cli.stacks.stack import Stack


@on_stack
def create(found: Stack, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Make a key pair in the stack's Secrets Manager, and print the public key for WickiePay's portal.

    The private key is never printed, and never on a disk. The key that signs now goes on signing until the stack has
    the new key's client id (parameter ProviderClientId). A key that was made before and not used yet is dropped.
    """
    secret_of(found)
    confirm_change(found, "make a new key for the provider's API, and drop one that is not in use yet", yes=yes)
    public = create_key(found)
    if as_json:
        show_json({"public_key": public})
        return
    write(public.encode())
    tell(
        "Register this public key in WickiePay's portal. Then set the parameter ProviderClientId to the client id that"
    )
    tell(f"it gets there, deploy, and see whether it is accepted: wickiepay provider key status{found.asked.options}")


@on_stack
def show_public(found: Stack, *, as_json: AsJson = False) -> None:
    """Print the newest public key, in PEM."""
    key, _ = keys_in(stored_keys(found))[CURRENT]
    if as_json:
        show_json({"public_key": public_pem(key), "fingerprint": fingerprint(key)})
    else:
        write(public_pem(key).encode())


@on_stack
def status(found: Stack, *, as_json: AsJson = False) -> None:
    """Show the keys, which of them signs, and whether the provider accepts it. Exit code 1 if it does not."""
    keys = keys_in(stored_keys(found))
    used = name_in_use(keys, client_id(found))
    problem = _problem(found)
    shown = [
        {
            "key": name,
            "fingerprint": fingerprint(keys[name][0]),
            "client_id": client_id(found) or None if name == used else keys[name][1],
            "signs": name == used,
        }
        for name in (CURRENT, PREVIOUS)
        if name in keys
    ]
    if as_json:
        show_json({"keys": shown, "accepted": problem is None, "problem": problem})
    else:
        show_table(
            ("key", "fingerprint", "client id", ""),
            (
                (
                    str(each["key"]),
                    str(each["fingerprint"]),
                    str(each["client_id"] or ""),
                    "signs" * bool(each["signs"]),
                )
                for each in shown
            ),
        )
        say(problem or "The provider accepts it.")
        if used == PREVIOUS:
            say("The current key signs once the parameter ProviderClientId is its client id.")
    if problem:
        raise typer.Exit(1)


def _problem(found: Stack) -> str | None:
    """Why the provider does not accept requests of the stack, or None."""
    try:
        with api_of(found) as api:
            next(api.events(limit=1), None)
    except ProviderError as error:
        return sentence(error)
    return None
