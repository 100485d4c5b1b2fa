"""The API: what is open, to whom, what of it is written down, and where it leads."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from http_request import BELOW
from tests.support.cloudformation import Stack, Template
from tests.support.template_checks.logs import access_log_format
from tests.support.template_checks.parameters import DOMAIN, TRUSTSTORE

LOGGED: Final = frozenset(
    {
        *("requestTime", "requestId", "identity.sourceIp", "httpMethod", "path", "status"),
        *("responseLatency", "responseLength", "error.message"),
    }
)
"""What the access log may hold of a request: `path` is without the query, `error.message` the API's own word."""

API_SECONDS: Final = 30
"""How long the API, and WickiePay behind it, wait for an answer."""


def one_path_is_open(template: Template) -> Iterator[str]:
    [api] = template.stack().of_type("AWS::ApiGatewayV2::Api").values()
    if list(api["Body"]["paths"]) != ["/webhooks/wickiepay", f"/webhooks/wickiepay/{{{BELOW}+}}"]:
        yield f"open are {list(api['Body']['paths'])}"
    for integration in _integrations(template.stack()):
        if integration["payloadFormatVersion"] != "2.0":
            yield "the code reads payload format 2.0"


def whatever_calls_a_function_calls_its_alias(template: Template) -> Iterator[str]:
    """The API calls the alias: otherwise a new version would get all deliveries at once, in spite of the rollout."""
    stack = template.stack()
    called = {
        "the API": [integration["uri"].split("/")[-2] for integration in _integrations(stack)],
        "a permission": [p["FunctionName"] for p in stack.of_type("AWS::Lambda::Permission").values()],
        "an event source": [s["FunctionName"] for s in stack.of_type("AWS::Lambda::EventSourceMapping").values()],
        "a schedule": [s["Target"]["Arn"] for s in stack.of_type("AWS::Scheduler::Schedule").values()],
    }
    for caller, targets in called.items():
        if not targets:
            yield f"{caller} is missing"
        for target in targets:
            if stack.type_of(target) != "AWS::Lambda::Alias":
                yield f"{caller} calls {target}"


def ingest_answers_while_the_api_waits(template: Template) -> Iterator[str]:
    timeout = template.stack().of_type("AWS::Lambda::Function")["IngestFunction"]["Timeout"]
    if timeout >= API_SECONDS:
        yield f"ingest may take {timeout} seconds"


def requests_are_limited_as_the_parameters_say(template: Template) -> Iterator[str]:
    [stage] = template.stack(ThrottleRate="7", ThrottleBurst="8").of_type("AWS::ApiGatewayV2::Stage").values()
    limits = stage.get("DefaultRouteSettings", {})
    if (limits.get("ThrottlingRateLimit"), limits.get("ThrottlingBurstLimit")) != ("7", "8"):
        yield f"the limits are {limits}"


def the_access_log_holds_nothing_but_what_is_allowed(template: Template) -> Iterator[str]:
    text = access_log_format(template.stack())
    for variable in re.findall(r"\$([\w.]+)", text):
        if variable.removeprefix("context.") not in LOGGED or not variable.startswith("context."):
            yield f"the access log holds {variable}"


def the_access_log_is_json(template: Template) -> Iterator[str]:
    """Its queries and its metric filters read it as such, also where the API writes "-" for what it does not know."""
    text = access_log_format(template.stack())
    try:
        line = json.loads(re.sub(r"\$[\w.]+", "-", text))
    except ValueError as error:
        yield f"the access log is no JSON: {error}"
    else:
        if not isinstance(line, dict):
            yield "the access log is no JSON object"


def mutual_tls_leaves_no_other_door_open(template: Template) -> Iterator[str]:
    for values, closed in (({}, False), (DOMAIN, False), (DOMAIN | TRUSTSTORE, True)):
        [api] = template.stack(**values).of_type("AWS::ApiGatewayV2::Api").values()
        [server] = api["Body"].get("servers", [{}])
        settings = server.get("x-amazon-apigateway-endpoint-configuration", {})
        if settings.get("disableExecuteApiEndpoint", False) is not closed:
            yield f"with {list(values)} the API's own address is {'open' if closed else 'closed'}"


def clients_are_asked_for_certificates_where_there_is_a_truststore(template: Template) -> Iterator[str]:
    for values, asked in ((DOMAIN, False), (DOMAIN | TRUSTSTORE, True)):
        [domain] = template.stack(**values).of_type("AWS::ApiGatewayV2::DomainName").values()
        if ("TruststoreUri" in domain.get("MutualTlsAuthentication", {})) is not asked:
            yield f"with {list(values)}: {domain.get('MutualTlsAuthentication')}"


def the_domain_takes_no_tls_below_1_2(template: Template) -> Iterator[str]:
    [domain] = template.stack(**DOMAIN).of_type("AWS::ApiGatewayV2::DomainName").values()
    for configuration in domain["DomainNameConfigurations"]:
        if configuration.get("SecurityPolicy") != "TLS_1_2":
            yield f"the domain takes {configuration.get('SecurityPolicy')}"


def _integrations(stack: Stack) -> Iterator[dict[str, Any]]:
    for api in stack.of_type("AWS::ApiGatewayV2::Api").values():
        for path in api["Body"]["paths"].values():
            for operation in path.values():
                yield operation["x-amazon-apigateway-integration"]
