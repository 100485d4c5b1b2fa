"""What stands in the logs: the API's, which the template forms, and the functions', as they are seen to write them."""

import json
import re

from tests.support.cloudformation import Stack
from tests.support.observed import observed


def logged(stack: Stack, group: str) -> set[str]:
    """The fields of the lines in a log group."""
    stages = stack.of_type("AWS::ApiGatewayV2::Stage").values()
    if f"{group}.Arn" in [stage["AccessLogSettings"]["DestinationArn"] for stage in stages]:
        return set(json.loads(re.sub(r"\$[\w.]+", "0", access_log_format(stack))))
    functions = stack.of_type("AWS::Lambda::Function")
    writing = [name for name, function in functions.items() if function["LoggingConfig"]["LogGroup"] == group]
    return set().union(*(observed()[name].log_fields for name in writing))


def access_log_format(stack: Stack) -> str:
    [stage] = stack.of_type("AWS::ApiGatewayV2::Stage").values()
    text: str = stage["AccessLogSettings"]["Format"]
    return text
