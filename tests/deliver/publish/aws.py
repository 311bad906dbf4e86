"""A corner of AWS: S3 with roles and policies (moto's, which checks signatures), and what an instance sees of it: the metadata service
(IMDSv2) and S3's address. The latter is a TLS server that hands on to moto, and itself answers the one request that moto cannot: which
region a bucket is in, asked anonymously.
"""

from __future__ import annotations

import http.client
import json
import os
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ignition_py.fetch.schemes.s3 import Object, location
from tests.deliver.publish.backends import Quiet
from tests.helpers.servers import make_certificate

BUCKET, REGION = "configs", "us-east-1"
HOST, _ = location(Object(BUCKET, "", None, region=REGION))
TOKEN = "t0k3n-of-the-instance"
_KEYS = {"aws_access_key_id": "AKIADESK", "aws_secret_access_key": "s3cr3t-of-the-desk"}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _policy(*actions: str) -> str:
    resources = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resources}]}
    )


class Aws:
    """`service` answers as the metadata service, with the instance's role where `has_role`; `asked` has what S3 was asked, and its status."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.user_data = b""
        self.has_role = True
        self.failures = 1  # as while the service gets to know a new machine
        self.asked: list[str] = []
        make_certificate(folder, "s3", "-addext", f"subjectAltName=DNS:{HOST}")
        self.authority = folder / "s3.pem"  # what machines have to trust
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.authority, folder / "s3.key")
        self._prepare()

    def _prepare(self) -> None:
        """A private bucket, a role for instances that reads it, a user at a desk who writes it; from then on everybody has to prove who they are."""
        import boto3
        import requests

        endpoint = f"http://127.0.0.1:{self.port}"

        def client(name: str) -> Any:
            return boto3.client(name, endpoint_url=endpoint, region_name=REGION, **_KEYS)

        client("s3").create_bucket(Bucket=BUCKET)
        iam = client("iam")
        role = iam.create_role(RoleName="machines", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]
        iam.put_role_policy(RoleName="machines", PolicyName="read", PolicyDocument=_policy("s3:GetObject"))
        iam.create_user(UserName="desk")
        iam.put_user_policy(
            UserName="desk",
            PolicyName="publish",
            PolicyDocument=_policy("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:ListBucket"),
        )
        key = iam.create_access_key(UserName="desk")["AccessKey"]
        self.desk = {
            "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }  # fmt: skip
        self.role = client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="instance")["Credentials"]
        assert requests.post(f"{endpoint}/moto-api/reset-auth", data="0", timeout=60).ok

    def service(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """The metadata service: no response without a token, but for a file that configs name."""
        if path == "/remote":
            return 200, b"from afar"
        if path == "/latest/api/token":
            if method != "PUT" or "x-aws-ec2-metadata-token-ttl-seconds" not in headers:
                return 405, b""
            self.failures -= 1
            return (503, b"") if self.failures >= 0 else (200, TOKEN.encode())
        if headers.get("x-aws-ec2-metadata-token") != TOKEN:
            return 401, b""
        folder = "/latest/meta-data/iam/security-credentials/"
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        key, secret, session = (self.role[name] for name in names)
        found = {
            "/2019-10-01/user-data": self.user_data,
            "/latest/meta-data/placement/region": REGION.encode(),
        }
        if self.has_role:
            found[folder] = b"machines"
            found[f"{folder}machines"] = json.dumps(
                {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": secret, "Token": session}
            ).encode()
        return (200, found[path]) if path in found else (404, b"")

    def trusted(self) -> str:
        """The section of a Butane config that trusts S3's certificate."""
        lines = "".join(f"            {line}\n" for line in self.authority.read_text().splitlines())
        return f"ignition:\n  security:\n    tls:\n      certificate_authorities:\n        - inline: |\n{lines}"

    def handler(self) -> type[Quiet]:
        """Requests to S3's address."""
        outer = self

        class Handler(Quiet):
            def setup(self) -> None:
                self.request = outer._tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self) -> None:  # noqa: N802  # the base class looks for it
                if self.command == "HEAD" and self.path == "/" and self.headers["Host"] == HOST:
                    outer.asked.append("HEAD / 403")
                    self.reply(403, b"", {"x-amz-bucket-region": REGION})
                    return
                connection = http.client.HTTPConnection("127.0.0.1", outer.port)
                connection.request(self.command, self.path, headers=dict(self.headers.items()))
                response = connection.getresponse()
                data = response.read()
                connection.close()
                outer.asked.append(f"{self.command} {self.path} {response.status}")
                self.reply(response.status, data)

            do_HEAD = do_GET  # noqa: N815  # the base class looks for it

            def address_string(self) -> str:
                return "guest"

        return Handler


@contextmanager
def aws(folder: Path) -> Iterator[Aws]:
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("boto3")
    import requests

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    try:
        yield Aws(port, folder)
    finally:
        # For tests that use moto in this process after this one.
        requests.post(f"http://127.0.0.1:{port}/moto-api/reset-auth", data="inf", timeout=60)
        requests.post(f"http://127.0.0.1:{port}/moto-api/reset", timeout=60)
        server.stop()


@contextmanager
def at_socket(path: str, handler: type[Quiet]) -> Iterator[None]:
    """Serves at a Unix socket."""

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Clients that go away are part of the tests."""

    with Server(path, handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield
        server.shutdown()
