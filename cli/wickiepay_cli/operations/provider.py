"""The provider's API, as the stack's parameters and secret say: its keys, and a client of it."""

from wickiepay_api.client import Access, ProviderApi
from wickiepay_api.errors import SettingsUnusable
from wickiepay_api.keys import key_in_use, public_pem, with_new_key
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.provider_key import ProviderKeySecret

SECRET: str = "ProviderApiKeySecretArn"


def client_id(stack: Stack) -> str:
    """The client id that requests are signed under, or an empty text if the stack was told none."""
    return stack.parameters.get("ProviderClientId", "")


def secret_of(stack: Stack) -> ProviderKeySecret:
    """The secret with the keys. Raises `CommandError` if the stack has none."""
    if SECRET not in stack.outputs:
        how = "set the parameter ProviderBaseUrl, and deploy" if stack.deployed else "use make run PROVIDER=simulated"
        raise CommandError(f"The stack {stack.name} does not know the provider's API: {how}.")
    return ProviderKeySecret(stack.client("secretsmanager"), stack.output(SECRET))


def stored_keys(stack: Stack) -> str:
    """The value of that secret. Raises `CommandError` if it has none."""
    value = secret_of(stack).read()
    if value is None:
        raise CommandError("There is no key yet: wickiepay provider key create makes one.")
    return value


def create_key(stack: Stack) -> str:
    """Makes a new key, and stores it beside the one that signs now. Returns the public key in PEM.

    The private key goes from memory into the secret, and nowhere else.
    """
    secret = secret_of(stack)
    value, made = with_new_key(secret.read(), client_id(stack))
    secret.write(value)
    return public_pem(made)


def api_of(stack: Stack) -> ProviderApi:
    """A client of the provider's API, which is to be closed. Raises `CommandError` or `SettingsUnusable`."""
    keys = stored_keys(stack)
    parameters = {name: stack.parameter(name) for name in ("ProviderBaseUrl", "ProviderClientId", "ProviderMerchantId")}
    if missing := [name for name, value in parameters.items() if not value]:
        raise SettingsUnusable(f"The stack {stack.name} was not told {' and '.join(missing)}: set it, and deploy.")
    base_url, client, merchant = parameters.values()
    return ProviderApi(
        Access(base_url, client, merchant, key_in_use(keys, client), stack.parameter("ProviderAlgorithm"))
    )
