"""Being somebody whom the template lets do something, in an emulator that enforces it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import botocore.session

from tests.support.harness import Stores
from tests.support.stores import STACK_NAME

ROLES: Final = {
    "ingest": "IngestRole",
    "consumer": "ConsumerRole",
    "relay": "RelayRole",
    "reconciler": "ReconcilerRole",
    "pre-traffic": "PreTrafficRole",
    "deployment": "DeploymentRole",
}
"""Whose role → the role: of the functions, and of CodeDeploy. The role's policy goes by the same name."""

LOADER: Final = botocore.session.get_session().get_component("data_loader")
"""What reads botocore's models, and keeps them: every session needs the same."""

type Document = dict[str, Any]
"""A policy."""


def policy_of(stores: Stores, whose: str) -> Document:
    """The policy of a role, as it was deployed."""
    found = stores.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=ROLES[whose]
    )
    role = found["StackResourceDetail"]["PhysicalResourceId"]
    document: Document = stores.client("iam").get_role_policy(RoleName=role, PolicyName=whose)["PolicyDocument"]
    return document


@contextmanager
def session_under(stores: Stores, policy: Document) -> Iterator[botocore.session.Session]:
    """A session with exactly the permissions of `policy`."""
    iam, sts = stores.client("iam"), stores.client("sts")
    name = f"copy-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="copy", PolicyDocument=json.dumps(policy))
    credentials = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="tests")["Credentials"]
    session = botocore.session.get_session()
    session.register_component("data_loader", LOADER)
    session.set_credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    yield session
    iam.delete_role_policy(RoleName=name, PolicyName="copy")
    iam.delete_role(RoleName=name)
