"""The calls alone that a delivery needs, with everything ready made, on clients as botocore makes them."""

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

_session = botocore.session.get_session()
_config = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
_dynamodb: Any = _session.create_client("dynamodb", config=_config)
_sqs: Any = _session.create_client("sqs", config=_config)


def lambda_handler(event: dict[str, Any], context: object) -> bool:  # noqa: ARG001  Lambda passes both
    """Puts, and sends where the item was not there."""
    try:
        _dynamodb.put_item(**event["put"])
    except ClientError:
        return False
    _sqs.send_message(**event["send"])
    return True
