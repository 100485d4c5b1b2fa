"""An emulator in the place of AWS, for programs of their own."""

from wickiepay_cli.stacks.emulator_access import REGION, Access


def variables_of(access: Access) -> dict[str, str]:
    """The environment variables that make a program use the emulator."""
    return {
        "AWS_ENDPOINT_URL": access.endpoint_url,
        "AWS_ACCESS_KEY_ID": access.access_key_id,
        "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
    }
