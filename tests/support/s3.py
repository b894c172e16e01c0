"""A private S3-compatible server (moto's) that checks signatures as Amazon does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import boto3

from tests.support.ports import free_port
from tests.support.programs import Program, listens

if TYPE_CHECKING:
    from pathlib import Path

_POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
)
# So many calls make the account and its bucket; from then on every call must be signed by it.
_CALLS_BEFORE = 4


class S3Server:
    """One server with one bucket and one account."""

    bucket = "cloakroom-tests"

    def __init__(self, folder: Path) -> None:
        """Log into *folder*."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.access_key = self.secret_key = ""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        environ = {"INITIAL_NO_AUTH_ACTION_COUNT": str(_CALLS_BEFORE)}
        self.program = Program("s3", command, folder / "s3.log", environ, folder)

    def start(self) -> None:
        """Start it, and make its bucket and its account."""
        self.program.start()
        self.program.wait_until(lambda: listens(self.port))
        someone = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
        iam = boto3.client("iam", endpoint_url=self.url, region_name="us-east-1", **someone)
        iam.create_user(UserName="tests")
        iam.put_user_policy(UserName="tests", PolicyName="all", PolicyDocument=_POLICY)
        key = iam.create_access_key(UserName="tests")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        s3 = boto3.client("s3", endpoint_url=self.url, region_name="us-east-1", **someone)
        s3.create_bucket(Bucket=self.bucket)
