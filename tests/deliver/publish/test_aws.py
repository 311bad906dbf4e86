"""A config in a private bucket, from the desk to the machine's fetch stage: published, named by user data, fetched with the instance's role."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from butane_py.cli import build
from butane_py.deliver.ladder import pointer
from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.publishing import Stores, publish
from butane_py.deliver.publish.store import open_store
from ignition_py.fetch.schemes.data import encode
from tests.deliver.publish.aws import BUCKET, HOST, TOKEN, Aws, aws
from tests.deliver.publish.backends import Listening
from tests.helpers.servers import body
from tests.providers.network import Namespace, config, remove_stale, run_stage

pytestmark = [pytest.mark.root, pytest.mark.sockets, pytest.mark.subprocess]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with aws(tmp_path_factory.mktemp("aws")) as found:
        yield found


@pytest.fixture(scope="module")
def network(cloud: Aws) -> Iterator[Namespace]:
    """A namespace in which S3's name leads to `cloud`, and the metadata service's address to its service."""
    remove_stale("aws-")
    name = f"aws-{os.getpid()}"
    Path(f"/etc/netns/{name}").mkdir(parents=True)
    Path(f"/etc/netns/{name}/hosts").write_text(f"169.254.169.254 {HOST}\n127.0.0.1 localhost\n")
    namespace = Namespace(name)
    server = namespace.call(lambda: Listening(("169.254.169.254", 443), cloud.handler()))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        namespace.serve(80)
        yield namespace
    finally:
        server.shutdown()
        server.server_close()
        namespace.close()


@pytest.fixture
def instance(cloud: Aws, network: Namespace) -> Iterator[Namespace]:
    cloud.failures = 0
    cloud.asked.clear()
    network.reset()
    paths = [
        "/2019-10-01/user-data",
        "/latest/meta-data/placement/region",
        "/latest/meta-data/iam/security-credentials/",
    ]
    questions = [f"GET {path}" for path in [*paths, f"{paths[2]}machines"]]

    def answer(handler: object) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}  # type: ignore[attr-defined]
        status, data = cloud.service(handler.command, handler.path, headers)  # type: ignore[attr-defined]
        body(data, status=status)(handler)  # type: ignore[arg-type]

    network.at = dict.fromkeys([*questions, "PUT /latest/api/token"], answer)
    yield network
    cloud.has_role = True


@pytest.fixture
def published(cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    """The config `private` in the bucket; the user data that names it is the machine's. The name of its object."""
    for name, value in cloud.desk.items():
        monkeypatch.setenv(name, value)
    store = open_store(f"s3://{BUCKET}/fleet a")
    trusted = {"tls": {"certificateAuthorities": [{"source": encode(cloud.authority.read_bytes())}]}}
    made = {**json.loads(config("private")), "ignition": {"version": "3.3.0", "security": trusted}}
    delivery = pointer(json.dumps(made).encode(), lambda part: store.url(part.name))
    publish({"n1": delivery.parts}, Stores(store))
    cloud.user_data = delivery.user_data
    assert (
        json.loads(delivery.user_data)["ignition"]["config"]["replace"]["source"]
        == f"s3://{BUCKET}/fleet%20a/{delivery.parts[0].name}"
    )
    return delivery.parts[0].name


def test_with_the_role(cloud: Aws, instance: Namespace, published: str, tmp_path: Path) -> None:
    done = run_stage(instance, "aws", tmp_path, timeout="60s")
    assert (done.status, done.groups()) == (0, ["private"]), done.output
    assert cloud.asked == ["HEAD / 403", f"GET /fleet%20a/{published} 200"]
    assert cloud.role["SecretAccessKey"] not in done.output and TOKEN not in done.output


def test_without_the_role(cloud: Aws, instance: Namespace, published: str, tmp_path: Path) -> None:
    cloud.has_role = False
    done = run_stage(instance, "aws", tmp_path, timeout="60s")
    assert done.status == 1 and done.config is None
    said = " ".join(done.output.replace("CRITICAL :", "").split())  # the screen is 80 columns wide
    assert "S3 answered with status 403" in said and "this machine has no role" in said
    assert cloud.asked == ["HEAD / 403", f"GET /fleet%20a/{published} 403"]


def test_another_object_under_the_name(cloud: Aws, instance: Namespace, published: str, tmp_path: Path) -> None:
    """Who can write to the bucket cannot make machines take another config."""
    data = json.loads(cloud.user_data)
    data["ignition"]["config"]["replace"]["verification"]["hash"] = "sha512-" + "0" * 128
    cloud.user_data = json.dumps(data).encode()
    done = run_stage(instance, "aws", tmp_path, timeout="60s")
    assert done.status == 1 and done.config is None, done.output


def test_who_may_only_read_publishes_nothing(cloud: Aws, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "AWS_ACCESS_KEY_ID": "AccessKeyId",
        "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
        "AWS_SESSION_TOKEN": "SessionToken",
    }
    for variable, name in names.items():
        monkeypatch.setenv(variable, cloud.role[name])
    store = open_store(f"s3://{BUCKET}/fleet a")
    assert store.read(published) is not None
    with pytest.raises(DeliveryError, match=r"S3 answered AccessDenied.*s3:PutObject") as caught:
        store.write("0123456789abcdef.ign", b"x")
    assert cloud.role["SecretAccessKey"] not in str(caught.value)


def test_nothing_is_asked_with_keys_that_are_wrong(cloud: Aws, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(DeliveryError, match="SignatureDoesNotMatch"):
        open_store(f"s3://{BUCKET}").read(published)


SECRET = "s3cr3t-of-n1"
NODE = """\
variant: fcos
version: 1.5.0
vars: {token: {type: string, secret: true}}
storage:
  files:
    - path: /etc/secret
      mode: 0600
      contents: {inline: "${{ token }}"}
"""


def test_secrets_apart(cloud: Aws, instance: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--secrets split`: user data that everybody on the machine can read names a private object, which the role can read."""
    for name, value in cloud.desk.items():
        monkeypatch.setenv(name, value)
    node = tmp_path / "node.bu"
    node.write_text(NODE + cloud.trusted())
    words = ["--var", f"token={SECRET}", "--for", "aws", "--secrets", "split", "--publish", f"s3://{BUCKET}/public"]
    words += ["--publish-private", f"s3://{BUCKET}/private", "--output", str(tmp_path / "n1.ign")]
    assert build.main("butane-py build", [str(node), *words]) == 0
    cloud.user_data = (tmp_path / "n1.ign").read_bytes()
    assert SECRET.encode() not in cloud.user_data and b"s3://configs/private/" in cloud.user_data
    done = run_stage(instance, "aws", tmp_path, timeout="60s")
    assert done.status == 0, done.output
    (file,) = done.config["storage"]["files"]
    assert (file["path"], file["mode"], file["contents"]["source"]) == ("/etc/secret", 0o600, f"data:,{SECRET}")
    (tmp_path / "again").mkdir()
    cloud.has_role = False
    done = run_stage(instance, "aws", tmp_path / "again", timeout="60s")
    assert done.status == 1 and done.config is None and SECRET not in done.output
