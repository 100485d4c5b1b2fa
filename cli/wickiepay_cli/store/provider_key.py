"""The secret with the merchant's RSA keys for the provider's API."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from wickiepay.outages import error_code

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


class ProviderKeySecret:
    """The secret. No method logs its value or puts it into an error."""

    def __init__(self, client: "SecretsManagerClient", secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id

    def read(self) -> str | None:
        """Its value, which `wickiepay_api.keys` reads, or None if it has none yet."""
        try:
            return self._client.get_secret_value(SecretId=self._secret_id).get("SecretString") or None
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":  # the secret is there, without a version
                return None
            raise

    def write(self, value: str) -> None:
        self._client.put_secret_value(SecretId=self._secret_id, SecretString=value)
