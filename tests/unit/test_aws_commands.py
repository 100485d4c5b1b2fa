"""What `aws_commands` says of commands: a document may show only those that the AWS CLI would take."""

import shlex

import pytest

from tests.support.aws_commands import WrongCommand, check


@pytest.mark.parametrize(
    "command",
    [
        "aws sts get-caller-identity",
        "aws cloudformation describe-stacks --stack-name NAME --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]'",
        "aws lambda update-event-source-mapping --uuid UUID --no-enabled",
        "aws dynamodb wait table-exists --table-name NAME",
        "aws dynamodb update-time-to-live --table-name NAME --time-to-live-specification Enabled=true,AttributeName=at",
        "aws sqs get-queue-attributes --queue-url URL --attribute-names All ApproximateNumberOfMessages --output table",
        "aws deploy list-deployments --include-only-statuses Failed --region eu-central-1",
        """aws events start-replay --replay-name NAME --event-source-arn ARN --destination '{"Arn": "ARN"}'
            --event-start-time 2026-01-15T10:00:00Z --event-end-time 2026-01-15T11:00:00Z""",
    ],
)
def test_what_the_cli_takes_is_right(command: str) -> None:
    check(shlex.split(command))


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("aws webhooks list", "no service webhooks"),
        ("aws sqs", "no operation"),
        ("aws sqs explode", "no operation explode"),
        ("aws dynamodb wait table-is-there --table-name NAME", "no waiter"),
        ("aws sqs purge-queue URL", "belongs to no option"),
        ("aws sqs purge-queue --queue URL", "no option --queue"),
        ("aws sqs purge-queue", "QueueUrl"),
        ("aws sqs purge-queue --queue-url", "one value"),
        ("aws sqs purge-queue --queue-url ONE TWO", "one value"),
        ("aws sqs get-queue-attributes --queue-url URL --attribute-names Everything", "none of"),
        ("aws lambda update-event-source-mapping --uuid UUID --enabled false", "no value"),
        ("aws lambda put-function-concurrency --function-name NAME --reserved-concurrent-executions none", "no "),
        ("aws dynamodb update-time-to-live --table-name NAME --time-to-live-specification On=true", "no "),
        ("aws dynamodb update-time-to-live --table-name NAME --time-to-live-specification Enabled=1", "no "),
        ("aws dynamodb restore-table-to-point-in-time --target-table-name NAME --restore-date-time noon", "noon"),
        ("aws sts get-caller-identity --query Name", "answers no Name"),
        ("aws sts get-caller-identity --output screen", "no output"),
    ],
)
def test_what_the_cli_refuses_is_wrong(command: str, reason: str) -> None:
    with pytest.raises(WrongCommand, match=reason):
        check(shlex.split(command))
